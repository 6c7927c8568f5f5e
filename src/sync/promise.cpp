// SharedState: the state that a Promise and its SharedResults share.
//
// Invariants:
//  - ready_ is set once, with the mutex held. From then on no waiter is queued and the outcome is
//    only read. So a waiter is in the queue and will be woken, or sees that it need not wait.
//  - Waiters are dequeued under the mutex and woken after it is unlocked. After the first wake the
//    state is touched only through the publisher's own reference.
#include <weft/promise.hpp>

#include <mutex>

namespace weft::inline v0_1::detail {

void throw_no_result() {
  throw std::logic_error("weft::SharedResult: it is empty, or was moved from");
}

void throw_promise_set() {
  throw std::logic_error("weft::Promise: it was set already, or moved from");
}

Queued SharedState::wait_with(Waiter& waiter) noexcept {
  std::lock_guard lock(mutex_);
  if (WaiterList::refuses(waiter)) return Queued::refused;
  // Relaxed: it is written only with the mutex held, which orders the outcome as well.
  if (ready_.load(std::memory_order_relaxed)) {
    WaiterList::served_at_once(waiter);
    return Queued::served;
  }
  waiters_.append(waiter);
  return Queued::waiting;
}

bool SharedState::withdraw(Waiter& waiter) noexcept {
  std::lock_guard lock(mutex_);
  return waiters_.withdraw(waiter);
}

void SharedState::publish() noexcept {
  ServedList served;
  {
    std::lock_guard lock(mutex_);
    // Release: pairs with the acquire in ready(), for readers that do not take the mutex.
    ready_.store(true, std::memory_order_release);
    while (waiters_.first() != nullptr) waiters_.serve_first(served);
  }
  served.wake_all();
}

bool SharedState::wait_on_thread(const std::chrono::nanoseconds* timeout) {
  if (ready()) return true;
  require_thread_may_block("weft::SharedResult");
  ThreadWaiter waiter;
  if (wait_with(waiter) == Queued::served) return true;
  if (timeout == nullptr) {
    waiter.wait();
    return true;
  }
  if (waiter.wait_for(*timeout)) return true;
  if (withdraw(waiter)) return false;
  waiter.wait();  // it is being woken: the waiter must stay until then
  return true;
}

void SharedState::release() noexcept {
  // Release: this holder's accesses happen before the destruction. Acquire: the destroying thread
  // sees the accesses of all holders.
  if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy_(*this);
}

std::shared_ptr<const FailureHandler> handler_of_shared(const OwnedTasks& owner) {
  if (auto handler = owner.failure_handler()) return handler;
  return OwnedTasks::current_failure_handler();
}

void SharedState::report_if_unseen(const std::exception_ptr& error) const noexcept {
  // Relaxed: called by the last holder, which the acquire in release() orders.
  if (error == nullptr || on_failure_ == nullptr || seen_.load(std::memory_order_relaxed)) return;
  (*on_failure_)(UnhandledFailure{error, nullptr});
}

bool SharedLeaf::suspend(PromiseBase& innermost, SharedState& state) noexcept {
  TaskHeader& task = innermost.task();
  // After a cancel request nothing is taken. A result that is already there needs no cancel slot.
  if (task.cancel_requested() || !state.ready()) {
    state_ = &state;
    return WaiterLeaf<SharedLeaf>::suspend(innermost);
  }
  return suspended_for_others(innermost);
}

}  // namespace weft::inline v0_1::detail
