// WakeState: whether a wake was notified for, and where the one who is to be woken waits meanwhile. In
// the event queue, as a rule: then the wake is an event there, which whoever asks has to make. Who
// expects no events sleeps at the door: on this word, by futex(2), which wakes in less time.
//
//   empty   no wake is notified for
//   notified    one is; its event has been made, or is being made, unless the owner slept at the door
//   parked  no wake is notified for, and the owner sleeps here, or is about to
//
// Why no wake is lost. All changes of the word are read-modify-writes, so a ring() stands on one
// side of the owner's step empty -> parked:
//   before it: the step finds `notified` and is not made. The owner goes to the event queue, where the
//     event is, or will be: only who turned `empty` into `notified` makes it, and each does;
//   after it: the ring finds `parked` and calls futex_wake. The owner sleeps already and is woken,
//     or has yet to call futex_wait, which finds another word than it expects.
// A ring that finds `notified` need do nothing. Another one has, and its wake is not taken yet: the
// owner takes it, whether it meets the event or wakes at the door, by an exchange that comes after
// this ring in the word's order. So it also sees (acquire) what was written before this ring
// (release): ring after ring, they are one release sequence.
// Checked under the model: tests/model/wake_state_model_test.cpp.
#pragma once

#include <weft/atomic.hpp>

#include <chrono>
#include <cstdint>

#include "base/futex.hpp"

namespace weft::detail {

class WakeState {
 public:
  /// Any thread: asks for a wake. True: the caller has to make the event. False: that is not
  /// needed, and the wake_state may be gone.
  [[nodiscard]] bool ring() noexcept {
    const Atomic<std::uint32_t>* const word = &state_;
    const std::uint32_t before = state_.exchange(notified, std::memory_order_release);
    // Only the address is used: see futex_wake_one().
    if (before == parked) futex_wake_one(word);
    return before == empty;
  }

  // The owner's
  /// Takes the wake. True: there was one. It has met the event, or slept at the door.
  bool answer() noexcept { return state_.exchange(empty, std::memory_order_acquire) == notified; }
  /// Sleeps until a wake is notified for, or until `deadline` (null: none); answer() says which.
  /// False: one was notified for before, and its event is to be met.
  [[nodiscard]] bool await_ring(const std::chrono::steady_clock::time_point* deadline) noexcept {
    std::uint32_t expected = empty;
    // Relaxed: the next answer() orders.
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

}  // namespace weft::detail
