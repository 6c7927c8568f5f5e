// OneshotCore: the state that the two ends of a oneshot share.
//
// Invariants:
//  - The state leaves `open` once, with the mutex held, and is final then. The sender sets `sent`
//    or `unsent`, the receiver `closed`; the first one wins. From then on no waiter is queued. So
//    the receiver is in the queue and will be woken, or sees that it need not wait.
//  - The value belongs to the sender until the state is `sent`, and to the receiver alone from then
//    on. So it is delivered, or stays with the sender, or with the receiver that was cancelled: it
//    is in exactly one place.
//  - After the receiver was woken the core is touched only through the sender's own reference.
#include <weft/oneshot.hpp>

#include <mutex>

namespace weft::inline v0_1::detail {

bool OneshotCore::settle(State state) noexcept {
  ServedList served;
  {
    const std::lock_guard lock(mutex_);
    // Relaxed: it is written only with the mutex held.
    if (state_.load(std::memory_order_relaxed) != State::open) return false;
    // Release: pairs with the acquire in state(), for readers that do not take the mutex.
    state_.store(state, std::memory_order_release);
    while (waiters_.first() != nullptr) waiters_.serve_first(served);
  }
  served.wake_all();
  return true;
}

Queued OneshotCore::wait_with(Waiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  if (WaiterList::refuses(waiter)) return Queued::refused;
  // Relaxed: it is written only with the mutex held, which orders the value as well.
  if (state_.load(std::memory_order_relaxed) != State::open) {
    WaiterList::served_at_once(waiter);
    return Queued::served;
  }
  waiters_.append(waiter);
  return Queued::waiting;
}

bool OneshotCore::withdraw(Waiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  return waiters_.withdraw(waiter);
}

void OneshotCore::wait_on_thread() {
  if (settled()) return;
  require_thread_may_block("weft::OneshotReceiver::blocking_receive");
  ThreadWaiter waiter;
  if (wait_with(waiter) == Queued::waiting) waiter.wait();
}

void OneshotCore::release() noexcept {
  // Release: this end's accesses happen before the destruction. Acquire: the destroying thread sees
  // the accesses of both ends.
  if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy_(*this);
}

}  // namespace weft::inline v0_1::detail
