// Syscalls: the one seam through which weft makes the system calls of I/O. Called by everything
// that touches a file descriptor. Each call costs one predictable branch more than the bare one: a
// test may have installed a FaultPlan ("os/fault.hpp") that fails it, shortens it or counts it.
//
// Every function returns its result, or -errno; nothing here reads or leaves errno to a caller.
// They are out of line on purpose: inlined into a coroutine, the compiler could keep the address of
// one thread's errno across a suspension and read another thread's afterwards. The two of the hot
// path are inlined all the same, and for functions that cannot suspend: the kernel's own calls push
// the processor's predictions of returns out, so that each level of call above a system call costs.
//
// EINTR: a call that was interrupted is made again, except where a function says otherwise.
// SIGPIPE: no function here raises it, but the plain write().
// Thread-safety: as the system calls; any thread.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <weft/atomic.hpp>

struct epoll_event;
struct pollfd;
struct iovec;

namespace weft::detail {

class FaultPlan;
enum class Call : std::uint8_t;

struct Syscalls {
  // Bytes. A short count is a success.
  static std::int64_t read(int fd, void* data, std::size_t size) noexcept;
  static std::int64_t readv(int fd, const iovec* slices, std::size_t count) noexcept;
  static std::int64_t recvmsg(int socket, msghdr* message, int flags = 0) noexcept;
  /// write(2): for handles that are no pipe; one whose reader has gone raises SIGPIPE.
  static std::int64_t write(int fd, const void* data, std::size_t size) noexcept;
  /// recv(2): a read of a socket, by a shorter way in the kernel; faults know it as a read.
  /// -ENOTSOCK if it is no socket.
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
  /// send(2) and sendmsg(2) with MSG_NOSIGNAL; -ENOTSOCK if it is no socket.
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
  static std::int64_t sendmsg(int socket, const msghdr* message) noexcept;
  /// writev(2) on anything, pipes included, without SIGPIPE: pwritev2(2) with RWF_NOSIGNAL
  /// (Linux 6.18), and where the kernel or the handle has no such flag, with the signal blocked and
  /// consumed.
  static std::int64_t writev(int fd, const iovec* slices, std::size_t count) noexcept;

  /// New handles are close-on-exec; accept4 and eventfd make non-blocking ones too.
  static std::int64_t accept4(int listener, sockaddr* address, socklen_t* size) noexcept;
  static std::int64_t eventfd(std::uint32_t initial) noexcept;
  static std::int64_t socket(int domain, int type, int protocol) noexcept;
  static std::int64_t epoll_create() noexcept;

  /// An interrupted connect goes on by itself, so EINTR comes back as -EINPROGRESS.
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
  /// Takes the pending error of a socket (SO_ERROR): 0, or -errno.
  static std::int64_t socket_error(int socket) noexcept;
  /// The handle is gone whatever comes back: EINTR counts as success, and close is never repeated.
  static std::int64_t close(int fd) noexcept;

  /// What of `events` (POLLIN …) is true now; never waits.
  static std::int64_t poll_now(int fd, short events) noexcept;
  /// ppoll(2): waits up to `timeout_ns` (negative: no limit) until one of them is ready. EINTR is
  /// returned.
  static std::int64_t ppoll(pollfd* handles, std::size_t count, std::int64_t timeout_ns) noexcept;
  /// `operation`: EPOLL_CTL_…; `event` may be null to remove.
  static std::int64_t epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept;
  /// Waits up to `timeout_ns` (negative: no limit), with epoll_pwait2(2), or in whole milliseconds
  /// rounded up where the kernel has none. EINTR is returned: the caller knows how much of the
  /// timeout is left.
  static std::int64_t epoll_wait(int epoll, epoll_event* events, int room,
                                 std::int64_t timeout_ns) noexcept;

  /// For calls that are made elsewhere ("os/pages.hpp"): 0, or the errno with which `call` is to
  /// fail without being made.
  [[nodiscard]] static int planned_failure(Call call) noexcept;
  /// Whether an installed FaultPlan shortens transfers: then a short count says nothing about the
  /// handle.
  [[nodiscard]] static bool may_shorten() noexcept;
  /// Installs `plan` for the whole process (null: none) and returns the one before. For tests,
  /// through ScopedFaults, while no other thread makes calls through here.
  static FaultPlan* install(FaultPlan* plan) noexcept;

 private:
  static std::int64_t judged_recv(int socket, void* data, std::size_t size) noexcept;
  static std::int64_t judged_send(int socket, const void* data, std::size_t size) noexcept;

  friend class InstalledPlan;
  // Written by a test before the threads it looks at start. Relaxed where it is only compared with
  // null; who follows it acquires, pairing with the release in install().
  static inline constinit Atomic<FaultPlan*> plan_{nullptr};
};

}  // namespace weft::detail
