#include "process/child_state.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <mutex>

#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

void ChildState::started(int id, Fd& pidfd) {
  end_.emplace(pidfd.get());
  id_ = id;
  pidfd_ = std::move(pidfd);
}

std::string ChildState::name() const { return program_ + " (process " + std::to_string(id_) + ")"; }

Result<std::optional<ExitStatus>> ChildState::look() noexcept {
  const std::lock_guard lock(mutex_);
  return look_locked(!leads_group_);
}

bool ChildState::reap() noexcept {
  const std::lock_guard lock(mutex_);
  static_cast<void>(look_locked(true));
  return is_gone_;
}

Result<std::optional<ExitStatus>> ChildState::look_locked(bool reaps) noexcept {
  if (!is_gone_ && (reaps || !status_)) {
    siginfo_t info{};
    const std::int64_t result =
        Syscalls::child_wait(pidfd_.get(), info, WNOHANG | (reaps ? 0 : WNOWAIT));
    if (result == -ECHILD) {  // SIGCHLD is ignored, or other code has waited for it
      is_gone_ = true;
      if (!status_) lost_ = os_error(ECHILD);
    } else if (result < 0) {
      return fail(os_error(static_cast<int>(-result)));
    } else if (info.si_pid != 0) {
      is_gone_ = reaps;
      const bool by_signal = info.si_code != CLD_EXITED;
      status_ = by_signal ? ExitStatus::of_signal(info.si_status, info.si_code == CLD_DUMPED)
                          : ExitStatus::of_code(info.si_status);
    }
  }
  if (lost_) return fail(lost_);
  return status_;
}

Result<void> ChildState::signal(int number) noexcept {
  const std::lock_guard lock(mutex_);
  if (status_ || is_gone_ || inherited()) return fail(std::errc::no_such_process);
  const std::int64_t result = Syscalls::child_signal(pidfd_.get(), number);
  if (result < 0) return fail(os_error(static_cast<int>(-result)));
  return {};
}

Result<void> ChildState::signal_group(int number) noexcept {
  const std::lock_guard lock(mutex_);
  if (!leads_group_) return fail(std::errc::invalid_argument);
  if (is_gone_ || inherited()) return fail(std::errc::no_such_process);
  const std::int64_t result = Syscalls::child_signal_group(id_, number);
  if (result < 0) return fail(os_error(static_cast<int>(-result)));
  return {};
}

/// A failure means that there is nothing left to kill, or that it has another user's id now.
void ChildState::kill() noexcept {
  if (leads_group_) static_cast<void>(signal_group(SIGKILL));
  static_cast<void>(signal(SIGKILL));
}

}  // namespace weft::inline v0_1::detail
