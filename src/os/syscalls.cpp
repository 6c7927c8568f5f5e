#include "os/syscalls.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <weft/atomic.hpp>

#include "os/fault.hpp"
#include "os/perform.hpp"
#include "os/pipe_signal.hpp"

namespace weft::inline v0_1::detail {

namespace {

// Whether epoll_pwait2 is missing (Linux before 5.11, or a seccomp filter). Relaxed: a hint; a
// thread that does not see it yet finds out by itself.
Atomic<bool> no_epoll_pwait2{false};

#ifndef RWF_NOSIGNAL
constexpr int RWF_NOSIGNAL = 0x100;
#endif

/// A message with the slices that `room` allows.
struct ShortenedMessage {
  ShortenedMessage(const msghdr& whole, std::size_t room) noexcept : header(whole) {
    if (room == Fault::not_shortened || whole.msg_iovlen == 0) [[likely]]
      return;
    part = first_part(whole.msg_iov, room);
    header.msg_iov = &part;
    header.msg_iovlen = 1;
  }
  ShortenedMessage(const ShortenedMessage&) = delete;

  msghdr header;
  iovec part{};
};

/// writev with SIGPIPE blocked for this thread, and consumed if this call raised it. Used only for
/// pipes, and for handles that do not support flags, on kernels without RWF_NOSIGNAL.
std::int64_t writev_with_signal_blocked(int fd, const iovec* slices, int count) noexcept {
  const BlockedPipeSignal blocked;
  const std::int64_t result = ::writev(fd, slices, count);
  const int error = errno;
  // A part may have been taken before the pipe broke.
  if (result >= 0 || error == EPIPE) blocked.consume();
  errno = error;
  return result;
}

std::int64_t writev_without_signal(int fd, const iovec* slices, int count) noexcept {
  constexpr off_t at_current_position = -1;
  const std::int64_t result = perform_once(Call::pwritev2, fd, [=] {
    return ::pwritev2(fd, slices, count, at_current_position, RWF_NOSIGNAL);
  });
  if (result >= 0) return result;
  // Not remembered: handles without vectored writing (an eventfd) give this error on every kernel.
  if (result == -EOPNOTSUPP || result == -ENOSYS) {
    return writev_with_signal_blocked(fd, slices, count);
  }
  errno = static_cast<int>(-result);
  return -1;
}

std::int64_t wait_in_milliseconds(int epoll, epoll_event* events, int room,
                                  std::int64_t timeout_ns) noexcept {
  constexpr std::int64_t ns_per_ms = 1'000'000;
  int timeout_ms = -1;
  if (timeout_ns >= 0) {
    const std::int64_t rounded_up = timeout_ns / ns_per_ms + (timeout_ns % ns_per_ms != 0 ? 1 : 0);
    timeout_ms = static_cast<int>(std::min<std::int64_t>(rounded_up, INT_MAX));
  }
  const int result = ::epoll_wait(epoll, events, room, timeout_ms);
  return result >= 0 ? result : -errno;
}

std::int64_t wait_for_events(int epoll, epoll_event* events, int room,
                             std::int64_t timeout_ns) noexcept {
  constexpr std::int64_t ns_per_s = 1'000'000'000;
  // For zero or no timeout the older call does the same and costs less.
  if (timeout_ns > 0 && !no_epoll_pwait2.load(std::memory_order_relaxed)) {
    const std::timespec timeout{.tv_sec = timeout_ns / ns_per_s, .tv_nsec = timeout_ns % ns_per_s};
    const std::int64_t result = perform_once(Call::epoll_pwait2, epoll, [&] {
      return ::epoll_pwait2(epoll, events, room, &timeout, nullptr);
    });
    if (result != -ENOSYS && result != -EPERM) return result;
    // An error injected by a test says nothing about the kernel.
    const bool injected = InstalledPlan::exists();
    if (!injected) no_epoll_pwait2.store(true, std::memory_order_relaxed);
  }
  return wait_in_milliseconds(epoll, events, room, timeout_ns);
}

}  // namespace

std::int64_t Syscalls::read(int fd, void* data, std::size_t size) noexcept {
  return perform(Call::read, fd,
                 [&](std::size_t room) { return ::read(fd, data, std::min(size, room)); });
}

std::int64_t Syscalls::readv(int fd, const iovec* slices, std::size_t count) noexcept {
  return perform(Call::readv, fd, [&](std::size_t room) {
    return within(room, slices, count,
                  [fd](const iovec* first, int n) { return ::readv(fd, first, n); });
  });
}

std::int64_t Syscalls::recvmsg(int socket, msghdr* message, int flags) noexcept {
  return perform(Call::recvmsg, socket, [&](std::size_t room) {
    ShortenedMessage part(*message, room);
    const std::int64_t result = ::recvmsg(socket, &part.header, flags);
    if (result < 0) return result;
    message->msg_flags = part.header.msg_flags;
    message->msg_namelen = part.header.msg_namelen;
    message->msg_controllen = part.header.msg_controllen;
    return result;
  });
}

std::int64_t Syscalls::recvmmsg(int socket, mmsghdr* messages, std::size_t count,
                                int flags) noexcept {
  return perform(Call::recvmmsg, socket, [&](std::size_t room) {
    const auto most = static_cast<unsigned>(std::min(count, room));
    return ::recvmmsg(socket, messages, most, flags, nullptr);
  });
}

std::int64_t Syscalls::write(int fd, const void* data, std::size_t size) noexcept {
  return perform(Call::write, fd,
                 [&](std::size_t room) { return ::write(fd, data, std::min(size, room)); });
}

std::int64_t Syscalls::judged_recv(int socket, void* data, std::size_t size) noexcept {
  return perform(Call::read, socket,
                 [&](std::size_t room) { return ::recv(socket, data, std::min(size, room), 0); });
}

std::int64_t Syscalls::judged_send(int socket, const void* data, std::size_t size) noexcept {
  return perform(Call::send, socket, [&](std::size_t room) {
    return ::send(socket, data, std::min(size, room), MSG_NOSIGNAL);
  });
}

std::int64_t Syscalls::peek(int socket, void* data, std::size_t size) noexcept {
  return perform(Call::peek, socket, [&](std::size_t room) {
    return ::recv(socket, data, std::min(size, room), MSG_PEEK);
  });
}

std::int64_t Syscalls::splice(int from, int to, std::size_t size) noexcept {
  return perform(Call::splice, from, [&](std::size_t room) {
    constexpr unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
    return ::splice(from, nullptr, to, nullptr, std::min(size, room), flags);
  });
}

std::int64_t Syscalls::sendfile(int socket, int file, std::int64_t offset,
                                std::size_t size) noexcept {
  const BlockedPipeSignal blocked;
  const std::int64_t result = perform(Call::sendfile, socket, [&](std::size_t room) {
    off_t from = offset;
    return ::sendfile(socket, file, &from, std::min(size, room));
  });
  const bool is_whole = result == static_cast<std::int64_t>(size);
  if (!is_whole && result != -EAGAIN) blocked.consume();
  return result;
}

std::int64_t Syscalls::sendmsg(int socket, const msghdr* message, int flags) noexcept {
  return perform(Call::sendmsg, socket, [&](std::size_t room) {
    const ShortenedMessage part(*message, room);
    const msghdr& header = part.header;
    if (header.msg_iovlen == 1 && header.msg_controllen == 0) {
      // The same with fewer structures for the kernel to copy and to check.
      return ::sendto(socket, header.msg_iov->iov_base, header.msg_iov->iov_len,
                      flags | MSG_NOSIGNAL, static_cast<const sockaddr*>(header.msg_name),
                      header.msg_namelen);
    }
    return ::sendmsg(socket, &header, flags | MSG_NOSIGNAL);
  });
}

std::int64_t Syscalls::sendmmsg(int socket, mmsghdr* messages, std::size_t count) noexcept {
  return perform(Call::sendmmsg, socket, [&](std::size_t room) {
    const auto most = static_cast<unsigned>(std::min(count, room));
    return ::sendmmsg(socket, messages, most, MSG_NOSIGNAL);
  });
}

std::int64_t Syscalls::writev(int fd, const iovec* slices, std::size_t count) noexcept {
  return perform(Call::writev, fd, [&](std::size_t room) {
    return within(room, slices, count,
                  [fd](const iovec* first, int n) { return writev_without_signal(fd, first, n); });
  });
}

std::int64_t Syscalls::accept4(int listener, sockaddr* address, socklen_t* size) noexcept {
  return perform(Call::accept4, listener, [&](std::size_t) {
    return ::accept4(listener, address, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
}

std::int64_t Syscalls::eventfd(std::uint32_t initial) noexcept {
  return perform(Call::eventfd, Fault::any_handle,
                 [&](std::size_t) { return ::eventfd(initial, EFD_NONBLOCK | EFD_CLOEXEC); });
}

std::int64_t Syscalls::pipe2(int (&ends)[2]) noexcept {
  return perform(Call::pipe2, Fault::any_handle,
                 [&](std::size_t) { return ::pipe2(ends, O_NONBLOCK | O_CLOEXEC); });
}

std::int64_t Syscalls::open_pipe(const char* path, int access) noexcept {
  return perform(Call::open_pipe, Fault::any_handle, [&](std::size_t) {
    return ::open(path, access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  });
}

std::int64_t Syscalls::socket(int domain, int type, int protocol) noexcept {
  return perform(Call::socket, Fault::any_handle,
                 [&](std::size_t) { return ::socket(domain, type | SOCK_CLOEXEC, protocol); });
}

std::int64_t Syscalls::socketpair(int domain, int type, int handles[2]) noexcept {
  return perform(Call::socketpair, Fault::any_handle, [&](std::size_t) {
    return ::socketpair(domain, type | SOCK_CLOEXEC, 0, handles);
  });
}

std::int64_t Syscalls::epoll_create() noexcept {
  return perform(Call::epoll_create, Fault::any_handle,
                 [](std::size_t) { return ::epoll_create1(EPOLL_CLOEXEC); });
}

std::int64_t Syscalls::connect(int socket, const sockaddr* address, socklen_t size) noexcept {
  const std::int64_t result =
      perform_once(Call::connect, socket, [&] { return ::connect(socket, address, size); });
  return result == -EINTR ? -EINPROGRESS : result;
}

std::int64_t Syscalls::bind(int socket, const sockaddr* address, socklen_t size) noexcept {
  return perform(Call::bind, socket, [&](std::size_t) { return ::bind(socket, address, size); });
}

std::int64_t Syscalls::listen(int socket, int backlog) noexcept {
  return perform(Call::listen, socket, [&](std::size_t) { return ::listen(socket, backlog); });
}

std::int64_t Syscalls::shutdown(int socket, int how) noexcept {
  return perform(Call::shutdown, socket, [&](std::size_t) { return ::shutdown(socket, how); });
}

std::int64_t Syscalls::getsockname(int socket, sockaddr* address, socklen_t* size) noexcept {
  return perform(Call::getsockname, socket,
                 [&](std::size_t) { return ::getsockname(socket, address, size); });
}

std::int64_t Syscalls::getpeername(int socket, sockaddr* address, socklen_t* size) noexcept {
  return perform(Call::getpeername, socket,
                 [&](std::size_t) { return ::getpeername(socket, address, size); });
}

std::int64_t Syscalls::getsockopt(int socket, int level, int name, void* value,
                                  socklen_t* size) noexcept {
  return perform(Call::getsockopt, socket,
                 [&](std::size_t) { return ::getsockopt(socket, level, name, value, size); });
}

std::int64_t Syscalls::setsockopt(int socket, int level, int name, const void* value,
                                  socklen_t size) noexcept {
  return perform(Call::setsockopt, socket,
                 [&](std::size_t) { return ::setsockopt(socket, level, name, value, size); });
}

std::int64_t Syscalls::socket_error(int socket) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  const std::int64_t result = getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  return result < 0 ? result : -error;
}

std::int64_t Syscalls::close(int fd) noexcept {
  // An injected failure comes after the handle was closed, as a real one does.
  const std::int64_t closed = ::close(fd);
  const int error = errno;
  const std::int64_t result = perform_once(Call::close, fd, [=] {
    errno = error;
    return closed;
  });
  return result == -EINTR ? 0 : result;
}

std::int64_t Syscalls::lstat(const char* path, struct stat* about) noexcept {
  return perform(Call::lstat, Fault::any_handle, [&](std::size_t) { return ::lstat(path, about); });
}

std::int64_t Syscalls::unlink(const char* path) noexcept {
  return perform(Call::unlink, Fault::any_handle, [&](std::size_t) { return ::unlink(path); });
}

std::int64_t Syscalls::chmod(const char* path, unsigned mode) noexcept {
  return perform(Call::chmod, Fault::any_handle,
                 [&](std::size_t) { return ::chmod(path, static_cast<mode_t>(mode)); });
}

std::int64_t Syscalls::mkfifo(const char* path, unsigned mode) noexcept {
  return perform(Call::mkfifo, Fault::any_handle,
                 [&](std::size_t) { return ::mkfifo(path, static_cast<mode_t>(mode)); });
}

std::int64_t Syscalls::poll_now(int fd, short events) noexcept {
  pollfd request{.fd = fd, .events = events, .revents = 0};
  const std::int64_t result =
      perform(Call::poll_now, fd, [&](std::size_t) { return ::poll(&request, 1, 0); });
  return result < 0 ? result : static_cast<unsigned short>(request.revents);
}

std::int64_t Syscalls::ppoll(pollfd* handles, std::size_t count, std::int64_t timeout_ns) noexcept {
  constexpr std::int64_t second_ns = 1'000'000'000;
  const timespec timeout{.tv_sec = timeout_ns / second_ns, .tv_nsec = timeout_ns % second_ns};
  if (const int error = planned_failure(Call::ppoll); error != 0) return -error;
  const int result = ::ppoll(handles, count, timeout_ns < 0 ? nullptr : &timeout, nullptr);
  return result < 0 ? -errno : result;
}

std::int64_t Syscalls::epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  return perform(Call::epoll_ctl, fd, [&](std::size_t) {
    // A raw system call: another thread may close `fd` at this moment, which is harmless for a
    // removal, but ThreadSanitizer, which intercepts epoll_ctl(), would report it.
    if (operation == EPOLL_CTL_DEL)
      return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
    return ::epoll_ctl(epoll, operation, fd, event);
  });
}

std::int64_t Syscalls::epoll_wait(int epoll, epoll_event* events, int room,
                                  std::int64_t timeout_ns) noexcept {
  const auto fault = planned_fault(Call::epoll_wait, epoll);
  if (fault && fault->errno_value != 0) [[unlikely]]
    return -fault->errno_value;
  return wait_for_events(epoll, events, room, timeout_ns);
}

int Syscalls::planned_failure(Call call) noexcept {
  return planned_failure(call, Fault::any_handle);
}

int Syscalls::planned_failure(Call call, int handle) noexcept {
  const auto fault = planned_fault(call, handle);
  return fault ? fault->errno_value : 0;
}

bool Syscalls::may_shorten() noexcept {
  const InstalledPlan plan;
  return plan.get() != nullptr && plan.get()->shortens();
}

FaultPlan* Syscalls::install(FaultPlan* plan) noexcept {
  FaultPlan* const before = plan_.exchange(plan, std::memory_order_seq_cst);
  // A thread counts itself before it reads plan_, both in the one order of seq_cst. So either it
  // has read the new plan, or its count is seen here.
  while (plan_users_.load(std::memory_order_seq_cst) != 0) ::sched_yield();
  return before;
}

}  // namespace weft::inline v0_1::detail
