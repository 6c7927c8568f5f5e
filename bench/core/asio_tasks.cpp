// The core benchmarks' Asio: C++20 coroutines on an io_context. Tasks, yields, ping-pong.
#include <atomic>
#include <chrono>
#include <thread>

#include "core/asio_run.hpp"
#include "core/core.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::on_context;
using bench::Stopwatch;

[[gnu::noinline]] asio::awaitable<std::size_t> child(std::size_t number) { co_return number; }

asio::awaitable<Figures> awaits(Job job) {
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

asio::awaitable<Figures> spawns(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  std::size_t sum = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    const std::size_t number = co_await asio::co_spawn(executor, child(i), asio::use_awaitable);
    sum += number;
  }
  const double ns = watch.ns_each(job.count);
  bench::require(sum == job.count * (job.count - 1) / 2, "spawn-join");
  co_return Figures(1, ns);
}

/// Asio's own way of waiting for many: the completion handler of each counts.
asio::awaitable<std::size_t> spawn_and_join_batch() {
  const auto executor = co_await asio::this_coro::executor;
  std::atomic<std::size_t> sum = 0;
  bench::LastOne last(executor, bench::batch);
  const auto ended = [&](const std::exception_ptr&, std::size_t number) {
    sum.fetch_add(number, std::memory_order_relaxed);
    last.done();
  };
  for (std::size_t i = 0; i < bench::batch; ++i) asio::co_spawn(executor, child(i), ended);
  co_await last.wait();
  co_return sum.load();
}

asio::awaitable<Figures> spawn_batches(Job job) {
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

asio::awaitable<void> counting(bench::LastOne& last) {
  last.done();
  co_return;
}

asio::awaitable<Figures> detached(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  bench::LastOne last(executor, job.count);
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    asio::co_spawn(executor, counting(last), asio::detached);
  }
  co_await last.wait();
  co_return Figures(1, watch.ns_each(job.count));
}

asio::awaitable<void> yielding(std::size_t each, bench::LastOne& last) {
  const auto executor = co_await asio::this_coro::executor;
  for (std::size_t i = 0; i < each; ++i) {
    co_await asio::post(executor, asio::use_awaitable);
  }
  last.done();
}

asio::awaitable<Figures> yields(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  const std::size_t each = job.count / bench::yielding_tasks;
  bench::LastOne last(executor, bench::yielding_tasks);
  const Stopwatch watch;
  for (std::size_t i = 0; i < bench::yielding_tasks; ++i) {
    asio::co_spawn(executor, yielding(each, last), asio::detached);
  }
  co_await last.wait();
  co_return Figures(1, watch.ns_each(each * bench::yielding_tasks));
}

template <class Channel>
asio::awaitable<Figures> rounds(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  bench::Table<Channel> table(executor);
  bench::LastOne last(executor, 1);
  asio::co_spawn(executor, table.answer(), [&](const std::exception_ptr&) { last.done(); });
  std::size_t number = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    co_await table.to_second.async_send(std::error_code(), number + 1, asio::use_awaitable);
    number = co_await table.to_first.async_receive(asio::use_awaitable);
  }
  const double ns = watch.ns_each(job.count);
  co_await table.to_second.async_send(std::error_code(), table.last, asio::use_awaitable);
  co_await last.wait();
  bench::require(number == 2 * job.count, "rounds");
  co_return Figures(1, ns);
}

/// Asio's channel, without a lock where one thread runs the context.
Figures rounds_on(Job job) {
  return job.workers == 1 ? on_context(rounds<bench::Numbers>)(job)
                          : on_context(rounds<bench::SharedNumbers>)(job);
}

using SharedTable = bench::Table<bench::SharedNumbers>;

/// The first side, on a context of its own.
asio::awaitable<void> first_of_two(SharedTable& table, bench::Laps& laps, std::size_t& number) {
  while (!laps.over()) {
    laps.began();
    if (table.think.count() > 0) bench::compute_for(table.think);
    co_await table.to_second.async_send(std::error_code(), number + 1, asio::use_awaitable);
    number = co_await table.to_first.async_receive(asio::use_awaitable);
    laps.ended();
  }
  co_await table.to_second.async_send(std::error_code(), table.last, asio::use_awaitable);
}

/// A thread with a context each, bound to a CPU each.
Figures rounds_apart(Job job, std::chrono::nanoseconds think) {
  asio::io_context first(1);
  asio::io_context second(1);
  SharedTable table(first.get_executor(), second.get_executor());
  table.think = think;
  bench::Laps laps(job.count, think);
  std::size_t number = 0;
  asio::co_spawn(second, table.answer(), asio::detached);
  asio::co_spawn(first, first_of_two(table, laps, number), asio::detached);
  {
    const std::jthread other([&second] {
      bench::bind_to(1);
      second.run();
    });
    bench::bind_to(0);
    first.run();
  }
  bench::require(number == 2 * job.count, "rounds apart");
  return laps.median();
}

Figures pinned(Job job) { return rounds_apart(job, {}); }
Figures parked(Job job) { return rounds_apart(job, bench::think_time); }

}  // namespace

bench::Cells bench::task_cells() {
  return {{"await", on_context(awaits)},
          {"spawn-join", on_context(spawns)},
          {"spawn-join-all", on_context(spawn_batches)},
          {"spawn-detached", on_context(detached)},
          {"yield", on_context(yields)},
          {"ping-pong", rounds_on},
          {"ping-pong-pinned", pinned},
          {"ping-pong-parked", parked}};
}
