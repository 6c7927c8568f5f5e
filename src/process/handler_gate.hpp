// HandlerGate: tells an updater when no signal handler uses any more what the updater has unlinked.
//
// A handler may interrupt any thread at any instruction, an updater's included. So it takes no lock
// and waits for nothing: it enters, walks over what is linked, and leaves. Updaters exclude each
// other by a lock of their own, which no handler takes.
//
// The word has the side (bit 0) and the number of handlers that have entered on that side (upper
// half). An updater turns the side, and then waits until as many have left the old side as had
// entered it.
//
// Proof. enter() and the updater's exchange are read-modify-writes of one word, so each handler
// comes either before an exchange or after it.
//  - Before: it is in the count that the exchange returns, and the updater waits for its leave().
//    leave() releases and the updater acquires, so all that the handler has read happens before
//    what the updater does next.
//  - After: its enter() acquires what the exchange released (the additions between them continue
//    the release sequence), so it finds what was unlinked before the exchange no longer.
// The wait ends: no handler enters the old side any more, and a handler waits for nothing. Both
// counters wrap at 2^32 and are compared for equality; fewer handlers than that are inside at once.
// A side's counter of leaves is cleared before the side is turned to, when all its handlers have
// left: the exchange releases that store to the handlers that enter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <weft/atomic.hpp>

#include "base/yield_hint.hpp"

namespace weft::inline v0_1::detail {

class HandlerGate {
 public:
  using Side = std::size_t;

  constexpr HandlerGate() noexcept = default;

  // For handlers. Async-signal-safe.
  [[nodiscard]] Side enter() noexcept {
    return static_cast<Side>(word_.fetch_add(one_entered, std::memory_order_acquire) & side_bit);
  }
  void leave(Side side) noexcept { left_[side].fetch_add(1, std::memory_order_release); }

  // For the updater
  /// Returns when each handler that had entered before has left.
  void wait_for_handlers() noexcept {
    // Relaxed: only updaters change the bit, and they exclude each other.
    const Side old_side = static_cast<Side>(word_.load(std::memory_order_relaxed) & side_bit);
    const Side new_side = 1 - old_side;
    left_[new_side].store(0, std::memory_order_relaxed);
    const std::uint64_t old = word_.exchange(new_side, std::memory_order_acq_rel);
    const auto entered = static_cast<std::uint32_t>(old >> 32);
    while (left_[old_side].load(std::memory_order_acquire) != entered) yield_hint();
  }
  /// For the child of a fork(), in which no handler runs.
  void reset() noexcept {
    word_.store(0, std::memory_order_relaxed);
    for (auto& left : left_) left.store(0, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t side_bit = 1;
  static constexpr std::uint64_t one_entered = std::uint64_t{1} << 32;

  Atomic<std::uint64_t> word_{0};
  std::array<Atomic<std::uint32_t>, 2> left_{};
};

}  // namespace weft::inline v0_1::detail
