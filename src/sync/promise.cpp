// The state that a promise and its futures share.
//
// Invariants:
//  - ready_ is set once, with the mutex held; from then on nobody is queued and the outcome is only
//    read. So a waiter is in the queue and will be woken, or sees that it need not wait;
//  - those who are woken were taken out of the queue under the mutex, and the state is not touched
//    after the first of them was woken, except through the publisher's own hold.
#include <weft/promise.hpp>

#include <mutex>

namespace weft {

namespace {

/// Wakes a thread.
class ThreadWaiter final : public Waiter {
 public:
  ThreadWaiter() noexcept : Waiter(&ThreadWaiter::on_set) {}
  void wait() noexcept { parker_.park(); }
  [[nodiscard]] bool wait_for(std::chrono::nanoseconds timeout) noexcept {
    return parker_.park_for(timeout);
  }

 private:
  static void on_set(Waiter& self) noexcept { static_cast<ThreadWaiter&>(self).parker_.unpark(); }
  ThreadParker parker_;
};

}  // namespace

void throw_no_future() {
  throw std::logic_error("weft::SharedFuture: it is empty, or was moved from");
}

void throw_promise_set() {
  throw std::logic_error("weft::Promise: it was set already, or moved from");
}

SharedState::Registered SharedState::wait_with(Waiter& waiter) noexcept {
  std::lock_guard lock(mutex_);
  if (WaiterList::refuses(waiter)) return Registered::refused;
  // Relaxed: written with the mutex held, which orders the outcome as well.
  if (ready_.load(std::memory_order_relaxed)) {
    WaiterList::served_at_once(waiter);
    return Registered::ready;
  }
  waiters_.append(waiter);
  return Registered::waiting;
}

bool SharedState::withdraw(Waiter& waiter) noexcept {
  std::lock_guard lock(mutex_);
  return waiters_.withdraw(waiter);
}

void SharedState::publish() noexcept {
  ServedList served;
  {
    std::lock_guard lock(mutex_);
    // Release: pairs with ready(), for those who do not take the mutex.
    ready_.store(true, std::memory_order_release);
    while (waiters_.first() != nullptr) waiters_.serve_first(served);
  }
  served.wake_all();
}

bool SharedState::wait_on_thread(const std::chrono::nanoseconds* timeout) {
  if (ready()) return true;
  if (TaskSet::current_or_null() != nullptr) {
    throw std::logic_error(
        "weft::SharedFuture: this thread runs tasks and must not block; use co_await");
  }
  ThreadWaiter waiter;
  if (wait_with(waiter) == Registered::ready) return true;
  if (timeout == nullptr) {
    waiter.wait();
    return true;
  }
  if (waiter.wait_for(*timeout)) return true;
  if (withdraw(waiter)) return false;
  waiter.wait();  // it is being woken: until then it must stay
  return true;
}

void SharedState::release() noexcept {
  // Release: this holder's reads and writes come before the destruction. Acquire: the destroyer
  // sees them all.
  if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy_(*this);
}

void SharedState::report_if_unseen(const std::exception_ptr& error) const noexcept {
  // Relaxed: the last holder's, see release().
  if (error == nullptr || on_failure_ == nullptr || seen_.load(std::memory_order_relaxed)) return;
  (*on_failure_)(UnhandledFailure{error, nullptr});
}

// The leaf

bool SharedLeaf::suspend(PromiseBase& innermost, SharedState& state) noexcept {
  TaskHeader& task = innermost.task();
  if (state.ready() && !task.cancel_requested() && task.spend_budget()) return false;
  state_ = &state;
  task_ = &task;
  task.suspended_at(innermost);
  // Armed before it waits: once it waits, it may be woken on another thread and be gone.
  if (!task.arm(*this)) {
    task.leaf_ended(true);
    return true;
  }
  switch (state.wait_with(*this)) {
    case SharedState::Registered::waiting:
      return true;
    case SharedState::Registered::ready:
      return !task.leaf_ended_inline();
    case SharedState::Registered::refused:
      task.leaf_ended(true);
      return true;
  }
  return true;
}

void SharedLeaf::on_set(Waiter& self) noexcept {
  // SAFETY: this function is given only to the Waiter of a SharedLeaf.
  static_cast<SharedLeaf&>(self).task_->leaf_ended(false);
}

void SharedLeaf::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a SharedLeaf, which stays until
  // request_finished(), and with it the awaiter's hold on the state.
  auto& leaf = static_cast<SharedLeaf&>(self);
  TaskHeader* const task = leaf.task_;
  if (leaf.state_->withdraw(leaf)) task->leaf_ended(true);
  task->request_finished();
}

}  // namespace weft
