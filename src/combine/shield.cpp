// Exemptions from cancellation: shields, and the cleanup of finally().
#include <weft/shield.hpp>

#include <weft/finally.hpp>

#include <memory>

namespace weft::inline v0_1::detail {

TaskHeader& ShieldLeaf::begin(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  // No hook is armed: a cancel finds the slot idle and is noted there.
  task.suspended_at(innermost);
  return task;
}

// Acquire-release in wait() and on_child_end(): the second of the two sees what the first wrote,
// and resumes the task.

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
  const std::shared_ptr<const FailureHandler> handler = OwnedTasks::current_failure_handler();
  if (handler != nullptr && *handler) {
    (*handler)(UnhandledFailure{std::move(error), nullptr});
  }
}

}  // namespace weft::inline v0_1::detail
