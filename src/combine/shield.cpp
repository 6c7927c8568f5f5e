// What a cancel does not reach: shields, and the cleanup of finally().
#include <weft/shield.hpp>

#include <weft/finally.hpp>

#include <memory>

namespace weft::detail {

TaskHeader& ShieldLeaf::begin(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  // Nothing is armed: a cancel finds the slot idle, and stays in it.
  task.suspended_at(innermost);
  return task;
}

// Acquire-release, both: whoever comes second sees what the other wrote, and goes on with the task.

bool ShieldLeaf::wait() noexcept {
  TaskHeader* const task = task_;
  if (!one_done_.exchange(true, std::memory_order_acq_rel)) return true;  // `this` may be gone
  return !task->leaf_ended_inline();
}

void ShieldLeaf::on_child_end(std::size_t, bool, bool) noexcept {
  TaskHeader* const task = task_;
  if (one_done_.exchange(true, std::memory_order_acq_rel)) task->leaf_ended(false);
}

void FinallyGroup::on_child_end(std::size_t index, bool, bool) noexcept {
  if (index == body_index) start_cleanup();
  child_ended();
}

void FinallyGroup::report(std::exception_ptr error) noexcept {
  const OwnedTasks* const tasks = OwnedTasks::current_or_null();
  const std::shared_ptr<const FailureHandler> handler =
      tasks != nullptr ? tasks->failure_handler() : nullptr;
  if (handler != nullptr && *handler) {
    (*handler)(UnhandledFailure{std::move(error), nullptr});
  }
}

}  // namespace weft::detail
