// perform(): how each function of Syscalls and FileSyscalls makes its system call: as a test's
// FaultPlan says, and again while it is interrupted. For those two alone. Any thread.
#pragma once

#include <limits.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <weft/atomic.hpp>

#include "os/fault.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

/// The installed plan, which is not destroyed while this object lives: see Syscalls::install().
class InstalledPlan {
 public:
  InstalledPlan() noexcept {
    if (!exists()) [[likely]]
      return;
    Syscalls::plan_users_.fetch_add(1, std::memory_order_seq_cst);
    counted_ = true;
    plan_ = Syscalls::plan_.load(std::memory_order_seq_cst);
  }
  ~InstalledPlan() {
    // Release: pairs with the acquire in install(), which ends after what this thread has done.
    if (counted_) Syscalls::plan_users_.fetch_sub(1, std::memory_order_release);
  }
  InstalledPlan(const InstalledPlan&) = delete;
  InstalledPlan& operator=(const InstalledPlan&) = delete;

  /// Null: there is none.
  [[nodiscard]] FaultPlan* get() const noexcept { return plan_; }
  /// Whether there is one. Relaxed: what is read of it is read through an object of this class.
  [[nodiscard]] static bool exists() noexcept {
    return Syscalls::plan_.load(std::memory_order_relaxed) != nullptr;
  }

 private:
  FaultPlan* plan_ = nullptr;
  bool counted_ = false;
};

/// The fault for the call about to be made; none: the call is made as usual.
inline std::optional<Fault> planned_fault(Call kind, int fd) noexcept {
  const InstalledPlan plan;
  if (plan.get() == nullptr) [[likely]]
    return std::nullopt;
  return plan.get()->judge(kind, fd);
}

/// Repeats a call while it is interrupted. `call` gets the largest permitted size of the transfer.
template <class Function>
std::int64_t perform(Call kind, int fd, Function call) noexcept {
  for (;;) {
    std::size_t room = Fault::not_shortened;
    int error = 0;
    if (const auto fault = planned_fault(kind, fd)) [[unlikely]] {
      error = fault->errno_value;
      room = fault->size;
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
  const auto fault = planned_fault(kind, fd);
  if (fault && fault->errno_value != 0) [[unlikely]]
    return -fault->errno_value;
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
