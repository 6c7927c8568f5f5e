// Fences of unequal price, for two threads that each write one word and then read the other's, of
// which one does so often and the other hardly ever: light_fence() and heavy_fence() together order
// as two seq_cst fences do. The light one is free, as the system makes every other thread of the
// process pass a full fence within the heavy one: membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED.
//
// Where the system has none of that, both are seq_cst fences. But nobody may rely on more than the
// above, and in the deterministic mode there is no more: a light fence acquires and releases
// nothing, and orders nothing against another light one. Both are safe from any thread.
#pragma once

#include <weft/atomic.hpp>

namespace weft::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

#if WEFT_ATOMIC_MODE != 2
/// Whether the system does the light ones' part. False until prepare_light_fences(), and from when
/// on the system refuses it.
extern constinit Atomic<bool> light_fences_are_free;
#endif

/// Asks the system for it. Before the first light_fence() that is to be cheap; may be repeated.
void prepare_light_fences() noexcept;

inline void light_fence() noexcept {
#if WEFT_ATOMIC_MODE == 2
  model_hooks::asymmetric_fence(false, std::source_location::current());
#else
  // Relaxed: who does not see yet that it has begun pays for a fence that heavy_fence() does not
  // need; for who does not see yet that it has ended, heavy_fence() waits.
  if (light_fences_are_free.load(std::memory_order_relaxed)) [[likely]] {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    atomic_fence(std::memory_order_seq_cst);
  }
#endif
}

/// Some microseconds, and every running thread of the process is interrupted. A millisecond, when
/// the system begins to refuse it.
void heavy_fence() noexcept;

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::detail
