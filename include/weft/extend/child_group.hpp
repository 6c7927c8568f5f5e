// ChildGroup: several tasks as the one leaf of the task that awaits them. The base of when_all,
// select, timeout and scope.
//
// Invariants:
//  - `remaining_` counts the children that have not ended, and one guard while the group is being
//  started; the
//    parent is resumed when it reaches zero, never before, so children may refer to the group and
//    the parent's frame;
//  - a cancel of the parent asks every child; the parent goes on when all have ended;
//  - a cancel passes through groups within groups on the stack of who asks, some 50 bytes a level;
//  - what a child got in spite of a cancel is kept: the group ends as cancelled only if
//  ended_as_cancelled().
#pragma once

#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft {

class ChildGroup : private CancelHook {
 public:
  ChildGroup() noexcept : CancelHook(&ChildGroup::on_cancel_request) {}

  /// A child has ended: the last touch of the group by that child.
  void child_ended() noexcept;

  [[nodiscard]] TaskHeader& parent() const noexcept { return *parent_; }

 protected:
  ~ChildGroup() = default;

  /// Starts `children` of them and suspends the parent until all have ended. False: they have, go
  /// on at once.
  [[nodiscard]] bool suspend(PromiseBase& innermost, std::uint32_t children) noexcept;
  /// The same even if a cancel was asked for: start_children() sees to it what is begun then.
  [[nodiscard]] bool suspend_regardless(PromiseBase& innermost, std::uint32_t children) noexcept;
  /// One more child, while at least one is known to be there.
  void add_child() noexcept { remaining_.fetch_add(1, std::memory_order_relaxed); }

  /// Starts each of the children announced to suspend().
  virtual void start_children() noexcept = 0;
  /// Asks each child to cancel. Any thread; children that have ended ignore it.
  virtual void cancel_children() noexcept = 0;
  /// After the last child: whether there is nothing to give to the parent, which was cancelled.
  [[nodiscard]] virtual bool ended_as_cancelled() noexcept = 0;

 private:
  static void on_cancel_request(CancelHook& self) noexcept;
  [[nodiscard]] bool run(TaskHeader& task, std::uint32_t children) noexcept;

  TaskHeader* parent_ = nullptr;
  Atomic<std::uint32_t> remaining_{0};
};

/// A child task held inside its group. `Group` has `void on_child_end(std::size_t index, bool
/// cancelled, bool failed)`.
template <class T, class Group>
class Child final : public TaskHeader {
 public:
  Child(Group& group, std::size_t index, Task<T> task) noexcept
      : TaskHeader(&Child::on_finish), group_(group), index_(index), task_(std::move(task)) {}

  /// Runs it until it first suspends. The group counts it.
  void start(const TaskHeader& parent) noexcept {
    bind(task_.promise(), parent.executor());
    start_inline_in(parent);
  }
  /// As above, for a child that was made without its task.
  void start(const TaskHeader& parent, Task<T> task) noexcept {
    task_ = std::move(task);
    start(parent);
  }
  /// Ends a child that was never started, as cancelled.
  void skip() noexcept { task_ = Task<T>(); }
  [[nodiscard]] Outcome<T>& outcome() noexcept { return outcome_; }

 private:
  static void on_finish(TaskHeader& self, Ending ending) noexcept {
    auto& child = static_cast<Child&>(self);
    if (ending == Ending::returned) child.outcome_.take_over(child.task_.promise().outcome());
    child.task_ = Task<T>();
    child.group_.on_child_end(child.index_, child.outcome_.cancelled(), child.outcome_.failed());
  }

  Group& group_;
  std::size_t index_;
  Task<T> task_;
  Outcome<T> outcome_;
};

}  // namespace weft
