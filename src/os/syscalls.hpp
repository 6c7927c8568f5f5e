// Syscalls: the one seam through which weft makes the system calls of I/O. Called by all code that
// touches a file descriptor. Each call costs one predictable branch more than the bare one: a test
// may have installed a FaultPlan ("os/fault.hpp") that fails it, shortens it or counts it.
//
// Every function returns its result, or -errno; no function reads the caller's errno or reports
// through it. The functions are out of line: if one were inlined into a coroutine, the compiler
// could keep the address of one thread's errno across a suspension and then read another thread's.
// Two functions of the hot path are inlined all the same, into functions that cannot suspend: the
// kernel's own calls push the processor's return predictions out, so each call level above a system
// call costs time.
//
// EINTR: an interrupted call is repeated, except where a function says otherwise.
// SIGPIPE: no function here raises it, except the plain write().
// Thread-safety: as the system calls; any thread.
#pragma once

#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <weft/atomic.hpp>

struct epoll_event;
struct pollfd;
struct iovec;
struct mmsghdr;
struct stat;

namespace weft::inline v0_1::detail {

class FaultPlan;
enum class Call : std::uint8_t;

struct Syscalls {
  // Transfers of bytes. A short count is a success.
  static std::int64_t read(int fd, void* data, std::size_t size) noexcept;
  static std::int64_t readv(int fd, const iovec* slices, std::size_t count) noexcept;
  static std::int64_t recvmsg(int socket, msghdr* message, int flags = 0) noexcept;
  /// Returns how many messages were received. An error after the first of them is that of the next
  /// call.
  static std::int64_t recvmmsg(int socket, mmsghdr* messages, std::size_t count,
                               int flags = 0) noexcept;
  /// write(2): for handles other than pipes; a pipe without a reader raises SIGPIPE.
  static std::int64_t write(int fd, const void* data, std::size_t size) noexcept;
  /// recv(2): reads a socket by a shorter path in the kernel; faults treat it as a read. -ENOTSOCK
  /// if it is not a socket.
  [[gnu::always_inline]] static std::int64_t recv(int socket, void* data,
                                                  std::size_t size) noexcept {
    if (plan_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
      return judged_recv(socket, data, size);
    std::int64_t result = 0;
    do {
      result = ::recv(socket, data, size, 0);
    } while (result < 0 && errno == EINTR);
    return result >= 0 ? result : -errno;
  }
  /// send(2) and sendmsg(2) with MSG_NOSIGNAL; -ENOTSOCK if it is not a socket.
  [[gnu::always_inline]] static std::int64_t send(int socket, const void* data,
                                                  std::size_t size) noexcept {
    if (plan_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
      return judged_send(socket, data, size);
    std::int64_t result = 0;
    do {
      result = ::send(socket, data, size, MSG_NOSIGNAL);
    } while (result < 0 && errno == EINTR);
    return result >= 0 ? result : -errno;
  }
  /// recv(2) with MSG_PEEK: the bytes stay there.
  static std::int64_t peek(int socket, void* data, std::size_t size) noexcept;
  /// With MSG_NOSIGNAL and `flags`.
  static std::int64_t sendmsg(int socket, const msghdr* message, int flags = 0) noexcept;
  /// With MSG_NOSIGNAL. Returns how many messages were sent, and so hides an error after the first.
  static std::int64_t sendmmsg(int socket, mmsghdr* messages, std::size_t count) noexcept;
  /// writev(2) on any handle, pipes included, without SIGPIPE: pwritev2(2) with RWF_NOSIGNAL (Linux
  /// 6.18); where the kernel or the handle does not support the flag, with the signal blocked and
  /// consumed.
  static std::int64_t writev(int fd, const iovec* slices, std::size_t count) noexcept;

  /// splice(2), SPLICE_F_NONBLOCK: moves up to `size` bytes from one handle to the other, one of
  /// which is a pipe. -EINVAL: these handles do not support it. Raises SIGPIPE, which no flag
  /// prevents, unless a BlockedPipeSignal ("os/pipe_signal.hpp") is around it.
  static std::int64_t splice(int from, int to, std::size_t size) noexcept;
  /// sendfile(2) without SIGPIPE: sends up to `size` bytes of a file from `offset` on, whose cursor
  /// stays. 0: it ends there. Waits for the disk where the file is not in memory.
  static std::int64_t sendfile(int socket, int file, std::int64_t offset,
                               std::size_t size) noexcept;

  /// New handles are close-on-exec; those of accept4, eventfd, pipe2 and open_pipe are also
  /// non-blocking.
  static std::int64_t accept4(int listener, sockaddr* address, socklen_t* size) noexcept;
  static std::int64_t eventfd(std::uint32_t initial) noexcept;
  /// pipe2(2): `ends[0]` reads, `ends[1]` writes.
  static std::int64_t pipe2(int (&ends)[2]) noexcept;
  /// open(2) of a FIFO, or of a pipe below /proc/self/fd, by `access`: O_RDONLY, O_WRONLY, O_RDWR.
  static std::int64_t open_pipe(const char* path, int access) noexcept;
  static std::int64_t socket(int domain, int type, int protocol) noexcept;
  /// Stores two handles that are connected with each other.
  static std::int64_t socketpair(int domain, int type, int handles[2]) noexcept;
  static std::int64_t epoll_create() noexcept;

  /// An interrupted connect continues by itself, so EINTR is returned as -EINPROGRESS.
  static std::int64_t connect(int socket, const sockaddr* address, socklen_t size) noexcept;
  static std::int64_t bind(int socket, const sockaddr* address, socklen_t size) noexcept;
  static std::int64_t listen(int socket, int backlog) noexcept;
  static std::int64_t shutdown(int socket, int how) noexcept;
  static std::int64_t getsockname(int socket, sockaddr* address, socklen_t* size) noexcept;
  static std::int64_t getpeername(int socket, sockaddr* address, socklen_t* size) noexcept;
  static std::int64_t getsockopt(int socket, int level, int name, void* value,
                                 socklen_t* size) noexcept;
  static std::int64_t setsockopt(int socket, int level, int name, const void* value,
                                 socklen_t size) noexcept;
  /// Returns and clears the pending error of a socket (SO_ERROR): 0, or -errno.
  static std::int64_t socket_error(int socket) noexcept;
  /// The handle is closed whatever the result: EINTR counts as success, and close is never
  /// repeated.
  static std::int64_t close(int fd) noexcept;

  // Of files in the file system, which here are those of Unix sockets, and FIFOs
  static std::int64_t lstat(const char* path, struct stat* about) noexcept;
  static std::int64_t unlink(const char* path) noexcept;
  static std::int64_t chmod(const char* path, unsigned mode) noexcept;
  static std::int64_t mkfifo(const char* path, unsigned mode) noexcept;

  /// Returns which of `events` (POLLIN …) are true now; never waits.
  static std::int64_t poll_now(int fd, short events) noexcept;
  /// ppoll(2): waits up to `timeout_ns` (negative: no limit) until a handle is ready. Returns
  /// EINTR.
  static std::int64_t ppoll(pollfd* handles, std::size_t count, std::int64_t timeout_ns) noexcept;
  /// `operation`: EPOLL_CTL_…; `event` may be null to remove.
  static std::int64_t epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept;
  /// Waits up to `timeout_ns` (negative: no limit) by epoll_pwait2(2); where the kernel does not
  /// have it, in whole milliseconds, rounded up. Returns EINTR: the caller knows the rest of the
  /// timeout.
  static std::int64_t epoll_wait(int epoll, epoll_event* events, int room,
                                 std::int64_t timeout_ns) noexcept;

  // Of child processes ("os/child_calls.cpp")
  /// New handles are close-on-exec.
  static std::int64_t child_pipe(int (&ends)[2]) noexcept;
  /// `flags`: O_RDONLY …; close-on-exec.
  static std::int64_t child_open(const char* path, int flags) noexcept;
  /// Starts a process that shares this one's memory, on the stack that ends at `stack_end`; returns
  /// its id when it has begun another program or ended. Sets `pidfd` (close-on-exec). The caller
  /// has blocked all signals.
  static std::int64_t child_clone(int (*run)(void*), void* stack_end, void* argument,
                                  int& pidfd) noexcept;
  /// Returns whether the call to close all handles is to be tried.
  static bool child_has_close_range() noexcept;
  /// waitid(2) on a pidfd, with WEXITED and `options`.
  static std::int64_t child_wait(int pidfd, siginfo_t& info, int options) noexcept;
  static std::int64_t child_signal(int pidfd, int number) noexcept;
  static std::int64_t child_signal_group(int group, int number) noexcept;

  /// For calls that are made elsewhere ("os/pages.hpp"): 0, or the errno with which `call` must
  /// fail without being made.
  [[nodiscard]] static int planned_failure(Call call) noexcept;
  /// The same for a call that is told apart by its handle, or what stands for one.
  [[nodiscard]] static int planned_failure(Call call, int handle) noexcept;
  /// Whether an installed FaultPlan shortens transfers; then a short count says nothing about the
  /// handle.
  [[nodiscard]] static bool may_shorten() noexcept;
  /// Installs `plan` for the whole process (null: none) and returns the previous one, which no
  /// thread uses any more. For tests, through ScopedFaults; one thread at a time.
  static FaultPlan* install(FaultPlan* plan) noexcept;

 private:
  static std::int64_t judged_recv(int socket, void* data, std::size_t size) noexcept;
  static std::int64_t judged_send(int socket, const void* data, std::size_t size) noexcept;

  friend class InstalledPlan;
  // Relaxed where it is only compared with null; see InstalledPlan and install() for the others.
  static inline constinit Atomic<FaultPlan*> plan_{nullptr};
  static inline constinit Atomic<std::uint32_t> plan_users_{0};  // threads that consult it now
};

}  // namespace weft::inline v0_1::detail
