// WakeState: whether a wake is pending, and how the owner waits for one. Used by Poller.
//
// As a rule the owner waits in the event queue; a wake is then an event there, which the notifying
// thread must make. An owner that expects no events parks instead: it sleeps on this word by
// futex(2), which wakes it in less time (decision 027).
//
//   empty     no wake is pending; the owner is awake, or waits in the event queue
//   notified  a wake is pending; its event was made or is being made, unless the owner was parked
//   parked    no wake is pending; the owner sleeps on this word, or is about to
//
// Any thread stores `notified`, by notify(). The owner stores the other two: `empty` by take(),
// `parked` over `empty` by park().
//
// Why no wake is lost. All changes of the word are read-modify-writes, so in its modification order
// each notify() is before or after the owner's step empty → parked:
//   before:  the step finds `notified` and fails. The owner goes to the event queue, where the
//            event is or will be: the thread that changes `empty` to `notified` makes it, and no
//            other.
//   after:   notify() finds `parked` and calls futex_wake. The owner sleeps already and is woken;
//            or it has yet to call futex_wait, which finds another value than it expects.
// A notify() that finds `notified` does nothing else: the wake of an earlier notify() is not taken
// yet. The owner takes it, after the event or the futex wake, by an exchange that comes after this
// notify() in the modification order. So that exchange (acquire) also sees what was written before
// this notify() (release): successive notify() calls form one release sequence.
//
// Checked by tests/model/wake_state_model_test.cpp.
#pragma once

#include <weft/atomic.hpp>

#include <chrono>
#include <cstdint>

#include "base/futex.hpp"

namespace weft::inline v0_1::detail {

class WakeState {
 public:
  /// Any thread: requests a wake. True: the caller must make the event. False: no event is needed,
  /// and this object may be gone.
  [[nodiscard]] bool notify() noexcept {
    const Atomic<std::uint32_t>* const word = &state_;
    // Release: pairs with the acquire in take().
    const std::uint32_t before = state_.exchange(notified, std::memory_order_release);
    // Uses only the address: see futex_wake_one().
    if (before == parked) futex_wake_one(word);
    return before == empty;
  }

  // The owner's thread:
  /// Takes the wake, after the owner has met the event or was parked. True: there was one.
  /// Acquire: pairs with the release in notify().
  bool take() noexcept { return state_.exchange(empty, std::memory_order_acquire) == notified; }
  /// Sleeps until a wake, or until `deadline` (null: none); take() tells which.
  /// False: a wake is pending already, and the owner must wait for its event.
  [[nodiscard]] bool park(const std::chrono::steady_clock::time_point* deadline) noexcept {
    std::uint32_t expected = empty;
    // Relaxed, as is the load below: the exchange in take() orders.
    if (!state_.compare_exchange_strong(expected, parked, std::memory_order_relaxed,
                                        std::memory_order_relaxed)) {
      return false;
    }
    while (futex_wait(state_, parked, deadline) &&
           state_.load(std::memory_order_relaxed) == parked) {
    }
    return true;
  }

 private:
  static constexpr std::uint32_t empty = 0;
  static constexpr std::uint32_t notified = 1;
  static constexpr std::uint32_t parked = 2;

  Atomic<std::uint32_t> state_{empty};
};

}  // namespace weft::inline v0_1::detail
