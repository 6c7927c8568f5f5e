// PriorityExecutor: the executor of what has a priority of its own, beside a scheduler's normal work: a queue
// of the scheduler's into which everything goes, and which workers look at in their turn (see
// "exec/worker.hpp"). Thread-safe.
#pragma once

#include <weft/detail/task_executor.hpp>

#include "exec/injector.hpp"

namespace weft::detail {

class Scheduler;

class PriorityExecutor final : public TaskExecutor {
 public:
  PriorityExecutor(Scheduler& scheduler, Priority priority) noexcept
      : scheduler_(scheduler), priority_(priority) {}

  void schedule(Runnable& work) noexcept override;
  void defer(Runnable& work) noexcept override { schedule(work); }
  [[nodiscard]] bool wants_offers() noexcept override;
  void hold() noexcept override;
  void release() noexcept override;
  [[nodiscard]] TaskExecutor& whole() noexcept override;
  [[nodiscard]] TaskExecutor& of_priority(Priority priority) noexcept override;
  void look_again() noexcept override;

  /// When the scheduler has its own.
  void take_idle_hint() noexcept;
  [[nodiscard]] Injector<Runnable>& queue() noexcept { return queue_; }

 private:
  Scheduler& scheduler_;
  const Priority priority_;
  Injector<Runnable> queue_;
};

}  // namespace weft::detail
