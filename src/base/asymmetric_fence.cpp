#include "base/asymmetric_fence.hpp"

#if WEFT_ATOMIC_MODE != 2
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#endif

namespace weft::detail {
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

/// Whether a light fence that was still free may be under way, though they are free no more.
constinit Atomic<bool> refused_just_now{false};

/// What a light fence that was free has left in a store buffer is seen within microseconds, and a
/// thread that is paused has passed a fence.
void let_store_buffers_drain() noexcept {
  ThreadParker nobody;
  static_cast<void>(nobody.park_for(std::chrono::milliseconds(1)));
}

/// The system has begun to refuse the command, as a program that has locked itself up does
/// (seccomp(2)). Light fences cost something from now on.
void do_without() noexcept {
  refused_just_now.store(true, std::memory_order_relaxed);
  light_fences_are_free.store(false, std::memory_order_release);
  let_store_buffers_drain();
  refused_just_now.store(false, std::memory_order_relaxed);
}

}  // namespace

void prepare_light_fences() noexcept {
  // Once: fences that others rely on to be dear must not become free meanwhile.
  [[maybe_unused]] static const bool registered = [] {
    const bool done = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
    light_fences_are_free.store(done, std::memory_order_relaxed);
    return done;
  }();
}

void heavy_fence() noexcept {
  atomic_fence(std::memory_order_seq_cst);  // this thread's own part
  // Acquire: pairs with do_without().
  if (!light_fences_are_free.load(std::memory_order_acquire)) {
    if (refused_just_now.load(std::memory_order_relaxed)) [[unlikely]]
      let_store_buffers_drain();
    return;
  }
  // A fork()ed child may have to register anew.
  if (!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) &&
      !(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
        membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))) {
    do_without();
  }
  atomic_fence(std::memory_order_seq_cst);
}

#endif

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::detail
