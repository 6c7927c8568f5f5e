#include <weft/extend/atomic_waker.hpp>

#include <utility>

namespace weft {

void AtomicWaker::register_waker(const Waker& waker) {
  std::uint8_t state = idle;
  // Acquire: pairs with the release in take(), so that this thread sees the slot emptied, and the
  // caller, who looks for progress next, what the one who woke had done before.
  if (!state_.compare_exchange_strong(state, registering, std::memory_order_acquire,
                                      std::memory_order_acquire)) {
    // Someone is waking right now, and may have missed this waker: so it is woken here.
    waker.wake_by_ref();
    return;
  }
  Waker old;
  try {
    if (!slot_.will_wake(waker)) {
      Waker fresh(waker);
      old = std::exchange(slot_, std::move(fresh));
    }
  } catch (...) {
    old = std::exchange(slot_, Waker());
    // As below; without a copy there is only the caller's own waker to pass a wake on to.
    if (state_.exchange(idle, std::memory_order_acq_rel) != registering) waker.wake_by_ref();
    throw;
  }
  state = registering;
  // Release: pairs with the acquire in take(), which reads the slot. Acquire on failure: pairs with
  // the release of the wake that came meanwhile, whose progress the next poll must see.
  if (!state_.compare_exchange_strong(state, idle, std::memory_order_release,
                                      std::memory_order_acquire)) {
    Waker registered = std::exchange(slot_, Waker());
    // Release: the next one to take the slot finds it empty. Acquire: any further wake's progress.
    state_.exchange(idle, std::memory_order_acq_rel);
    std::move(registered).wake();
  }
}

Waker AtomicWaker::take() noexcept {
  // Acquire: pairs with the release in register_waker(). Release: what this thread did before is
  // seen by a register_waker() that finds the bit, or that comes after it.
  if (state_.fetch_or(waking, std::memory_order_acq_rel) != idle) {
    return {};  // whoever has the slot wakes, or has taken the waker out
  }
  Waker taken = std::exchange(slot_, Waker());
  // Release: pairs with the acquire in register_waker().
  state_.fetch_and(static_cast<std::uint8_t>(~waking), std::memory_order_release);
  return taken;
}

}  // namespace weft
