// TaskContext: what is bound for a task: values of task-locals (<weft/task_local.hpp>) and a
// deadline (<weft/deadline.hpp>). A list of bindings, the innermost first, each in the frame, or on
// the fiber's stack, of whoever bound it. For those who build on that.
//
// Invariants:
//  - a task points to its innermost binding; while its code runs, that is also current on its
//    thread. A task without one costs nothing but a look at the pointer: only one that has a
//    context makes it current around each of its runs (TaskHeader::run_task());
//  - so the first binding of a task must not begin in the middle of a run: the task goes through
//    its executor's queue once, and its next run is one that sees to it;
//  - a binding lives longer than all that inherits it: what is awaited under it ends before, and so
//    do the children of a scope that was opened under it. What is spawned for the runtime inherits
//    nothing.
#pragma once

#include <cstdint>
#include <limits>

namespace weft {
class PromiseBase;
class TaskHeader;
}  // namespace weft

namespace weft::detail {

class TaskContext {
 public:
  static constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

  TaskContext(const TaskContext&) = delete;
  TaskContext& operator=(const TaskContext&) = delete;

  /// What is bound for the code that calls this; null: nothing.
  [[nodiscard]] static const TaskContext* current() noexcept;
  /// Makes `context` (may be null) the calling thread's; gives the one before.
  static const TaskContext* make_current(const TaskContext* context) noexcept;

  /// The innermost binding with that key, or null. `context` may be null.
  [[nodiscard]] static const TaskContext* find(const TaskContext* context,
                                               std::uint64_t key) noexcept {
    while (context != nullptr && context->key_ != key) context = context->outer_;
    return context;
  }
  [[nodiscard]] const void* value() const noexcept { return value_; }
  /// The deadline, in nanoseconds of the steady clock, or no_deadline. `context` may be null.
  [[nodiscard]] static std::int64_t deadline_of(const TaskContext* context) noexcept {
    return context != nullptr ? context->deadline_ns_ : no_deadline;
  }

 protected:
  /// `value` is bound to `key`. Without one: it is a deadline alone.
  explicit TaskContext(std::uint64_t key = 0, const void* value = nullptr) noexcept
      : key_(key), value_(value) {}
  ~TaskContext() = default;

  /// Puts it in front of `outer`, with the same deadline.
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

/// Makes a context current on this thread for as long as it lives.
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

/// A binding that a task makes for itself: from its enter(), which is awaited, to its destruction,
/// on the same task, in reverse order.
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
  /// Not a place where a cancel takes effect.
  [[nodiscard]] Enter enter() noexcept { return Enter(*this); }

 protected:
  using TaskContext::TaskContext;
  ~ContextBinding();

  /// It has been put in front of what was bound before.
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

/// The earlier of the deadline that is inherited and another one.
class DeadlineBinding final : public ContextBinding {
 public:
  explicit DeadlineBinding(std::int64_t deadline_ns) noexcept : limit_ns_(deadline_ns) {}
  /// After enter(): whether it is earlier than what is inherited, so that somebody has to see to
  /// it. Else who set that one does.
  [[nodiscard]] bool is_nearest() const noexcept { return limit_ns_ < deadline_of(outer()); }

 private:
  void entered() noexcept override {
    if (is_nearest()) set_deadline(limit_ns_);
  }
  std::int64_t limit_ns_;
};

/// What is run without regard to a cancel of the one who waits for it has no regard to his deadline
/// either: the same bindings without the deadline.
class WithoutDeadline : public TaskContext {
 public:
  WithoutDeadline() noexcept {}
  /// What a child of a task with that context (may be null) is to have.
  [[nodiscard]] const TaskContext* below(const TaskContext* context) noexcept {
    if (deadline_of(context) == no_deadline) return context;
    extend(context);
    set_deadline(no_deadline);
    return this;
  }
};

}  // namespace weft::detail
