#include <weft/extend/waiter_leaf.hpp>

#include <weft/spawn.hpp>

#include <stdexcept>
#include <string>

namespace weft::inline v0_1 {

bool WaiterLeafBase::suspend_by(Queue queue, PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  // Armed before the waiter is queued: once queued it may be served on another thread, and be gone.
  if (!task.suspended_and_armed(innermost, *this)) return true;
  switch (queue(*this)) {
    case Queued::waiting:
      return true;
    case Queued::served:
      return !task.leaf_ended_inline();
    case Queued::refused:
      task.leaf_ended(true);
      return true;
  }
  return true;
}

void WaiterLeafBase::end_cancel(bool withdrawn) noexcept {
  TaskHeader* const task = task_;
  if (withdrawn) task->leaf_ended(true);
  task->request_finished();
}

void require_thread_may_block(const char* what) {
  if (detail::OwnedTasks::current_or_null() == nullptr) return;
  throw std::logic_error(std::string(what) +
                         ": this thread runs tasks and must not block; use co_await");
}

}  // namespace weft::inline v0_1
