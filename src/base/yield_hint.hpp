// yield_hint(): for a loop that waits for another thread, which may need this thread's processor.
#pragma once

#include <weft/atomic.hpp>

#if WEFT_ATOMIC_MODE != 2
#include <thread>
#endif

namespace weft::inline v0_1::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

/// As spin_hint(), and yields the processor to another thread.
inline void yield_hint() noexcept {
#if WEFT_ATOMIC_MODE == 2
  spin_hint();
#else
  std::this_thread::yield();
#endif
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::detail
