// The system calls of child processes, as parts of Syscalls.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "os/fault.hpp"
#include "os/syscalls.hpp"

// The name of the C library's clone(2) that sanitizers do not intercept: theirs is for children
// with memory of their own.
extern "C" int __clone(int (*run)(void*), void* stack_end, int flags, void* argument, ...);

namespace weft::inline v0_1::detail {

namespace {

constexpr mode_t mode_of_new_files = 0666;

/// Makes the call, unless a test wants it to fail; again after EINTR.
template <class Function>
std::int64_t child_call(Call kind, int handle, Function call) noexcept {
  for (;;) {
    int error = Syscalls::planned_failure(kind, handle);
    if (error == 0) {
      const std::int64_t result = call();
      if (result >= 0) return result;
      error = errno;
    }
    if (error != EINTR) return -error;
  }
}

std::int64_t open_pidfd(std::int64_t id) noexcept {
  return child_call(Call::child_pidfd_open, Fault::any_handle,
                    [id] { return ::syscall(SYS_pidfd_open, id, 0); });
}

/// Waits for a child that has no pidfd, after it was killed.
void discard(std::int64_t id) noexcept {
  ::kill(static_cast<pid_t>(id), SIGKILL);
  while (::waitpid(static_cast<pid_t>(id), nullptr, 0) < 0 && errno == EINTR) {
  }
}

/// Opens the pidfd of a child that was started without one, and returns `id`; if that fails, ends
/// the child. The child is this process's, so its number means it until it is waited for.
std::int64_t with_pidfd(std::int64_t id, int& pidfd) noexcept {
  const std::int64_t handle = open_pidfd(id);
  if (handle < 0) {
    discard(id);
    return handle;
  }
  pidfd = static_cast<int>(handle);
  return id;
}

/// As child_clone(), for a kernel that gives no pidfd with the child.
std::int64_t clone_then_open(int (*run)(void*), void* stack_end, void* argument,
                             int& pidfd) noexcept {
  // First whether there are pidfds at all: without them no child is to be started.
  const std::int64_t probe = open_pidfd(::getpid());
  if (probe < 0) return probe;
  static_cast<void>(Syscalls::close(static_cast<int>(probe)));
  const std::int64_t id = ::__clone(run, stack_end, CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
  if (id < 0) return -errno;
  return with_pidfd(id, pidfd);
}

}  // namespace

std::int64_t Syscalls::child_pipe(int (&ends)[2]) noexcept {
  return child_call(Call::child_pipe, Fault::any_handle,
                    [&ends] { return ::pipe2(ends, O_CLOEXEC); });
}

std::int64_t Syscalls::child_open(const char* path, int flags) noexcept {
  return child_call(Call::child_open, Fault::any_handle, [path, flags] {
    return ::open(path, flags | O_CLOEXEC | O_NOCTTY, mode_of_new_files);
  });
}

std::int64_t Syscalls::child_clone(int (*run)(void*), void* stack_end, void* argument,
                                   int& pidfd) noexcept {
  if (const int error = planned_failure(Call::child_clone); error != 0) return -error;
  const int refused = planned_failure(Call::child_clone_pidfd);
  pidfd = -1;
  if (refused != 0) {
    if (refused != ENOSYS) return -refused;
    return clone_then_open(run, stack_end, argument, pidfd);
  }
  const int id = ::__clone(run, stack_end, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, argument,
                           &pidfd, nullptr, nullptr);
  if (id < 0) {
    const int error = errno;
    if (error != EINVAL && error != ENOSYS) return -error;
    return clone_then_open(run, stack_end, argument, pidfd);
  }
  if (pidfd >= 0) return id;
  // A kernel before 5.2 ignores the flag.
  return with_pidfd(id, pidfd);
}

bool Syscalls::child_has_close_range() noexcept {
  return planned_failure(Call::child_close_range) == 0;
}

std::int64_t Syscalls::child_wait(int pidfd, siginfo_t& info, int options) noexcept {
  return child_call(Call::child_wait, pidfd, [&info, pidfd, options] {
    info = siginfo_t{};
    return ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | options);
  });
}

std::int64_t Syscalls::child_signal(int pidfd, int number) noexcept {
  return child_call(Call::child_signal, pidfd, [pidfd, number] {
    return ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0);
  });
}

std::int64_t Syscalls::child_signal_group(int group, int number) noexcept {
  return child_call(Call::child_signal_group, Fault::any_handle,
                    [group, number] { return ::kill(-group, number); });
}

}  // namespace weft::inline v0_1::detail
