// TaskContext: the current bindings of a thread, and how a task enters a binding and leaves it.
#include <weft/detail/task_context.hpp>

#include <weft/extend/task_header.hpp>

#include <utility>

#include "base/thread_context.hpp"

namespace weft::inline v0_1::detail {

// Never inlined: see thread_context().
[[gnu::noinline]] const TaskContext* TaskContext::current() noexcept {
  return thread_context().bound;
}

[[gnu::noinline]] const TaskContext* TaskContext::make_current(
    const TaskContext* context) noexcept {
  return std::exchange(thread_context().bound, context);
}

/// Returns whether the task is suspended.
bool ContextBinding::enter_in(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  const bool first = task.context() == nullptr;
  // The turn that the first binding waits for begins with a full budget. So a cancel takes effect
  // here: a loop of first bindings would not end otherwise.
  if (first && !task.suspended_to_begin(innermost)) return true;
  task_ = &task;
  extend(task.context());
  entered();
  task.set_context(this);
  if (first) {
    task.resume_soon();
  } else {
    make_current(this);
  }
  return first;
}

ContextBinding::~ContextBinding() {
  if (task_ == nullptr) return;
  task_->set_context(outer());
  make_current(outer());
}

}  // namespace weft::inline v0_1::detail
