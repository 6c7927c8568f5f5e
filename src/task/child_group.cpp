// ChildGroup: the leaf of a task that waits for several children. The last of the children and of
// the parent's own guard in the counter ends it. Called by when_all(), select(), scope() and their
// like.
#include <weft/extend/child_group.hpp>

namespace weft::inline v0_1 {

bool ChildGroup::suspend(PromiseBase& innermost, std::uint32_t children) noexcept {
  TaskHeader& task = innermost.task();
  parent_ = &task;
  return !task.suspended_to_begin(innermost) || run(task, children);
}

bool ChildGroup::suspend_regardless(PromiseBase& innermost, std::uint32_t children) noexcept {
  TaskHeader& task = innermost.task();
  parent_ = &task;
  task.suspended_at(innermost);
  return run(task, children);
}

bool ChildGroup::run(TaskHeader& task, std::uint32_t children) noexcept {
  // Relaxed: no child has started. The one more is this function's guard: no child ends the group
  // before the guard is given up below.
  remaining_.store(children + 1, std::memory_order_relaxed);
  start_children();
  const bool armed = task.arm(*this);
  if (!armed) cancel_children();
  // Acquire-release: the last one sees what every child wrote. Pairs with child_ended().
  if (remaining_.fetch_sub(1, std::memory_order_acq_rel) != 1) return true;
  if (ended_as_cancelled()) {
    task.leaf_ended(true);
    return true;
  }
  return !task.leaf_ended_inline();
}

void ChildGroup::child_ended() noexcept {
  // Acquire-release: as in run().
  if (remaining_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  parent_->leaf_ended(ended_as_cancelled());
}

}  // namespace weft::inline v0_1
