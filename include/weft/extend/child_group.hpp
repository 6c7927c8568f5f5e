// ChildGroup: several child tasks as the one leaf of the task that awaits them. The base of
// when_all, select, timeout and scope.
//
// Invariants:
//  - remaining_ counts the children that have not ended, and one guard while the group is being
//    started. The parent is resumed when it reaches zero, never before; so children may refer to
//    the group and to the parent's frame.
//  - A cancel of the parent requests a cancel of every child; the parent goes on when all have
//    ended.
//  - A cancel passes through nested groups one after the other, on constant stack: see CancelRelay.
//  - A result that a child got in spite of a cancel is kept: the group ends as cancelled only if
//    ended_as_cancelled() is true.
#pragma once

#include <weft/detail/cancel_relay.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft::inline v0_1 {

class ChildGroup : private detail::CancelRelay {
 public:
  ChildGroup() noexcept {}

  /// Called when a child has ended; that child's last access to the group.
  void child_ended() noexcept;

  [[nodiscard]] TaskHeader& parent() const noexcept { return *parent_; }

 protected:
  ~ChildGroup() = default;

  /// Starts `children` children and suspends the parent until all have ended. False: they have
  /// ended already, go on.
  [[nodiscard]] bool suspend(PromiseBase& innermost, std::uint32_t children) noexcept;
  /// The same even if a cancel was requested: start_children() then decides what to start.
  [[nodiscard]] bool suspend_regardless(PromiseBase& innermost, std::uint32_t children) noexcept;
  /// Adds a child. Precondition: at least one child has not ended. Relaxed: the count cannot reach
  /// zero here, and the children's fetch_sub orders.
  void add_child() noexcept { remaining_.fetch_add(1, std::memory_order_relaxed); }

  /// Starts each of the children that suspend() was told of.
  virtual void start_children() noexcept = 0;
  /// Requests a cancel of each child. Any thread. Children that have ended ignore it.
  virtual void cancel_children() noexcept = 0;
  /// After the last child: whether the parent was cancelled and there is no result for it.
  [[nodiscard]] virtual bool ended_as_cancelled() noexcept = 0;

 private:
  void pass_cancel_on() noexcept final { cancel_children(); }
  [[nodiscard]] TaskHeader& cancelled_task() const noexcept final { return *parent_; }
  [[nodiscard]] bool run(TaskHeader& task, std::uint32_t children) noexcept;

  TaskHeader* parent_ = nullptr;
  Atomic<std::uint32_t> remaining_{0};
};

/// A child task, stored in its group. `Group` has `void on_child_end(std::size_t index, bool
/// cancelled, bool failed)`.
template <class T, class Group>
class Child final : public TaskHeader {
 public:
  Child(Group& group, std::size_t index, Task<T> task) noexcept
      : TaskHeader(&Child::on_finish), group_(group), index_(index), task_(std::move(task)) {}

  /// Runs the child until it first suspends. Precondition: the group has counted it.
  /// Aborts with a message if the task is empty.
  void start(const TaskHeader& parent) noexcept {
    bind(task_.promise_to_start(), parent.executor());
    start_inline_in(parent);
  }
  /// The same, for a child that was made without its task.
  void start(const TaskHeader& parent, Task<T> task) noexcept {
    task_ = std::move(task);
    start(parent);
  }
  /// Ends a child that was not started, as cancelled.
  void skip() noexcept { task_ = Task<T>(); }
  [[nodiscard]] Outcome<T>& outcome() noexcept { return outcome_; }

 private:
  static void on_finish(TaskHeader& self, Ending ending) noexcept {
    auto& child = static_cast<Child&>(self);
    if (ending == Ending::returned) child.outcome_.take_over(child.task_.promise().outcome());
    child.task_ = Task<T>();
    if (child.outcome_.failed() && child.cancel_requested() &&
        detail::is_cancelled_join(child.outcome_.error())) [[unlikely]]
      child.outcome_ = Outcome<T>();
    child.group_.on_child_end(child.index_, child.outcome_.cancelled(), child.outcome_.failed());
  }

  Group& group_;
  std::size_t index_;
  Task<T> task_;
  Outcome<T> outcome_;
};

}  // namespace weft::inline v0_1
