// yield_hint(): for who waits, in a loop, for another thread that may need the processor for that.
#pragma once

#include <weft/atomic.hpp>

#if WEFT_ATOMIC_MODE != 2
#include <thread>
#endif

namespace weft::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

/// As spin_hint(), and lets another thread have the processor.
inline void yield_hint() noexcept {
#if WEFT_ATOMIC_MODE == 2
  spin_hint();
#else
  std::this_thread::yield();
#endif
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::detail
