// perform(): how each function of Syscalls and FileSyscalls makes its system call: as a test's
// FaultPlan says, and again while it is interrupted. For those two alone. Any thread.
#pragma once

#include <limits.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <weft/atomic.hpp>

#include "os/fault.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

/// Access to the plan for the functions below.
class InstalledPlan {
 public:
  /// Acquire: pairs with the release in install(), so that the complete plan is seen.
  static FaultPlan* get() noexcept { return Syscalls::plan_.load(std::memory_order_acquire); }
};

/// Repeats a call while it is interrupted. `call` gets the largest permitted size of the transfer.
template <class Function>
std::int64_t perform(Call kind, int fd, Function call) noexcept {
  FaultPlan* const plan = InstalledPlan::get();
  for (;;) {
    std::size_t room = Fault::not_shortened;
    int error = 0;
    if (plan != nullptr) [[unlikely]] {
      if (const auto fault = plan->judge(kind, fd)) {
        error = fault->errno_value;
        room = fault->size;
      }
    }
    if (error == 0) {
      const std::int64_t result = call(room);
      if (result >= 0) return result;
      error = errno;
    }
    if (error != EINTR) return -error;
  }
}

/// The same for calls that must not be repeated after an interruption.
template <class Function>
std::int64_t perform_once(Call kind, int fd, Function call) noexcept {
  if (FaultPlan* const plan = InstalledPlan::get(); plan != nullptr) [[unlikely]] {
    const auto fault = plan->judge(kind, fd);
    if (fault && fault->errno_value != 0) return -fault->errno_value;
  }
  const std::int64_t result = call();
  return result >= 0 ? result : -errno;
}

/// A part of a vectored transfer of at most `room` bytes: of its first slice alone.
inline iovec first_part(const iovec* slices, std::size_t room) noexcept {
  return {slices->iov_base, std::min(slices->iov_len, room)};
}

/// Calls `transfer(slices, count)` with the slices that `room` allows.
template <class Transfer>
std::int64_t within(std::size_t room, const iovec* slices, std::size_t count, Transfer transfer) {
  if (room != Fault::not_shortened && count > 0) [[unlikely]] {
    const iovec part = first_part(slices, room);
    return transfer(&part, 1);
  }
  return transfer(slices, static_cast<int>(std::min<std::size_t>(count, IOV_MAX)));
}

}  // namespace weft::inline v0_1::detail
