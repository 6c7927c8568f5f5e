// Groups of child tasks: starting, ending, and what a child's end means for the others.
#include <weft/child_group.hpp>
#include <weft/select.hpp>
#include <weft/when_all.hpp>
#include <weft/when_any.hpp>

namespace weft {

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
  remaining_.store(children + 1,
                   std::memory_order_relaxed);  // the guard is ours: nobody ends the group before
  start_children();
  const bool armed = task.arm(*this);
  if (!armed) cancel_children();
  // Acquire-release: the last one sees what every child wrote.
  if (remaining_.fetch_sub(1, std::memory_order_acq_rel) != 1) return true;
  if (ended_as_cancelled()) {
    task.leaf_ended(true);
    return true;
  }
  return !task.leaf_ended_inline();
}

void ChildGroup::child_ended() noexcept {
  if (remaining_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  parent_->leaf_ended(ended_as_cancelled());
}

void ChildGroup::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a ChildGroup. The group stays while
  // the request lasts: the parent is not resumed before request_finished().
  auto& group = static_cast<ChildGroup&>(self);
  TaskHeader* const parent = group.parent_;
  group.cancel_children();
  parent->request_finished();
}

// In both, the child that ends asks the others while it still counts itself: so the group is there.

void AllGroup::on_child_end(std::size_t index, bool cancelled, bool failed) noexcept {
  if (cancelled) some_cancelled_.store(true, std::memory_order_relaxed);
  std::size_t expected = none;
  if (failed && failed_.compare_exchange_strong(expected, index, std::memory_order_relaxed,
                                                std::memory_order_relaxed)) {
    cancel_children();
  }
  child_ended();
}

void FirstGroup::win(std::size_t index) noexcept {
  std::size_t expected = none;
  if (winner_.compare_exchange_strong(expected, index, std::memory_order_relaxed,
                                      std::memory_order_relaxed)) {
    cancel_children();
  }
}

void FirstGroup::on_child_end(std::size_t index, bool cancelled, bool) noexcept {
  if (!cancelled) win(index);
  child_ended();
}

void SuccessGroup::on_child_end(std::size_t index, bool cancelled, bool failed) noexcept {
  std::size_t expected = none;
  if (cancelled) {
    some_cancelled_.store(true, std::memory_order_relaxed);
  } else if (!failed) {
    win(index);
  } else {
    (void)first_failed_.compare_exchange_strong(expected, index, std::memory_order_relaxed,
                                                std::memory_order_relaxed);
  }
  child_ended();
}

}  // namespace weft
