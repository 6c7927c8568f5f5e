#include "base/futex.hpp"

#if WEFT_ATOMIC_MODE != 2  // the deterministic mode waits in model/hooks.cpp

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace weft::inline v0_1::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

// SAFETY of the address passed to the kernel, which reads the word itself: Atomic<T> holds one
// std::atomic<T>, which is lock-free, so its object representation is the 32-bit value.
static_assert(sizeof(Atomic<std::uint32_t>) == sizeof(std::uint32_t));

bool futex_wait(const Atomic<std::uint32_t>& word, std::uint32_t expected,
                const std::chrono::steady_clock::time_point* deadline) noexcept {
  // FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC, which steady_clock reads here.
  std::timespec until{};
  if (deadline != nullptr) {
    const std::chrono::nanoseconds since_boot = deadline->time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
    until.tv_sec = static_cast<std::time_t>(seconds.count());
    until.tv_nsec = static_cast<long>((since_boot - seconds).count());
  }
  const int saved_errno = errno;
  const long rc =
      ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
                deadline != nullptr ? &until : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
  const bool timed_out = rc == -1 && errno == ETIMEDOUT;
  errno = saved_errno;
  return !timed_out;
}

void futex_wake_one(const Atomic<std::uint32_t>* word) noexcept {
  const int saved_errno = errno;
  ::syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0);
  errno = saved_errno;
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::detail

#endif
