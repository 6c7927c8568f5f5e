#include "exec/priority_executor.hpp"

#include "base/check.hpp"
#include "exec/scheduler.hpp"

namespace weft::detail {

void PriorityExecutor::schedule(Runnable& work) noexcept {
  // As in Scheduler::schedule(): once pushed, it may let the runtime end.
  Scheduler& scheduler = scheduler_;
  scheduler.hold();
  WEFT_CHECK(queue_.push(&work), "a level's queue is never closed");
  if (priority_ == Priority::high) {
    scheduler.wake_one_from_outside();
  } else {
    scheduler.wake_one();  // who looks around does not look here
  }
  scheduler.release();
}

void PriorityExecutor::take_idle_hint() noexcept { share_idle_hint(scheduler_); }
bool PriorityExecutor::wants_offers() noexcept {
  return scheduler_.wants_offers() && queue_.empty();
}
void PriorityExecutor::hold() noexcept { scheduler_.hold(); }
void PriorityExecutor::release() noexcept { scheduler_.release(); }
TaskExecutor& PriorityExecutor::whole() noexcept { return scheduler_.whole(); }
void PriorityExecutor::look_again() noexcept { scheduler_.look_again(); }

TaskExecutor& PriorityExecutor::of_priority(Priority priority) noexcept {
  return priority == priority_ ? *this : scheduler_.of_priority(priority);
}

}  // namespace weft::detail
