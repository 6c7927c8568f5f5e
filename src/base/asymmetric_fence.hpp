// Asymmetric fences, for two threads that each write one word and then read the other's, one of
// them often and the other rarely. A light_fence() in the one and a heavy_fence() in the other
// order as two seq_cst fences do. The light fence is free: within the heavy one the system makes
// every other thread of the process execute a full fence (membarrier(2),
// MEMBARRIER_CMD_PRIVATE_EXPEDITED).
//
// Where the system does not offer that, both are seq_cst fences. Callers may rely on the pairing of
// a light and a heavy fence only; the deterministic mode implements no more: there a light fence
// neither acquires nor releases, and orders nothing against another light one. Both may be called
// from any thread.
#pragma once

#include <weft/atomic.hpp>

namespace weft::inline v0_1::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

#if WEFT_ATOMIC_MODE != 2
/// Whether the system does the part of the light fences. False until prepare_light_fences(), and
/// again once the system refuses the command.
extern constinit Atomic<bool> light_fences_are_free;
#endif

/// Registers with the system. Call it before the first light_fence() that is to be cheap; may be
/// repeated.
void prepare_light_fences() noexcept;

inline void light_fence() noexcept {
#if WEFT_ATOMIC_MODE == 2
  model_hooks::asymmetric_fence(false, std::source_location::current());
#else
  // Relaxed: a thread that does not see `true` yet executes a fence that heavy_fence() does not
  // need. For a thread that does not see `false` yet, heavy_fence() waits.
  if (light_fences_are_free.load(std::memory_order_relaxed)) [[likely]] {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    atomic_fence(std::memory_order_seq_cst);
  }
#endif
}

/// Takes some microseconds and interrupts every running thread of the process. Takes a millisecond
/// when the system begins to refuse the command.
void heavy_fence() noexcept;

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::detail
