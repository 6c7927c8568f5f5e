#include "base/asymmetric_fence.hpp"

#if WEFT_ATOMIC_MODE != 2
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace weft {
inline namespace WEFT_ATOMIC_NAMESPACE {

#if WEFT_ATOMIC_MODE == 2

void prepare_light_fences() noexcept {}
void heavy_fence() noexcept {
  model_hooks::asymmetric_fence(true, std::source_location::current());
}

#else

namespace {

bool membarrier(int command) noexcept {
  const int saved_errno = errno;
  const bool done = ::syscall(SYS_membarrier, command, 0, 0) == 0;
  errno = saved_errno;
  return done;
}

}  // namespace

constinit Atomic<bool> light_fences_are_free{false};

void prepare_light_fences() noexcept {
  if (light_fences_are_free.load(std::memory_order_relaxed)) return;
  // Once a process has registered, the command itself fails for no reason.
  if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) {
    light_fences_are_free.store(true, std::memory_order_relaxed);
  }
}

void heavy_fence() noexcept {
  atomic_fence(std::memory_order_seq_cst);  // this thread's own part
  if (!light_fences_are_free.load(std::memory_order_relaxed)) return;
  // A fork()ed child may have to register anew.
  if (!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) &&
      membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) {
    static_cast<void>(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  }
  atomic_fence(std::memory_order_seq_cst);
}

#endif

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft
