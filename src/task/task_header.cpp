// TaskHeader: run, suspend at a leaf, resume or unwind, end; the cancel of a task. The contract is
// in <weft/extend/task_header.hpp>.
#include <weft/detail/fork_point.hpp>
#include <weft/extend/task_header.hpp>

#include <new>
#include <utility>

namespace weft::inline v0_1 {

void AsyncBacktrace::note(const std::exception_ptr& error, std::source_location site) noexcept {
  if (error_ != error) {
    error_ = error;
    size_ = 0;
  }
  if (site.line() == 0) return;  // nothing had been awaited in the frame that threw
  if (size_ < room) sites_[size_++] = site;
}

void TaskHeader::bind(PromiseBase& root, detail::TaskExecutor& executor) noexcept {
  executor_ = &executor;
  root.task_ = this;
  innermost_ = &root;
}

void TaskHeader::start_inline_in(const TaskHeader& parent) noexcept {
  nested_ = static_cast<std::uint8_t>(parent.nested_ + 1);
  if (context_ == nullptr) context_ = parent.context_;
  if (nested_ < most_nested) {
    run_task(*this);
  } else {
    nested_ = 0;
    start();
  }
}

std::coroutine_handle<> TaskHeader::resume_after_others() noexcept {
  if (context_ != nullptr) [[unlikely]] {
    resume_later();  // its bindings are current until run_task() has returned
    return std::noop_coroutine();
  }
  Runnable* const ready = executor_->defer_for_next(*this, &TaskHeader::run_task);
  if (ready == nullptr) return std::noop_coroutine();
  // SAFETY: every Runnable with this run function is the base of a TaskHeader.
  auto& task = static_cast<TaskHeader&>(*ready);
  if (task.next_run_ != NextRun::resume || task.context_ != nullptr) [[unlikely]] {
    task.run();
    return std::noop_coroutine();
  }
  task.budget_ = full_budget;
  return task.innermost_->handle();
}

bool TaskHeader::run_ahead(TaskHeader& child) noexcept {
  if (nested_ + 1 >= most_nested) return false;
  // A child without a context would run with this task's bindings current.
  if (context_ != nullptr && child.context_ == nullptr) return false;
  if (!executor_->claim(child)) return false;
  child.nested_ = static_cast<std::uint8_t>(nested_ + 1);
  child.begins_ahead();
  child.run();
  return true;
}

void TaskHeader::run_task(Runnable& self) noexcept {
  // SAFETY: every Runnable with this run function is the base of a TaskHeader (see the
  // constructor).
  auto& task = static_cast<TaskHeader&>(self);
  task.budget_ = full_budget;
  if (task.next_run_ != NextRun::resume || task.context_ != nullptr) [[unlikely]] {
    task.run_with_care();
    return;
  }
  // SAFETY: the innermost frame is suspended and its leaf has ended; nothing else resumes it
  // (invariant).
  task.innermost_->handle().resume();
}

// The destructors that unwinding runs see the task's bindings, too.
[[gnu::noinline]] void TaskHeader::run_with_care() noexcept {
  const detail::ContextScope scope(context_);
  if (next_run_ == NextRun::unwind) return unwind();
  if (std::exchange(next_run_, NextRun::resume) == NextRun::resume_spent) budget_ = 0;
  innermost_->handle().resume();  // SAFETY: as in run_task()
}

/// The budget is spent on the way up, to `frame`, which has a result to get.
[[gnu::noinline]] std::coroutine_handle<> TaskHeader::defer_at(PromiseBase& frame) noexcept {
  deferred_at(frame);
  if (cancel_requested()) next_run_ = NextRun::resume_spent;
  resume_later();
  return std::noop_coroutine();
}

/// The budget is spent on the way down, into `frame`.
[[gnu::noinline]] std::coroutine_handle<> TaskHeader::defer_down_at(PromiseBase& frame) noexcept {
  deferred_at(frame);
  if (cancel_requested()) {
    leaf_ended(true);
  } else {
    resume_later();
  }
  return std::noop_coroutine();
}

void TaskHeader::leaf_ended(bool cancelled) noexcept {
  next_run_ = cancelled ? NextRun::unwind : NextRun::resume;
  if (slot_.ended() == CancelSlot::Ended::resume) executor_->schedule(*this);
}

bool TaskHeader::leaf_ended_here(bool cancelled) noexcept {
  next_run_ = cancelled ? NextRun::unwind : NextRun::resume;
  return slot_.ended() == CancelSlot::Ended::resume;
}

bool TaskHeader::leaf_ended_inline() noexcept {
  if (slot_.ended() == CancelSlot::Ended::deferred) return false;
  if (spend_budget()) return true;
  resume_later();
  return false;
}

void TaskHeader::request_finished() noexcept {
  if (slot_.finish_request()) executor_->schedule(*this);
}

void TaskHeader::cancel() noexcept {
  // Before the slot's request: end_cancel_within() forgets the request, then looks for reasons.
  // Seq_cst on both sides: one of the two sees the other. See CancelSlot::forget_request().
  cancel_reasons_.fetch_or(from_outside, std::memory_order_seq_cst);
  request_cancel();
}

void TaskHeader::cancel_by_holder() noexcept {
  std::uint32_t reasons = cancel_reasons_.load(std::memory_order_relaxed);
  // Seq_cst: as in cancel(). Relaxed load: the exchange checks it. If a cancel came from outside
  // before, the holder is not the first, and the loop ends.
  while ((reasons & from_outside) == 0 &&
         !cancel_reasons_.compare_exchange_weak(reasons, reasons | from_outside | by_holder,
                                                std::memory_order_seq_cst,
                                                std::memory_order_relaxed)) {
  }
  request_cancel();
}

/// Called when a part of a fork of this task has failed on another thread: requests a cancel that
/// unwinds the task up to that fork.
void TaskHeader::cancel_within() noexcept {
  cancel_reasons_.fetch_add(1, std::memory_order_seq_cst);  // as in cancel()
  request_cancel();
}

/// Withdraws the cancel that cancel_within() requested. Called when the task was unwound to that
/// fork, or has reached it, and continues there. The caller is on the task's thread, or on the
/// thread that is about to end the task's suspension.
void TaskHeader::end_cancel_within() noexcept {
  const std::uint32_t before = cancel_reasons_.fetch_sub(1, std::memory_order_relaxed);
  if ((before & ~given_part) != 1) return;
  slot_.forget_request();
  // Seq_cst: sees the reason of a canceller that found the request in the slot before it was
  // forgotten.
  if ((cancel_reasons_.load(std::memory_order_seq_cst) & ~given_part) != 0) request_cancel();
}

void TaskHeader::request_cancel() noexcept {
  CancelHook* const hook = slot_.request();
  if (hook == nullptr) return;
  // hook->request() may end this task, and the task may be the last of its runtime. The runtime
  // could then be destroyed while this thread is still in request(). hold() keeps the executor, and
  // what the executor uses, alive until release(). hold() is called on shared(), as executor_
  // itself may be part of the task.
  detail::TaskExecutor& executor = executor_->shared();
  executor.hold();
  hook->request();
  executor.release();
}

void TaskHeader::note_failure(std::source_location site) noexcept {
  if (detail::TaskFailure* const kept = keep_failure()) {
    kept->backtrace.note(std::current_exception(), site);
  }
}

detail::TaskFailure* TaskHeader::keep_failure() noexcept {
  if (keeps_failure_) return failure_;
  auto* const made = new (std::nothrow) detail::TaskFailure;
  if (made == nullptr) return nullptr;
  made->pending_forks = pending_forks_;
  failure_ = made;
  keeps_failure_ = true;
  return made;
}

// Not inlined: only the end of a failed task's header should carry this code.
[[gnu::noinline]] void TaskHeader::forget_failure() noexcept { delete failure_; }

// Destroys the frames one by one, innermost first, up to the fork that asked for it, if one did:
// neither the order of destructors nor the depth of the stack depends on how deep the chain is. The
// root frame is left to finish_, which owns it.
void TaskHeader::unwind() noexcept {
  PromiseBase* frame = innermost_;
  while (frame->parent_ != nullptr) {
    PromiseBase* parent = frame->parent_;
    if (frame->is_fork()) {
      // SAFETY: only a ForkPoint has no frame.
      if (!static_cast<detail::ForkPoint*>(frame)->unwound()) return;
    } else {
      // SAFETY: the frame is suspended. Its owner in the parent's frame is emptied first, so
      // destroying the parent does not destroy it again.
      frame->owner_->release().destroy();
    }
    frame = parent;
  }
  innermost_ = frame;
  conclude(Ending::cancelled);
}

}  // namespace weft::inline v0_1
