// PriorityExecutor: the executor of what has high or low priority, beside the normal work of a
// scheduler. All of it goes into one queue of the WorkerPool; when workers look there: see
// exec/worker.hpp and exec/fairness.hpp. Thread-safe.
#pragma once

#include <weft/detail/task_executor.hpp>

#include "exec/worker_pool.hpp"

namespace weft::inline v0_1::detail {

class PriorityExecutor final : public TaskExecutor {
 public:
  /// `normal`: the executor of the workers of `pool`; it has this one as a part. `priority` is not
  /// normal.
  PriorityExecutor(TaskExecutor& normal, WorkerPool& pool, Priority priority) noexcept
      : normal_(normal), pool_(pool), priority_(priority) {}

  void schedule(Runnable& work) noexcept override;
  void defer(Runnable& work) noexcept override { schedule(work); }
  [[nodiscard]] bool wants_offers() noexcept override {
    return normal_.wants_offers() && queue().empty();
  }
  void hold() noexcept override { normal_.hold(); }
  void release() noexcept override { normal_.release(); }
  [[nodiscard]] TaskExecutor& whole() noexcept override { return normal_.whole(); }
  [[nodiscard]] TaskExecutor& of_priority(Priority priority) noexcept override {
    return priority == priority_ ? *this : normal_.of_priority(priority);
  }
  void look_again() noexcept override { normal_.look_again(); }

  /// Once `normal` has its own.
  void take_idle_hint() noexcept { share_idle_hint(normal_); }

 private:
  [[nodiscard]] Injector<Runnable>& queue() noexcept {
    return priority_ == Priority::high ? pool_.high() : pool_.low();
  }

  TaskExecutor& normal_;
  WorkerPool& pool_;
  const Priority priority_;
};

}  // namespace weft::inline v0_1::detail
