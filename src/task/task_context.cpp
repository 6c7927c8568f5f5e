#include <weft/task_context.hpp>

#include <weft/task_header.hpp>

#include <utility>

namespace weft {

namespace {

constinit thread_local const TaskContext* current_context = nullptr;

}  // namespace

// Never inlined: a compiler may keep the address of a thread_local over a suspension.
[[gnu::noinline]] const TaskContext* TaskContext::current() noexcept { return current_context; }

[[gnu::noinline]] const TaskContext* TaskContext::make_current(
    const TaskContext* context) noexcept {
  return std::exchange(current_context, context);
}

/// Gives whether the task is suspended.
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

}  // namespace weft
