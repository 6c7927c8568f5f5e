// ThreadPerCoreExecutor: the executor of a thread_per_core runtime as a whole: a scheduler for each worker, of
// which nothing goes to another. What begins on a worker stays there; what begins elsewhere is
// dealt out in turn. Thread-safe, but for add().
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/task_executor.hpp>

#include <cstddef>
#include <vector>

#include "exec/scheduler.hpp"

namespace weft::detail {

class ThreadPerCoreExecutor final : public TaskExecutor {
 public:
  /// Before any thread is there.
  void add(Scheduler& scheduler) { schedulers_.push_back(&scheduler); }

  /// For something that begins now.
  [[nodiscard]] TaskExecutor& shared() noexcept override { return next(); }
  [[nodiscard]] TaskExecutor& whole() noexcept override { return *this; }
  [[nodiscard]] TaskExecutor& of_priority(Priority priority) noexcept override {
    return next().of_priority(priority);
  }
  void schedule(Runnable& work) noexcept override { next().schedule(work); }
  void defer(Runnable& work) noexcept override { next().defer(work); }
  // Whoever holds one scheduler holds the runtime, which ends them together.
  void hold() noexcept override { schedulers_.front()->hold(); }
  void release() noexcept override { schedulers_.front()->release(); }
  void look_again() noexcept override {
    for (Scheduler* const scheduler : schedulers_) scheduler->look_again();
  }

 private:
  [[nodiscard]] Scheduler& next() noexcept {
    Worker* const here = Worker::current();
    if (here != nullptr && &here->scheduler().whole() == this) return here->scheduler();
    // Relaxed: only a number.
    return *schedulers_[turn_.fetch_add(1, std::memory_order_relaxed) % schedulers_.size()];
  }

  std::vector<Scheduler*> schedulers_;
  Atomic<std::size_t> turn_{0};
};

}  // namespace weft::detail
