// ThreadPerCoreExecutor: the executor of a thread_per_core runtime as a whole. It has one scheduler
// for each worker, and no work moves between them: work that begins on a worker stays there, work
// that begins elsewhere is dealt out in turn. Thread-safe, but for add().
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/task_executor.hpp>

#include <cstddef>
#include <vector>

#include "exec/scheduler.hpp"

namespace weft::inline v0_1::detail {

class ThreadPerCoreExecutor final : public TaskExecutor {
 public:
  /// Before any thread runs.
  void add(Scheduler& scheduler) { schedulers_.push_back(&scheduler); }

  [[nodiscard]] std::size_t size() const noexcept { return schedulers_.size(); }
  /// That of worker `index`, below size().
  [[nodiscard]] Scheduler& scheduler(std::size_t index) noexcept { return *schedulers_[index]; }

  /// For a task that begins now.
  [[nodiscard]] TaskExecutor& shared() noexcept override { return next(); }
  [[nodiscard]] TaskExecutor& whole() noexcept override { return *this; }
  [[nodiscard]] TaskExecutor& of_priority(Priority priority) noexcept override {
    return next().of_priority(priority);
  }
  void schedule(Runnable& work) noexcept override { next().schedule(work); }
  void defer(Runnable& work) noexcept override { next().defer(work); }
  // To hold one scheduler is to hold the runtime, which ends all of them together.
  void hold() noexcept override { schedulers_.front()->hold(); }
  void release() noexcept override { schedulers_.front()->release(); }
  void look_again() noexcept override {
    for (Scheduler* const scheduler : schedulers_) scheduler->look_again();
  }

 private:
  /// That of the calling worker, or the next in turn.
  [[nodiscard]] TaskExecutor& next() noexcept {
    Worker* const here = Worker::current();
    if (here != nullptr && &here->executor().whole() == this) return here->executor();
    // Relaxed: it only spreads the work.
    return *schedulers_[turn_.fetch_add(1, std::memory_order_relaxed) % schedulers_.size()];
  }

  std::vector<Scheduler*> schedulers_;
  Atomic<std::size_t> turn_{0};
};

}  // namespace weft::inline v0_1::detail
