#include "base/fork.hpp"

#include <pthread.h>

#include "base/thread_context.hpp"

namespace weft::inline v0_1::detail {

bool ForkCount::begin() noexcept {
  static const bool begun =
      ::pthread_atfork(&hold_frame_pool, &release_frame_pool, &ForkCount::in_child) == 0;
  return begun;
}

/// Never inlined: see thread_context().
[[gnu::noinline]] void ForkCount::in_child() noexcept {
  count_.fetch_add(1, std::memory_order_relaxed);
  // Whatever the thread worked for, it is the parent's.
  thread_context() = ThreadContext();
  release_frame_pool_in_child();
}

}  // namespace weft::inline v0_1::detail
