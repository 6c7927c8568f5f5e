// What the two ends of a oneshot share.
//
// Invariants:
//  - the state leaves `open` once, with the mutex held, and then stays: sent and unsent are the
//    sender's words, closed the receiver's, and the first one holds. From then on nobody is queued,
//    so the receiver waits in the queue and will be woken, or sees that it need not wait;
//  - the value is the sender's until the state is `sent`, then the receiver's alone. So it is
//    delivered, or stays with the sender, or with the receiver who was cancelled: it is in one
//    place;
//  - the core is not touched after the receiver was woken, but through the sender's own hold.
#include <weft/oneshot.hpp>

#include <mutex>

namespace weft::detail {

bool OneshotCore::settle(State state) noexcept {
  ServedList served;
  {
    const std::lock_guard lock(mutex_);
    // Relaxed: written with the mutex held.
    if (state_.load(std::memory_order_relaxed) != State::open) return false;
    // Release: pairs with state(), for those who do not take the mutex.
    state_.store(state, std::memory_order_release);
    while (waiters_.first() != nullptr) waiters_.serve_first(served);
  }
  served.wake_all();
  return true;
}

Queued OneshotCore::wait_with(Waiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  if (WaiterList::refuses(waiter)) return Queued::refused;
  // Relaxed: written with the mutex held, which orders the value as well.
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
  // Release: this end's reads and writes come before the destruction. Acquire: the destroyer sees
  // them all.
  if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy_(*this);
}

}  // namespace weft::detail
