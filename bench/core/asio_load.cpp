// The core benchmarks' Asio: channels, timers, memory, fairness, wakes from outside.
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "core/asio_run.hpp"
#include "core/core.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::LastOne;
using bench::on_context;
using bench::Stopwatch;
using Timer = asio::steady_timer;

// Channels

template <class Channel>
asio::awaitable<void> sending(Channel& channel, std::size_t each) {
  for (std::size_t i = 0; i < each; ++i) {
    co_await channel.async_send(std::error_code(), i, asio::use_awaitable);
  }
}

template <class Channel>
asio::awaitable<void> receiving(Channel& channel, std::size_t each, std::atomic<std::size_t>& sum,
                                LastOne& last) {
  std::size_t own = 0;
  for (std::size_t i = 0; i < each; ++i) {
    const std::size_t value = co_await channel.async_receive(asio::use_awaitable);
    own += value;
  }
  sum += own;
  last.done();
}

template <class Channel, std::size_t senders, std::size_t receivers>
asio::awaitable<Figures> channel_of(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  const std::size_t each = job.count / senders;
  const std::size_t taken = each * senders / receivers;
  Channel channel(executor, bench::capacity);
  std::atomic<std::size_t> sum = 0;
  LastOne last(executor, receivers);
  const Stopwatch watch;
  for (std::size_t i = 0; i < senders; ++i) {
    asio::co_spawn(executor, sending(channel, each), asio::detached);
  }
  for (std::size_t i = 0; i < receivers; ++i) {
    asio::co_spawn(executor, receiving(channel, taken, sum, last), asio::detached);
  }
  co_await last.wait();
  const double ns = watch.ns_each(each * senders);
  bench::require(sum == senders * (each * (each - 1) / 2), "channel");
  co_return Figures(1, ns);
}

template <std::size_t senders, std::size_t receivers>
Figures channel_on(Job job) {
  return job.workers == 1 ? on_context(channel_of<bench::Numbers, senders, receivers>)(job)
                          : on_context(channel_of<bench::SharedNumbers, senders, receivers>)(job);
}

// Timers: without tasks, except the cell that fires them

/// `count` waiting timers. Each counts when it is cancelled.
std::deque<Timer> armed(asio::io_context& context, std::size_t count, std::size_t& cancelled) {
  std::deque<Timer> timers;
  for (std::size_t i = 0; i < count; ++i) {
    timers.emplace_back(context, bench::within_a_minute(i));
    timers.back().async_wait([&](std::error_code error) { cancelled += error ? 1 : 0; });
  }
  return timers;
}

Figures create_and_cancel(Job job) {
  asio::io_context context(1);
  std::size_t cancelled = 0;
  const Stopwatch creating;
  std::deque<Timer> timers = armed(context, job.count, cancelled);
  const double created = creating.ns_each(job.count);
  const Stopwatch cancelling;
  for (Timer& timer : timers) timer.cancel();
  context.run();
  bench::require(cancelled == job.count, "cancelled");
  return {created, cancelling.ns_each(job.count)};
}

Figures beside_standing(Job job) {
  asio::io_context context(1);
  std::size_t cancelled = 0;
  std::deque<Timer> timers = armed(context, bench::standing, cancelled);
  Timer timer(context);
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    timer.expires_after(bench::within_a_minute(i));
    timer.async_wait([&](std::error_code error) { cancelled += error ? 1 : 0; });
    timer.cancel();
    if (i % 100 == 99) context.poll();  // runs the handlers
  }
  context.poll();
  bench::require(cancelled == job.count, "cancelled");
  return {watch.ns_each(job.count)};
}

asio::awaitable<void> firing(std::chrono::steady_clock::time_point due, LastOne& last) {
  const auto executor = co_await asio::this_coro::executor;
  Timer timer(executor);
  timer.expires_at(due);
  co_await timer.async_wait(asio::use_awaitable);
  last.done();
}

asio::awaitable<Figures> fire(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  const double before = bench::cpu_ns();
  const auto start = std::chrono::steady_clock::now();
  LastOne last(executor, job.count);
  for (std::size_t i = 0; i < job.count; ++i) {
    asio::co_spawn(executor, firing(start + bench::due(i, job.count), last), asio::detached);
  }
  co_await last.wait();
  co_return Figures(1, (bench::cpu_ns() - before) / static_cast<double>(job.count));
}

// Memory

asio::awaitable<void> parked(bench::SharedNumbers& gate, std::size_t& begun, LastOne& last) {
  ++begun;
  co_await gate.async_receive(asio::use_awaitable);
  last.done();
}

asio::awaitable<void> sleeping(std::size_t& begun) {
  ++begun;
  const auto executor = co_await asio::this_coro::executor;
  Timer timer(executor, bench::long_time);
  co_await timer.async_wait(asio::use_awaitable);
  bench::require(false, "woken early");
}

/// `spawn()` starts one.
template <class Spawn>
Figures each_of(asio::io_context& context, std::size_t count, const std::size_t& begun,
                Spawn spawn) {
  const double before = bench::resident_bytes();
  const Stopwatch watch;
  for (std::size_t i = 0; i < count; ++i) spawn();
  context.poll();
  bench::require(begun == count, "parked");
  const double ns = watch.ns_each(count);
  return {(bench::resident_bytes() - before) / static_cast<double>(count), ns};
}

Figures memory_parked(Job job) {
  asio::io_context context(1);
  bench::SharedNumbers gate(context);
  LastOne last(context.get_executor(), job.count);
  std::size_t begun = 0;
  Figures figures = each_of(context, job.count, begun, [&] {
    asio::co_spawn(context, parked(gate, begun, last), asio::detached);
  });
  std::size_t released = 0;
  while (gate.try_send(std::error_code(), 0U)) ++released;
  context.restart();
  context.run();
  bench::require(released == job.count, "released");
  return figures;
}

Figures memory_sleeping(Job job) {
  auto* const context = std::make_unique<asio::io_context>(1).release();  // ends with the program
  static std::size_t begun = 0;
  return each_of(*context, job.count, begun,
                 [&] { asio::co_spawn(*context, sleeping(begun), asio::detached); });
}

// Fairness

asio::awaitable<double> slow_round(double ms) {
  const auto executor = co_await asio::this_coro::executor;
  bench::Table<bench::SharedNumbers> table(executor);
  LastOne last(executor, 1);
  asio::co_spawn(executor, table.answer(), [&](const std::exception_ptr&) { last.done(); });
  bench::SlowRounds slow(ms);
  std::size_t number = 0;
  while (!slow.over()) {
    slow.began();
    co_await table.to_second.async_send(std::error_code(), number + 1, asio::use_awaitable);
    number = co_await table.to_first.async_receive(asio::use_awaitable);
    slow.ended();
  }
  co_await table.to_second.async_send(std::error_code(), table.last, asio::use_awaitable);
  co_await last.wait();
  bench::require(number == 2 * slow.rounds(), "rounds");
  co_return slow.p99();
}

asio::awaitable<void> spinning(const bench::Busy& busy, LastOne& last) {
  const auto executor = co_await asio::this_coro::executor;
  while (!busy.over()) {
    co_await asio::post(executor, asio::use_awaitable);
  }
  last.done();
}

asio::awaitable<void> computing(bench::Busy& busy, LastOne& last) {
  const auto executor = co_await asio::this_coro::executor;
  while (!busy.over()) {
    busy.compute_slice();
    co_await asio::post(executor, asio::use_awaitable);
  }
  last.done();
}

asio::awaitable<Figures> fairness(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  const auto ms = static_cast<double>(job.count);
  Figures figures;
  const double unloaded = co_await slow_round(ms / 4);
  figures.push_back(unloaded);
  bench::Busy busy;
  LastOne last(executor, 2);
  asio::co_spawn(executor, spinning(busy, last), asio::detached);
  asio::co_spawn(executor, computing(busy, last), asio::detached);
  const double loaded = co_await slow_round(ms);
  figures.push_back(loaded);
  figures.push_back(busy.end());
  co_await last.wait();
  co_return figures;
}

// Wakes from outside

asio::awaitable<void> listening(bench::SharedNumbers& bell, bench::Wakes& wakes,
                                std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    co_await bell.async_receive(asio::use_awaitable);
    wakes.woken();
  }
}

Figures wake(Job job) {
  asio::io_context context(static_cast<int>(job.workers));
  auto staying = asio::make_work_guard(context);
  bench::SharedNumbers bell(context, 1);
  bench::Wakes wakes(job.count);
  asio::co_spawn(context, listening(bell, wakes, job.count), asio::detached);
  std::jthread running([&] { bench::run_on(context, job.workers); });
  Figures figures = wakes.ring([&] { bell.try_send(std::error_code(), 0U); });
  staying.reset();
  return figures;
}

Figures posted(Job job) {
  asio::io_context context(static_cast<int>(job.workers));
  auto staying = asio::make_work_guard(context);
  std::atomic<std::size_t> ran = 0;
  const auto handler = [&ran] { ran.fetch_add(1, std::memory_order_relaxed); };
  double ns = 0;
  {
    std::jthread running([&] { bench::run_on(context, job.workers); });
    const Stopwatch watch;
    for (std::size_t i = 0; i < job.count; ++i) asio::post(context, handler);
    staying.reset();
    running.join();
    ns = watch.ns_each(job.count);
  }
  bench::require(ran == job.count, "posted");
  return {ns};
}

}  // namespace

bench::Cells bench::sync_cells() {
  return {{"channel-1p1c", channel_on<1, 1>},
          {"channel-4p1c", channel_on<4, 1>},
          {"channel-4p4c", channel_on<4, 4>}};
}

bench::Cells bench::load_cells() {
  return {{"timer-cancel", create_and_cancel},
          {"timer-standing", beside_standing},
          {"timer-fire", on_context(fire)},
          {"memory-parked", memory_parked},
          {"memory-sleeping", memory_sleeping},
          {"fairness", on_context(fairness)},
          {"wake", wake},
          {"posted", posted}};
}
