// The core benchmarks' weft: tasks, yields, ping-pong.
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>
#include <weft/weft.hpp>

#include "core/core.hpp"
#include "core/weft_run.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::on_runtime;
using bench::Stopwatch;

[[gnu::noinline]] weft::Task<std::size_t> child(std::size_t number) { co_return number; }

weft::Task<Figures> awaits(Job job) {
  std::size_t sum = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    const std::size_t number = co_await child(i);
    sum += number;
  }
  const double ns = watch.ns_each(job.count);
  bench::require(sum == job.count * (job.count - 1) / 2, "await");
  co_return Figures(1, ns);
}

weft::Task<Figures> spawns(Job job) {
  std::atomic<std::size_t> ran = 0;
  const auto body = [&ran]() -> weft::Task<void> {
    ran.fetch_add(1, std::memory_order_relaxed);
    co_return;
  };
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    auto handle = weft::spawn(body);
    co_await std::move(handle);
  }
  const double ns = watch.ns_each(job.count);
  bench::require(ran == job.count, "spawn-join");
  co_return Figures(1, ns);
}

weft::Task<std::size_t> spawn_and_join_batch() {
  std::vector<weft::JoinHandle<std::size_t>> handles;
  handles.reserve(bench::batch);
  for (std::size_t i = 0; i < bench::batch; ++i) handles.push_back(weft::spawn(child, i));
  std::size_t sum = 0;
  for (auto& handle : handles) {
    const std::size_t number = co_await std::move(handle);
    sum += number;
  }
  co_return sum;
}

weft::Task<Figures> spawn_batches(Job job) {
  std::size_t sum = co_await spawn_and_join_batch();
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    const std::size_t more = co_await spawn_and_join_batch();
    sum += more;
  }
  const double ns = watch.ns_each(job.count * bench::batch);
  bench::require(sum == (job.count + 1) * (bench::batch * (bench::batch - 1) / 2), "join all");
  co_return Figures(1, ns);
}

weft::Task<Figures> detached(Job job) {
  bench::LastOne last(job.count);
  const auto body = [&last]() -> weft::Task<void> {
    last.done();
    co_return;
  };
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) weft::spawn(body).detach();
  co_await last.wait();
  co_return Figures(1, watch.ns_each(job.count));
}

weft::Task<Figures> yields(Job job) {
  const std::size_t each = job.count / bench::yielding_tasks;
  const auto body = [each]() -> weft::Task<std::size_t> {
    std::size_t yielded = 0;
    for (; yielded < each; ++yielded) {
      co_await weft::yield_now();
    }
    co_return yielded;
  };
  std::vector<weft::JoinHandle<std::size_t>> handles;
  std::size_t yielded = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < bench::yielding_tasks; ++i) handles.push_back(weft::spawn(body));
  for (auto& handle : handles) {
    const std::size_t more = co_await std::move(handle);
    yielded += more;
  }
  const double ns = watch.ns_each(yielded);
  bench::require(yielded == each * bench::yielding_tasks, "yields");
  co_return Figures(1, ns);
}

weft::Task<Figures> rounds(Job job) {
  bench::Table table;
  auto other = weft::spawn([&table] { return table.answer(); });
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    ++table.number;
    table.to_second.release();
    weft::Permit permit = co_await table.to_first.acquire();
    permit.forget();
  }
  const double ns = watch.ns_each(job.count);
  table.end();
  co_await std::move(other);
  bench::require(table.number == 2 * job.count, "rounds");
  co_return Figures(1, ns);
}

/// The two on a worker each. Each worker is bound to a processor.
Figures rounds_apart(Job job, std::chrono::nanoseconds think) {
  bench::Table table;
  table.think = think;
  bench::Laps laps(job.count, think);
  weft::RuntimeOptions options = bench::options_of(job);
  options.thread_per_core = true;
  weft::Runtime runtime(options);
  auto first = runtime.spawn(weft::SpawnOptions().on_worker(0),
                             [&table, &laps]() -> weft::Task<std::thread::id> {
                               while (!laps.over()) {
                                 laps.began();
                                 co_await table.round();
                                 laps.ended();
                               }
                               table.end();
                               co_return std::this_thread::get_id();
                             });
  auto second =
      runtime.spawn(weft::SpawnOptions().on_worker(1), [&table]() -> weft::Task<std::thread::id> {
        co_await table.answer();
        co_return std::this_thread::get_id();
      });
  const bool apart = runtime.block_on(std::move(first)) != runtime.block_on(std::move(second));
  bench::require(apart && table.number == 2 * job.count, "rounds apart");
  return laps.median();
}

Figures pinned(Job job) { return rounds_apart(job, {}); }
Figures parked(Job job) { return rounds_apart(job, bench::think_time); }

}  // namespace

bench::Cells bench::task_cells() {
  return {{"await", on_runtime(awaits)},
          {"spawn-join", on_runtime(spawns)},
          {"spawn-join-all", on_runtime(spawn_batches)},
          {"spawn-detached", on_runtime(detached)},
          {"yield", on_runtime(yields)},
          {"ping-pong", on_runtime(rounds)},
          {"ping-pong-pinned", pinned},
          {"ping-pong-parked", parked}};
}
