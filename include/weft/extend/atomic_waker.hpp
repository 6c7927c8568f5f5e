// AtomicWaker: the cell in which the author of a leaf keeps the waker of the one task that waits
// there, while any thread may wake it. Last one wins: registering replaces what was registered.
//
// The use that loses no wake-up:
//
//   the leaf, in poll():                       whoever makes progress, any thread:
//     cell.register_waker(cx.waker());           ready.store(true, release);
//     if (ready.load(acquire)) return …;         cell.wake();
//     return weft::Pending();
//
// Register first, then look: a progress that was not seen wakes the waker that was registered.
//
// The word is a lock of the slot that nobody waits for. The algorithm is that of AtomicWaker in
// tokio and futures-rs:
//
//   idle         0      the slot belongs to whoever leaves this state
//   registering  bit 0  the one who registers has the slot
//   waking       bit 1  one who wakes has it, or, with `registering`, came while it was taken: the
//                       one who registers then wakes in his stead
#pragma once

#include <weft/atomic.hpp>
#include <weft/waker.hpp>

#include <cstdint>

namespace weft {

class AtomicWaker {
 public:
  AtomicWaker() noexcept = default;
  AtomicWaker(const AtomicWaker&) = delete;
  AtomicWaker& operator=(const AtomicWaker&) = delete;

  /// Makes a copy of `waker` the one to be woken, unless it would wake the same task as the present
  /// one. If a wake is going on meanwhile, wakes `waker` itself. One thread at a time. Throws what
  /// the copy throws (std::bad_alloc); then nothing is registered, and `waker` was woken if a wake
  /// came meanwhile.
  void register_waker(const Waker& waker);

  /// Wakes the registered waker and forgets it; nothing if there is none. Any thread; what happened
  /// before is seen by the poll that it leads to.
  void wake() noexcept { take().wake(); }

  /// Takes the registered waker out, without waking it; one that wakes nobody if there is none. Any
  /// thread. Meanwhile registering is answered by a wake.
  [[nodiscard]] Waker take() noexcept;

 private:
  static constexpr std::uint8_t idle = 0;
  static constexpr std::uint8_t registering = 1;
  static constexpr std::uint8_t waking = 2;

  Atomic<std::uint8_t> state_{idle};
  Waker slot_;  // belongs to whoever took state_ out of idle
};

}  // namespace weft
