#include <weft/waiter_leaf.hpp>

#include <weft/spawn.hpp>

#include <stdexcept>
#include <string>

namespace weft {

bool WaiterLeaf::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  task.suspended_at(innermost);
  // Armed before it waits: once it waits, it may be served on another thread and be gone.
  if (!task.arm(*this)) {
    task.leaf_ended(true);
    return true;
  }
  switch (queue()) {
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

void WaiterLeaf::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a WaiterLeaf, which stays until
  // request_finished().
  auto& leaf = static_cast<WaiterLeaf&>(self);
  TaskHeader* const task = leaf.task_;
  if (leaf.withdraw()) task->leaf_ended(true);
  task->request_finished();
}

void require_thread_may_block(const char* what) {
  if (TaskSet::current_or_null() == nullptr) return;
  throw std::logic_error(std::string(what) +
                         ": this thread runs tasks and must not block; use co_await");
}

}  // namespace weft
