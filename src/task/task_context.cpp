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
  task_ = &task;
  extend(task.context());
  entered();
  task.set_context(this);
  if (outer() != nullptr) {
    make_current(this);
    return false;
  }
  task.suspended_at(innermost);
  task.resume_soon();
  return true;
}

ContextBinding::~ContextBinding() {
  if (task_ == nullptr) return;
  task_->set_context(outer());
  make_current(outer());
}

}  // namespace weft::inline v0_1::detail
