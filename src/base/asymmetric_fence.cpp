#include "base/asymmetric_fence.hpp"

#if WEFT_ATOMIC_MODE != 2
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#endif

namespace weft::inline v0_1::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

#if WEFT_ATOMIC_MODE == 2

void prepare_light_fences() noexcept {}
void heavy_fence() noexcept {
  model_hooks::asymmetric_fence(true, std::source_location::current());
}

#else

constinit Atomic<bool> light_fences_are_free{false};

namespace {

bool membarrier(int command) noexcept {
  const int saved_errno = errno;
  const bool done = ::syscall(SYS_membarrier, command, 0, 0) == 0;
  errno = saved_errno;
  return done;
}

/// Whether a light fence that was free may still be in progress although they are free no more.
constinit Atomic<bool> refused_just_now{false};

/// Waits until the stores that precede such a light fence are visible: a store buffer drains within
/// microseconds, and a thread that was preempted has executed a fence.
void let_store_buffers_drain() noexcept {
  ThreadParker nobody;
  static_cast<void>(nobody.park_for(std::chrono::milliseconds(1)));
}

/// The system refuses the command from now on, as after the process has restricted itself by
/// seccomp(2). Light fences are real fences from now on. Release: pairs with the acquire in
/// heavy_fence(), which so sees refused_just_now. The stores to that are relaxed: the release
/// orders the first, and the second only ends the waits of other threads.
void do_without() noexcept {
  refused_just_now.store(true, std::memory_order_relaxed);
  light_fences_are_free.store(false, std::memory_order_release);
  let_store_buffers_drain();
  refused_just_now.store(false, std::memory_order_relaxed);
}

}  // namespace

void prepare_light_fences() noexcept {
  // Only once: while a heavy_fence() relies on light fences being real ones, they must not become
  // free.
  [[maybe_unused]] static const bool registered = [] {
    const bool done = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
    light_fences_are_free.store(done, std::memory_order_relaxed);
    return done;
  }();
}

void heavy_fence() noexcept {
  atomic_fence(std::memory_order_seq_cst);  // this thread's own part
  // Acquire: pairs with the release in do_without().
  if (!light_fences_are_free.load(std::memory_order_acquire)) {
    if (refused_just_now.load(std::memory_order_relaxed)) [[unlikely]]
      let_store_buffers_drain();
    return;
  }
  // The child of a fork() may have to register again.
  if (!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) &&
      !(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
        membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))) {
    do_without();
  }
  atomic_fence(std::memory_order_seq_cst);
}

#endif

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::detail
