#include "http/signal.hpp"

#include <mutex>
#include <utility>

namespace weft::inline v0_1::http {

void Signal::set() noexcept {
  Awaiter* waiter = nullptr;
  {
    std::lock_guard lock(mutex_);
    is_set_ = true;
    waiter = std::exchange(waiter_, nullptr);
  }
  // SAFETY: the thread that removes the waiter ends its wait; until then its frame stays.
  if (waiter != nullptr) waiter->task_->leaf_ended(false);
}

bool Signal::Awaiter::suspend(PromiseBase& innermost) noexcept {
  task_ = &innermost.task();
  TaskHeader& task = *task_;
  if (!task.suspended_and_armed(innermost, *this)) return true;
  {
    std::unique_lock lock(signal_.mutex_);
    if (cancelled_) {  // after arm(), before the lock
      lock.unlock();
      task.leaf_ended(true);
      return true;
    }
    // Once waiter_ is set, another thread may resume the task, and *this may be gone.
    if (!signal_.is_set_) {
      signal_.waiter_ = this;
      return true;
    }
  }
  return !task.leaf_ended_inline();
}

void Signal::Awaiter::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: only the CancelHook of an Awaiter gets this function.
  auto& awaiter = static_cast<Awaiter&>(self);
  TaskHeader* const task = awaiter.task_;
  bool was_waiting = false;
  {
    std::lock_guard lock(awaiter.signal_.mutex_);
    awaiter.cancelled_ = true;
    was_waiting = awaiter.signal_.waiter_ == &awaiter;
    if (was_waiting) awaiter.signal_.waiter_ = nullptr;
  }
  if (was_waiting) task->leaf_ended(true);
  task->request_finished();
}

}  // namespace weft::inline v0_1::http
