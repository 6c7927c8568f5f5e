// The core benchmarks' Boost.Fiber: round robin on one thread, shared_work on two. An idle thread
// of the two sleeps, as in all other subjects. A fiber that becomes ready on one thread does not
// wake the other one, so one thread does most of the work. If idle threads spun instead, each
// hand-over would wait for a time slice where the machine has other work. Stacks of 16 KiB, pooled
// on one thread.
#include <atomic>
#include <boost/fiber/algo/shared_work.hpp>
#include <boost/fiber/all.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/core.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Stopwatch;
namespace fibers = boost::fibers;

constexpr std::size_t stack_bytes = 16'384;

/// Makes fibers. The pool is for one thread alone.
class Spawner {
 public:
  explicit Spawner(Job job) : pooled_(job.workers == 1) {}
  template <class Body>
  fibers::fiber operator()(Body body) {
    if (pooled_) return fibers::fiber(std::allocator_arg, pool_, std::move(body));
    return fibers::fiber(std::allocator_arg, plain_, std::move(body));
  }
  template <class Body>
  std::vector<fibers::fiber> many(std::size_t count, Body body) {
    std::vector<fibers::fiber> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i) all.push_back((*this)(body));
    return all;
  }

 private:
  bool pooled_;
  fibers::pooled_fixedsize_stack pool_{stack_bytes};
  fibers::fixedsize_stack plain_{stack_bytes};
};

void join(std::vector<fibers::fiber>& all) {
  for (fibers::fiber& fiber : all) fiber.join();
}

/// The other threads that run fibers, until the destructor.
class Workers {
 public:
  explicit Workers(std::size_t count) {
    if (count < 2) return;
    for (std::size_t i = 1; i < count; ++i) threads_.emplace_back([this] { work(); });
    fibers::use_scheduling_algorithm<fibers::algo::shared_work>(true);
  }
  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    end_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

 private:
  void work() {
    fibers::use_scheduling_algorithm<fibers::algo::shared_work>(true);
    std::unique_lock lock(mutex_);
    end_.wait(lock, [this] { return over_; });
  }

  fibers::mutex mutex_;
  fibers::condition_variable end_;
  bool over_ = false;
  std::vector<std::thread> threads_;
};

std::function<Figures(Job)> on_threads(Figures (*cell)(Job)) {
  return [cell](Job job) {
    const Workers workers(job.workers);
    Figures figures;
    // In a fiber: with shared_work a thread's main fiber may wait until no other is ready.
    fibers::fiber([&] { figures = cell(job); }).join();
    return figures;
  };
}

Figures spawns(Job job) {
  Spawner spawn(job);
  std::atomic<std::size_t> ran = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    spawn([&ran] { ran.fetch_add(1, std::memory_order_relaxed); }).join();
  }
  const double ns = watch.ns_each(job.count);
  bench::require(ran == job.count, "spawn-join");
  return {ns};
}

Figures spawn_batches(Job job) {
  Spawner spawn(job);
  std::atomic<std::size_t> ran = 0;
  Figures figures = bench::batches(job.count, [&] {
    auto all = spawn.many(bench::batch, [&ran] { ran.fetch_add(1, std::memory_order_relaxed); });
    join(all);
  });
  bench::require(ran == (job.count + 1) * bench::batch, "join all");
  return figures;
}

Figures yields(Job job) {
  Spawner spawn(job);
  const std::size_t each = job.count / bench::yielding_tasks;
  std::atomic<std::size_t> yielded = 0;
  const Stopwatch watch;
  auto all = spawn.many(bench::yielding_tasks, [&yielded, each] {
    for (std::size_t i = 0; i < each; ++i) boost::this_fiber::yield();
    yielded += each;
  });
  join(all);
  const double ns = watch.ns_each(each * bench::yielding_tasks);
  bench::require(yielded == each * bench::yielding_tasks, "yields");
  return {ns};
}

/// Boost.Fiber's own way of handing a number over without a buffer.
struct Table {
  fibers::unbuffered_channel<std::size_t> to_first;
  fibers::unbuffered_channel<std::size_t> to_second;
  std::chrono::nanoseconds think{0};  // the computing time of each side before it hands over

  /// Answers until the channel is closed.
  void answer() {
    std::size_t number = 0;
    while (to_second.pop(number) == fibers::channel_op_status::success) hand_to(to_first, number);
  }
  [[nodiscard]] std::size_t round(std::size_t number) {
    hand_to(to_second, number);
    to_first.pop(number);
    return number;
  }
  void hand_to(fibers::unbuffered_channel<std::size_t>& other, std::size_t number) const {
    if (think.count() > 0) bench::compute_for(think);
    other.push(number + 1);
  }
};

Figures rounds(Job job) {
  Spawner spawn(job);
  Table table;
  fibers::fiber other = spawn([&table] { table.answer(); });
  std::size_t number = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) number = table.round(number);
  const double ns = watch.ns_each(job.count);
  bench::require(number == 2 * job.count, "rounds");
  table.to_second.close();
  other.join();
  return {ns};
}

/// The main fibers of two threads, each bound to a CPU of its own.
Figures rounds_apart(Job job, std::chrono::nanoseconds think) {
  Table table;
  table.think = think;
  const std::jthread other([&table] {
    bench::bind_to(1);
    table.answer();
  });
  bench::bind_to(0);
  bench::Laps laps(job.count, think);
  std::size_t number = 0;
  while (!laps.over()) {
    laps.began();
    number = table.round(number);
    laps.ended();
  }
  table.to_second.close();
  bench::require(number == 2 * job.count, "rounds apart");
  return laps.median();
}

Figures pinned(Job job) { return rounds_apart(job, {}); }
Figures parked(Job job) { return rounds_apart(job, bench::think_time); }

template <std::size_t senders, std::size_t receivers>
Figures channel(Job job) {
  Spawner spawn(job);
  fibers::buffered_channel<std::size_t> numbers(bench::capacity);
  const std::size_t each = job.count / senders;
  const std::size_t taken = each * senders / receivers;
  std::atomic<std::size_t> sum = 0;
  const Stopwatch watch;
  auto sending = spawn.many(senders, [&numbers, each] {
    for (std::size_t i = 0; i < each; ++i) numbers.push(i);
  });
  auto receiving = spawn.many(receivers, [&numbers, &sum, taken] {
    std::size_t own = 0;
    for (std::size_t i = 0; i < taken; ++i) own += numbers.value_pop();
    sum += own;
  });
  join(receiving);
  const double ns = watch.ns_each(each * senders);
  join(sending);
  bench::require(sum == senders * (each * (each - 1) / 2), "channel");
  return {ns};
}

template <std::size_t tasks>
Figures mutex(Job job) {
  Spawner spawn(job);
  fibers::mutex mutex;
  std::size_t counter = 0;
  const std::size_t each = job.count / tasks;
  const Stopwatch watch;
  auto all = spawn.many(tasks, [&mutex, &counter, each] {
    for (std::size_t i = 0; i < each; ++i) {
      const std::lock_guard lock(mutex);
      ++counter;
    }
  });
  join(all);
  const double ns = watch.ns_each(each * tasks);
  bench::require(counter == each * tasks, "mutex");
  return {ns};
}

Figures memory(Job job) {
  Spawner spawn(job);
  fibers::mutex mutex;
  fibers::condition_variable gate;
  bool open = false;
  std::size_t begun = 0;
  const double before = bench::resident_bytes();
  const Stopwatch watch;
  auto all = spawn.many(job.count, [&] {
    ++begun;
    std::unique_lock lock(mutex);
    gate.wait(lock, [&open] { return open; });
  });
  while (begun != job.count) boost::this_fiber::yield();
  const double ns = watch.ns_each(job.count);
  const double bytes = (bench::resident_bytes() - before) / static_cast<double>(job.count);
  open = true;
  gate.notify_all();
  join(all);
  return {bytes, ns};
}

double slow_round(Spawner& spawn, double ms) {
  Table table;
  fibers::fiber other = spawn([&table] { table.answer(); });
  bench::SlowRounds slow(ms);
  std::size_t number = 0;
  while (!slow.over()) {
    slow.began();
    number = table.round(number);
    slow.ended();
  }
  bench::require(number == 2 * slow.rounds(), "rounds");
  table.to_second.close();
  other.join();
  return slow.p99();
}

Figures fairness(Job job) {
  Spawner spawn(job);
  const auto ms = static_cast<double>(job.count);
  const double unloaded = slow_round(spawn, ms / 4);
  bench::Busy busy;
  fibers::fiber spinning = spawn([&busy] {
    while (!busy.over()) boost::this_fiber::yield();
  });
  fibers::fiber computing = spawn([&busy] {
    while (!busy.over()) {
      busy.compute_slice();
      boost::this_fiber::yield();
    }
  });
  const double loaded = slow_round(spawn, ms);
  const double share = busy.end();
  spinning.join();
  computing.join();
  return {unloaded, loaded, share};
}

Figures wake(Job job) {
  fibers::buffered_channel<std::size_t> bell(2);
  bench::Wakes wakes(job.count);
  std::jthread worker([&] {
    for (std::size_t i = 0; i < job.count; ++i) {
      bench::require(bell.value_pop() == i, "wake");
      wakes.woken();
    }
  });
  std::size_t rung = 0;
  return wakes.ring([&] { bell.push(rung++); });
}

}  // namespace

bench::Cells bench::task_cells() {
  return {{"spawn-join", on_threads(spawns)}, {"spawn-join-all", on_threads(spawn_batches)},
          {"yield", on_threads(yields)},      {"ping-pong", on_threads(rounds)},
          {"ping-pong-pinned", pinned},       {"ping-pong-parked", parked}};
}

bench::Cells bench::sync_cells() {
  return {{"channel-1p1c", on_threads(channel<1, 1>)},
          {"channel-4p1c", on_threads(channel<4, 1>)},
          {"channel-4p4c", on_threads(channel<4, 4>)},
          {"mutex-alone", on_threads(mutex<1>)},
          {"mutex-contended", on_threads(mutex<bench::contenders>)}};
}

bench::Cells bench::load_cells() {
  return {
      {"memory-parked", on_threads(memory)}, {"fairness", on_threads(fairness)}, {"wake", wake}};
}
