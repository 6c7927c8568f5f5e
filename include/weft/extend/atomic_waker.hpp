// AtomicWaker: a cell with the waker of the one task that waits at a leaf; any thread may wake it.
// For authors of leaves. Registering a waker replaces the one registered before.
//
// The use that loses no wake-up:
//
//   the leaf, in poll():                       the thread that makes progress, any thread:
//     cell.register_waker(cx.waker());           ready.store(true, release);
//     if (ready.load(acquire)) return …;         cell.wake();
//     return weft::Pending();
//
// Register first, then read: progress that the read did not see wakes the registered waker.
//
// The word is a lock of the slot on which no thread ever waits. The algorithm is that of
// AtomicWaker in tokio and futures-rs:
//
//   idle         0      the slot belongs to the thread that leaves this state
//   registering  bit 0  the registering thread has the slot
//   waking       bit 1  alone: a waking thread has the slot; with `registering`: a wake came while
//                       the slot was taken, and the registering thread makes it
#pragma once

#include <weft/atomic.hpp>
#include <weft/waker.hpp>

#include <cstdint>

namespace weft::inline v0_1 {

class AtomicWaker {
 public:
  AtomicWaker() noexcept = default;
  AtomicWaker(const AtomicWaker&) = delete;
  AtomicWaker& operator=(const AtomicWaker&) = delete;

  /// Registers a copy of `waker`, unless the registered one would wake the same task. If a wake is
  /// in progress, wakes `waker` itself. One thread at a time. Throws what the copy throws
  /// (std::bad_alloc); then nothing is registered, and `waker` was woken if a wake came meanwhile.
  void register_waker(const Waker& waker);

  /// Wakes the registered waker and forgets it; does nothing if there is none. Any thread. The poll
  /// that follows sees what happened before this call.
  void wake() noexcept { take().wake(); }

  /// Takes the registered waker out without waking it; an empty one if there is none. Any thread. A
  /// register_waker() in the meantime wakes its waker.
  [[nodiscard]] Waker take() noexcept;

 private:
  static constexpr std::uint8_t idle = 0;
  static constexpr std::uint8_t registering = 1;
  static constexpr std::uint8_t waking = 2;

  Atomic<std::uint8_t> state_{idle};
  Waker slot_;  // belongs to the thread that took state_ out of idle
};

}  // namespace weft::inline v0_1
