// TaskContext: the bindings of a task: values of task-locals (<weft/task_local.hpp>) and a deadline
// (<weft/deadline.hpp>). A list, the innermost binding first; each binding stands in the frame, or
// on the fiber's stack, of the code that bound it. Used by task-locals, with_deadline(), shield()
// and finally(); read by any code through current().
//
// Thread-safety: current() and make_current() are about the calling thread. A list is constant
// while a task can see it, so any thread may read it.
// Invariants:
//  - a task's header points to its innermost binding; while the task's code runs, that binding is
//    also current on its thread. A task without bindings pays one look at the pointer: only a task
//    that has a context makes it current around each of its runs (TaskHeader::run_task());
//  - so the first binding of a task must not begin in the middle of a run: the task goes through
//    its executor's queue once, and its next run makes the binding current;
//  - a binding outlives everything that inherits it: what is awaited under it ends before, and so
//    do the children of a scope that was opened under it. Tasks spawned for the runtime inherit
//    nothing.
#pragma once

#include <cstdint>
#include <limits>

namespace weft::inline v0_1 {
class PromiseBase;
class TaskHeader;
}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

class TaskContext {
 public:
  static constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

  TaskContext(const TaskContext&) = delete;
  TaskContext& operator=(const TaskContext&) = delete;

  /// The innermost binding of the calling code; null: none.
  [[nodiscard]] static const TaskContext* current() noexcept;
  /// Makes `context` (may be null) current on the calling thread; returns the one before.
  static const TaskContext* make_current(const TaskContext* context) noexcept;

  /// Returns the innermost binding of `key`, or null. `context` may be null.
  [[nodiscard]] static const TaskContext* find(const TaskContext* context,
                                               std::uint64_t key) noexcept {
    while (context != nullptr && context->key_ != key) context = context->outer_;
    return context;
  }
  [[nodiscard]] const void* value() const noexcept { return value_; }
  /// Returns the deadline, in nanoseconds of the steady clock, or no_deadline. `context` may be
  /// null.
  [[nodiscard]] static std::int64_t deadline_of(const TaskContext* context) noexcept {
    return context != nullptr ? context->deadline_ns_ : no_deadline;
  }

 protected:
  /// Binds `value` to `key`. Key 0 with a null value: binds a deadline alone.
  explicit TaskContext(std::uint64_t key = 0, const void* value = nullptr) noexcept
      : key_(key), value_(value) {}
  ~TaskContext() = default;

  /// Puts this binding in front of `outer`, and takes over its deadline.
  void extend(const TaskContext* outer) noexcept {
    outer_ = outer;
    deadline_ns_ = deadline_of(outer);
  }
  void set_deadline(std::int64_t deadline_ns) noexcept { deadline_ns_ = deadline_ns; }
  [[nodiscard]] const TaskContext* outer() const noexcept { return outer_; }

 private:
  const TaskContext* outer_ = nullptr;
  std::uint64_t key_;
  const void* value_;
  std::int64_t deadline_ns_ = no_deadline;
};

/// A binding without a task: for a function that does not wait.
class CallBinding : public TaskContext {
 public:
  CallBinding(std::uint64_t key, const void* value) noexcept : TaskContext(key, value) {
    extend(current());
  }
};

/// Makes a context current on this thread while the scope lives.
class ContextScope {
 public:
  explicit ContextScope(const TaskContext* context) noexcept
      : before_(TaskContext::make_current(context)) {}
  ~ContextScope() { TaskContext::make_current(before_); }
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  const TaskContext* before_;
};

/// A binding that a task makes for itself: from the end of the await of enter() until its
/// destruction. A task's bindings are destroyed on that task, in reverse order.
class ContextBinding : public TaskContext {
 public:
  class Enter {
   public:
    explicit Enter(ContextBinding& binding) noexcept : binding_(binding) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Handle>
      requires requires(Handle handle, void (*take)(PromiseBase&)) { take(handle.promise()); }
    bool await_suspend(Handle innermost) const noexcept {
      return binding_.enter_in(innermost.promise());
    }
    void await_resume() const noexcept {}

   private:
    ContextBinding& binding_;
  };
  /// Awaited to begin the binding. Cancel: takes effect here if the task has no binding yet.
  [[nodiscard]] Enter enter() noexcept { return Enter(*this); }

 protected:
  using TaskContext::TaskContext;
  ~ContextBinding();

  /// Called when the binding has been put in front of the earlier ones.
  virtual void entered() noexcept = 0;

 private:
  [[nodiscard]] bool enter_in(PromiseBase& innermost) noexcept;

  TaskHeader* task_ = nullptr;
};

class ValueBinding final : public ContextBinding {
 public:
  ValueBinding(std::uint64_t key, const void* value) noexcept : ContextBinding(key, value) {}

 private:
  void entered() noexcept override {}
};

/// Binds the earlier of the inherited deadline and another one.
class DeadlineBinding final : public ContextBinding {
 public:
  explicit DeadlineBinding(std::int64_t deadline_ns) noexcept : limit_ns_(deadline_ns) {}
  /// After enter(). True: this deadline is earlier than the inherited one, so its owner must watch
  /// for it. False: the code that set the inherited one does.
  [[nodiscard]] bool is_nearest() const noexcept { return limit_ns_ < deadline_of(outer()); }

 private:
  void entered() noexcept override {
    if (is_nearest()) set_deadline(limit_ns_);
  }
  std::int64_t limit_ns_;
};

/// The same bindings without the deadline: for a child that a cancel of its waiter does not reach,
/// and so the waiter's deadline does not limit.
class WithoutDeadline : public TaskContext {
 public:
  WithoutDeadline() noexcept {}
  /// Returns the context for a child of a task with `context` (may be null).
  [[nodiscard]] const TaskContext* below(const TaskContext* context) noexcept {
    if (deadline_of(context) == no_deadline) return context;
    extend(context);
    set_deadline(no_deadline);
    return this;
  }
};

}  // namespace weft::inline v0_1::detail
