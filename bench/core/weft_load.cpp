// The core benchmarks' weft: timers, memory, fairness, wakes from outside, fork and join.
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>
#include <vector>
#include <weft/weft.hpp>

#include "core/core.hpp"
#include "core/forkjoin.hpp"
#include "core/weft_run.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::on_runtime;
using bench::Stopwatch;

using Handles = std::vector<weft::JoinHandle<void>>;

/// `count` tasks of `body(i)`, all of which have begun.
template <class Body>
weft::Task<Handles> begun(std::size_t count, Body body) {
  Handles handles;
  handles.reserve(count);
  for (std::size_t i = 0; i < count; ++i) handles.push_back(weft::spawn(body, i));
  co_await weft::yield_now();
  co_return handles;
}

weft::Task<void> cancelled(Handles handles) {
  for (const auto& handle : handles) handle.cancel();
  for (auto& handle : handles) {
    auto ending = std::move(handle).outcome();
    const auto outcome = co_await std::move(ending);
    bench::require(outcome.cancelled(), "cancelled");
  }
}

// Timers: callbacks, without tasks

/// `count` timers, not armed. Each counts when it is called.
std::deque<weft::Timer> timers_of(std::size_t count, std::size_t& called) {
  std::deque<weft::Timer> timers;
  for (std::size_t i = 0; i < count; ++i) timers.emplace_back([&called] { ++called; });
  return timers;
}

weft::Task<Figures> arm_and_disarm(Job job) {
  std::size_t called = 0;
  std::deque<weft::Timer> timers = timers_of(job.count, called);
  const auto start = weft::now();
  std::size_t i = 0;
  const Stopwatch arming;
  for (weft::Timer& timer : timers) timer.arm_at(start + bench::within_a_minute(i++));
  Figures figures{arming.ns_each(job.count)};
  std::size_t disarmed = 0;
  const Stopwatch disarming;
  for (weft::Timer& timer : timers) disarmed += timer.disarm() ? 1 : 0;
  figures.push_back(disarming.ns_each(job.count));
  bench::require(disarmed == job.count && called == 0, "disarmed");
  co_return figures;
}

weft::Task<Figures> arm_beside_standing(Job job) {
  std::size_t called = 0;
  std::deque<weft::Timer> timers = timers_of(bench::standing, called);
  const auto start = weft::now();
  std::size_t number = 0;
  for (weft::Timer& timer : timers) timer.arm_at(start + bench::within_a_minute(number++));
  weft::Timer one([&called] { ++called; });
  std::size_t disarmed = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    one.arm_at(start + bench::within_a_minute(i));
    disarmed += one.disarm() ? 1 : 0;
  }
  Figures figures{watch.ns_each(job.count)};
  bench::require(disarmed == job.count && called == 0, "disarmed");
  co_return figures;
}

weft::Task<Figures> call(Job job) {
  const double before = bench::cpu_ns();
  bench::LastOne last(job.count);
  std::deque<weft::Timer> timers;
  for (std::size_t i = 0; i < job.count; ++i) timers.emplace_back([&last] { last.done(); });
  const auto start = weft::now();
  std::size_t i = 0;
  for (weft::Timer& timer : timers) timer.arm_at(start + bench::due(i++, job.count));
  co_await last.wait();
  co_return Figures(1, (bench::cpu_ns() - before) / static_cast<double>(job.count));
}

// Whole tasks that sleep

weft::Task<void> sleeper(std::size_t i) { co_await weft::sleep_for(bench::within_a_minute(i)); }

weft::Task<Figures> create_and_cancel(Job job) {
  const Stopwatch creating;
  Handles handles = co_await begun(job.count, sleeper);
  const double created = creating.ns_each(job.count);
  const Stopwatch cancelling;
  co_await cancelled(std::move(handles));
  Figures figures{created};
  figures.push_back(cancelling.ns_each(job.count));
  co_return figures;
}

weft::Task<Figures> beside_standing(Job job) {
  Handles handles = co_await begun(bench::standing, sleeper);
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    auto bounded = weft::timeout(weft::yield_now(), bench::within_a_minute(i));
    co_await std::move(bounded);
  }
  const double ns = watch.ns_each(job.count);
  co_await cancelled(std::move(handles));
  co_return Figures(1, ns);
}

weft::Task<Figures> fire(Job job) {
  const double before = bench::cpu_ns();
  bench::LastOne last(job.count);
  const auto start = weft::now();
  const auto body = [&last, start, job](std::size_t i) -> weft::Task<void> {
    co_await weft::sleep_until(start + bench::due(i, job.count));
    last.done();
  };
  for (std::size_t i = 0; i < job.count; ++i) weft::spawn(body, i).detach();
  co_await last.wait();
  co_return Figures(1, (bench::cpu_ns() - before) / static_cast<double>(job.count));
}

// Memory

/// Figures of `count` tasks. Each counts itself as begun and waits.
template <class Body>
weft::Task<Figures> each_of(std::size_t count, const std::size_t& begun, Body body) {
  const double before = bench::resident_bytes();
  const Stopwatch watch;
  for (std::size_t i = 0; i < count; ++i) weft::spawn(body).detach();
  while (begun != count) {
    co_await weft::yield_now();
  }
  Figures figures{(bench::resident_bytes() - before) / static_cast<double>(count)};
  figures.push_back(watch.ns_each(count));
  co_return figures;
}

weft::Task<Figures> parked(Job job) {
  weft::Semaphore gate(0);
  bench::LastOne last(job.count);
  std::size_t begun = 0;
  const auto body = [&]() -> weft::Task<void> {
    ++begun;
    const weft::Permit permit = co_await gate.acquire();
    last.done();
  };
  Figures figures = co_await each_of(job.count, begun, body);
  bench::require(gate.waiting() == job.count, "parked");
  gate.release(job.count);
  co_await last.wait();
  co_return figures;
}

weft::Task<Figures> sleeping(Job job) {
  static std::size_t begun = 0;  // lives as long as the sleepers
  const auto body = []() -> weft::Task<void> {
    ++begun;
    co_await weft::sleep_for(bench::long_time);
    bench::require(false, "woken early");
  };
  return each_of(job.count, begun, body);
}

// Fairness

weft::Task<double> slow_round(double ms) {
  bench::Table table;
  auto other = weft::spawn([&table] { return table.answer(); });
  bench::SlowRounds slow(ms);
  while (!slow.over()) {
    slow.began();
    co_await table.round();
    slow.ended();
  }
  table.end();
  co_await std::move(other);
  bench::require(table.number == 2 * slow.rounds(), "rounds");
  co_return slow.p99();
}

weft::Task<Figures> fairness(Job job) {
  const auto ms = static_cast<double>(job.count);
  Figures figures;
  const double unloaded = co_await slow_round(ms / 4);
  figures.push_back(unloaded);
  bench::Busy busy;
  auto spinning = weft::spawn([&busy]() -> weft::Task<void> {
    while (!busy.over()) {
      co_await weft::yield_now();
    }
  });
  auto computing = weft::spawn([&busy]() -> weft::Task<void> {
    while (!busy.over()) {
      busy.compute_slice();
      co_await weft::yield_now();
    }
  });
  const double loaded = co_await slow_round(ms);
  figures.push_back(loaded);
  figures.push_back(busy.end());
  co_await std::move(spinning);
  co_await std::move(computing);
  co_return figures;
}

// Wakes from outside

Figures wake(Job job) {
  weft::Runtime runtime(bench::options_of(job));
  weft::Semaphore bell(0);
  bench::Wakes wakes(job.count);
  auto listening = runtime.spawn([&]() -> weft::Task<void> {
    for (std::size_t i = 0; i < job.count; ++i) {
      weft::Permit permit = co_await bell.acquire();
      permit.forget();
      wakes.woken();
    }
  });
  Figures figures = wakes.ring([&] { bell.release(); });
  runtime.block_on(std::move(listening));
  return figures;
}

Figures posted(Job job) {
  weft::Runtime runtime(bench::options_of(job));
  bench::LastOne last(job.count);
  const auto body = [&last]() -> weft::Task<void> {
    last.done();
    co_return;
  };
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) runtime.spawn(body).detach();
  runtime.block_on([&last] { return last.wait(); });
  return {watch.ns_each(job.count)};
}

/// The sleepers are not awaited: the program ends with them.
Figures sleeping_for_good(Job job) {
  auto* const runtime = std::make_unique<weft::Runtime>(bench::options_of(job)).release();
  Figures figures = runtime->block_on([job] { return sleeping(job); });
  bench::require(runtime->live_tasks() == job.count, "sleeping");
  return figures;
}

// Fork and join

struct Fork {
  template <class A, class B>
  void both(A a, B b) {
    weft::parallel_invoke(a, b);
  }
  template <class F>
  void each(std::size_t n, F f) {
    weft::parallel_for(std::size_t{0}, n, f);
  }
};

/// On a team of as many threads as the job has workers.
template <class Body>
Figures on_team(std::size_t threads, Body body) {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.compute_threads = threads;
  weft::Runtime runtime(options);
  return runtime.block_on(weft::parallel([body] {
    Fork fork;
    return body(fork);
  }));
}

}  // namespace

bench::Cells bench::load_cells() {
  Cells cells =
      forkjoin_cells([](std::size_t threads, auto body) { return on_team(threads, body); });
  cells.merge(Cells{{"timer-cancel", on_runtime(arm_and_disarm)},
                    {"timer-standing", on_runtime(arm_beside_standing)},
                    {"timer-calls", on_runtime(call)},
                    {"sleep-cancel", on_runtime(create_and_cancel)},
                    {"timeout-standing", on_runtime(beside_standing)},
                    {"timer-fire", on_runtime(fire)},
                    {"memory-parked", on_runtime(parked)},
                    {"memory-sleeping", sleeping_for_good},
                    {"fairness", on_runtime(fairness)},
                    {"wake", wake},
                    {"posted", posted}});
  cells.merge(fork_cells());
  return cells;
}
