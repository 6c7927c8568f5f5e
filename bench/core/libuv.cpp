// The core benchmarks' libuv: timers, and a wake from outside. libuv has callbacks, no tasks.
#include <uv.h>

#include <chrono>
#include <thread>
#include <vector>

#include "core/core.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Stopwatch;

std::size_t fired = 0;

void on_timer(uv_timer_t*) { ++fired; }

/// A loop with so many timers, none of them started.
struct Timers {
  explicit Timers(std::size_t count) : all(count) {
    bench::require(uv_loop_init(&loop) == 0, "uv_loop_init");
    for (uv_timer_t& timer : all) uv_timer_init(&loop, &timer);
  }
  void start(std::size_t i, std::chrono::milliseconds after) {
    const auto due = static_cast<std::uint64_t>(after.count());
    bench::require(uv_timer_start(&all[i], on_timer, due, 0) == 0, "uv_timer_start");
  }
  void stop(std::size_t i) { uv_timer_stop(&all[i]); }

  uv_loop_t loop{};
  std::vector<uv_timer_t> all;
};

Figures create_and_cancel(Job job) {
  const Stopwatch creating;
  Timers timers(job.count);
  for (std::size_t i = 0; i < job.count; ++i) timers.start(i, bench::within_a_minute(i));
  const double created = creating.ns_each(job.count);
  const Stopwatch cancelling;
  for (std::size_t i = 0; i < job.count; ++i) timers.stop(i);
  const double cancelled = cancelling.ns_each(job.count);
  bench::require(uv_loop_alive(&timers.loop) == 0, "cancelled");
  return {created, cancelled};
}

Figures beside_standing(Job job) {
  Timers timers(bench::standing + 1);
  for (std::size_t i = 0; i < bench::standing; ++i) timers.start(i, bench::within_a_minute(i));
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    timers.start(bench::standing, bench::within_a_minute(i));
    timers.stop(bench::standing);
  }
  const double ns = watch.ns_each(job.count);
  bench::require(uv_is_active(reinterpret_cast<uv_handle_t*>(&timers.all.back())) == 0, "stopped");
  return {ns};
}

Figures fire(Job job) {
  const double before = bench::cpu_ns();
  Timers timers(job.count);
  uv_update_time(&timers.loop);
  for (std::size_t i = 0; i < job.count; ++i) {
    timers.start(i,
                 std::chrono::duration_cast<std::chrono::milliseconds>(bench::due(i, job.count)));
  }
  uv_run(&timers.loop, UV_RUN_DEFAULT);
  bench::require(fired == job.count, "fired");
  return {(bench::cpu_ns() - before) / static_cast<double>(job.count)};
}

Figures wake(Job job) {
  bench::Wakes wakes(job.count);
  uv_loop_t loop;
  uv_async_t bell;
  bench::require(uv_loop_init(&loop) == 0, "uv_loop_init");
  uv_async_init(&loop, &bell,
                [](uv_async_t* rung) { static_cast<bench::Wakes*>(rung->data)->woken(); });
  bell.data = &wakes;
  std::thread([&loop] { uv_run(&loop, UV_RUN_DEFAULT); }).detach();  // as long as the program
  return wakes.ring([&] { uv_async_send(&bell); });
}

}  // namespace

bench::Cells bench::task_cells() { return {}; }
bench::Cells bench::sync_cells() { return {}; }
bench::Cells bench::load_cells() {
  return {{"timer-cancel", create_and_cancel},
          {"timer-standing", beside_standing},
          {"timer-fire", fire},
          {"wake", wake}};
}
