#include <weft/extend/atomic_waker.hpp>

#include <utility>

namespace weft::inline v0_1 {

void AtomicWaker::register_waker(const Waker& waker) {
  std::uint8_t state = idle;
  // Acquire: pairs with the release in take(). This thread so sees the emptied slot, and the
  // caller, which looks for progress next, sees what the waking thread did before.
  if (!state_.compare_exchange_strong(state, registering, std::memory_order_acquire,
                                      std::memory_order_acquire)) {
    // A wake is in progress and may have missed this waker, so it is woken here.
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
    // As below. Without a copy, the caller's own waker is the only one that can be woken.
    if (state_.exchange(idle, std::memory_order_acq_rel) != registering) waker.wake_by_ref();
    throw;
  }
  state = registering;
  // Release: pairs with the acquire in take(), which reads the slot. Acquire on failure: pairs with
  // the release of the wake that came meanwhile; the next poll must see its progress.
  if (!state_.compare_exchange_strong(state, idle, std::memory_order_release,
                                      std::memory_order_acquire)) {
    Waker registered = std::exchange(slot_, Waker());
    // Release: the next thread to take the slot finds it empty. Acquire: sees the progress of
    // further wakes.
    state_.exchange(idle, std::memory_order_acq_rel);
    std::move(registered).wake();
  }
}

Waker AtomicWaker::take() noexcept {
  // Acquire: pairs with the release in register_waker(). Release: a register_waker() that finds the
  // bit, or that comes later, sees what this thread did before.
  if (state_.fetch_or(waking, std::memory_order_acq_rel) != idle) {
    return {};  // the thread that has the slot wakes, or took the waker out
  }
  Waker taken = std::exchange(slot_, Waker());
  // Release: pairs with the acquire in register_waker().
  state_.fetch_and(static_cast<std::uint8_t>(~waking), std::memory_order_release);
  return taken;
}

}  // namespace weft::inline v0_1
