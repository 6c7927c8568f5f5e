// The core benchmarks' oneTBB: task_group in an arena, fork-join, and work enqueued from outside.
// oneTBB has no tasks that wait.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <atomic>
#include <memory>
#include <vector>

#include "core/core.hpp"
#include "core/forkjoin.hpp"

namespace {

namespace tbb = oneapi::tbb;
using bench::Figures;
using bench::Job;
using bench::Stopwatch;

/// Calls `body` as one of the workers.
template <class Body>
Figures in_arena(std::size_t workers, Body body) {
  tbb::task_arena arena(static_cast<int>(workers));
  return arena.execute(body);
}

Figures spawns(Job job) {
  return in_arena(job.workers, [job] {
    std::atomic<std::size_t> ran = 0;
    tbb::task_group group;
    const Stopwatch watch;
    for (std::size_t i = 0; i < job.count; ++i) {
      group.run([&ran] { ran.fetch_add(1, std::memory_order_relaxed); });
      group.wait();
    }
    const double ns = watch.ns_each(job.count);
    bench::require(ran == job.count, "spawn-join");
    return Figures{ns};
  });
}

Figures spawn_batches(Job job) {
  return in_arena(job.workers, [job] {
    std::atomic<std::size_t> ran = 0;
    tbb::task_group group;
    Figures figures = bench::batches(job.count, [&] {
      for (std::size_t i = 0; i < bench::batch; ++i) {
        group.run([&ran] { ran.fetch_add(1, std::memory_order_relaxed); });
      }
      group.wait();
    });
    bench::require(ran == (job.count + 1) * bench::batch, "join all");
    return figures;
  });
}

/// Enqueued by a thread outside the workers.
Figures posted(Job job) {
  // One more than the workers: the thread that posts counts as well.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, job.workers + 1);
  tbb::task_arena arena(static_cast<int>(job.workers), 0);
  std::atomic<std::size_t> ran = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    arena.enqueue([&ran] { ran.fetch_add(1, std::memory_order_release); });
  }
  while (ran.load(std::memory_order_acquire) != job.count) std::this_thread::yield();
  return {watch.ns_each(job.count)};
}

struct Fork {
  template <class A, class B>
  void both(A a, B b) {
    tbb::task_group group;
    group.run(a);
    b();
    group.wait();
  }
  template <class F>
  void each(std::size_t n, F f) {
    tbb::task_group group;
    for (std::size_t i = 1; i < n; ++i) group.run([&f, i] { f(i); });
    f(0);
    group.wait();
  }
};

}  // namespace

bench::Cells bench::task_cells() {
  return {{"spawn-join", spawns}, {"spawn-join-all", spawn_batches}};
}
bench::Cells bench::sync_cells() { return {}; }
bench::Cells bench::load_cells() {
  Cells cells = forkjoin_cells([](std::size_t workers, auto body) {
    return in_arena(workers, [body] {
      Fork fork;
      return body(fork);
    });
  });
  cells.merge(Cells{{"posted", posted}});
  return cells;
}
