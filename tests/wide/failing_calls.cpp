#include "wide/failing_calls.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "wide/wide.hpp"

namespace weft::test {
namespace {

// Relaxed where it is only a filter: a test arms it before its threads make the calls that count.
std::atomic<int> failing_call{-1};
std::atomic<int> failing_error{0};
std::atomic<std::int64_t> first{0};
std::atomic<std::int64_t> last{0};
std::atomic<std::int64_t> made{0};

thread_local bool spared = false;
[[gnu::noinline]] bool& this_thread_is_spared() noexcept { return spared; }

/// The errno with which this call must fail, or 0.
int failure_of(LibcCall call) noexcept {
  if (failing_call.load(std::memory_order_acquire) != static_cast<int>(call)) return 0;
  if (this_thread_is_spared()) return 0;
  const std::int64_t number = made.fetch_add(1, std::memory_order_relaxed);
  return number >= first && number < last ? failing_error.load() : 0;
}

bool must_fail(LibcCall call) noexcept {
  const int error = failure_of(call);
  if (error != 0) errno = error;
  return error != 0;
}

/// The same for a transfer of a socket, which is as dead as the error says.
bool transfer_must_fail(LibcCall call, int fd) noexcept {
  const int error = failure_of(call);
  if (error == 0) return false;
  if (error == ECONNRESET || error == EPIPE || error == ETIMEDOUT) {
    ::syscall(SYS_shutdown, fd, SHUT_RDWR);
  }
  errno = error;
  return true;
}

constexpr std::array names{
    "accept4",      "bind",       "close",          "connect",    "epoll_create1", "epoll_ctl",
    "epoll_pwait2", "epoll_wait", "eventfd",        "fcntl",      "getpeername",   "getsockname",
    "getsockopt",   "listen",     "madvise",        "membarrier", "mmap",          "mprotect",
    "poll",         "ppoll",      "pthread_create", "pwritev2",   "read",          "readv",
    "recv",         "recvmsg",    "send",           "sendmsg",    "setsockopt",    "shutdown",
    "socket",       "write",      "writev"};
static_assert(names.size() == static_cast<std::size_t>(LibcCall::count_));

std::vector<int> errors_of(LibcCall call) {
  switch (call) {
    case LibcCall::accept4:
      return {EINTR,   ECONNABORTED, EPERM,    EPROTO,       EMFILE,   ENFILE,
              ENOBUFS, ENOMEM,       ENETDOWN, EHOSTUNREACH, ETIMEDOUT};
    case LibcCall::read:
    case LibcCall::readv:
    case LibcCall::recv:
    case LibcCall::recvmsg:
      return {EINTR, ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH};
    case LibcCall::send:
    case LibcCall::sendmsg:
    case LibcCall::writev:
      return {EINTR, ECONNRESET, EPIPE, ENOBUFS, ENOMEM, EHOSTUNREACH};
    case LibcCall::pwritev2:
      return {EINTR, EOPNOTSUPP, ENOSYS, EPIPE};
    case LibcCall::write:
      return {EINTR, EAGAIN};
    case LibcCall::epoll_create1:
    case LibcCall::eventfd:
      return {EMFILE, ENFILE, ENOMEM};
    case LibcCall::socket:
      return {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES};
    case LibcCall::epoll_ctl:
      return {ENOMEM, ENOSPC};
    case LibcCall::epoll_wait:
    case LibcCall::epoll_pwait2:
      return {EINTR};
    case LibcCall::poll:
    case LibcCall::ppoll:
      return {EINTR, ENOMEM};
    case LibcCall::connect:
      return {EINTR, ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, EPERM};
    case LibcCall::bind:
    case LibcCall::listen:
      return {EADDRINUSE, EACCES, ENOMEM};
    case LibcCall::getsockopt:
    case LibcCall::setsockopt:
      return {ENOBUFS, ENOMEM, ENOPROTOOPT};
    case LibcCall::getsockname:
    case LibcCall::getpeername:
    case LibcCall::shutdown:
      return {ENOBUFS, ENOTCONN};
    case LibcCall::close:
      return {EINTR, EIO};
    case LibcCall::mmap:
    case LibcCall::mprotect:
      return {ENOMEM, EAGAIN};
    case LibcCall::madvise:
      return {ENOMEM, EAGAIN, EINVAL};
    case LibcCall::pthread_create:
      return {EAGAIN, EPERM};
    default:
      return {EPERM};
  }
}

/// The C library's own function, or that of a sanitizer before it.
template <class Function>
Function* next_of(const char* name, Function* of_sanitizer) noexcept {
  if (of_sanitizer != nullptr) return of_sanitizer;
  void* const found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function*>(found);
}

}  // namespace

const char* name_of(LibcCall call) noexcept { return names[static_cast<std::size_t>(call)]; }

std::string to_string(const Failing& failing) {
  std::string text(name_of(failing.call));
  text.append(" fails with ").append(::strerrorname_np(failing.error));
  text.append(" after ").append(std::to_string(failing.successes));
  if (failing.times != 1) text.append(", ").append(std::to_string(failing.times)).append(" times");
  return text;
}

void begin_failures(const Failing& failing) noexcept {
  made = 0;
  failing_error = failing.error;
  first = failing.successes;
  last = failing.successes + failing.times;
  failing_call.store(static_cast<int>(failing.call), std::memory_order_release);
}

std::int64_t end_failures() noexcept {
  failing_call.store(-1, std::memory_order_release);
  const std::int64_t all = made;
  return all <= first ? 0 : (all < last ? all : last.load()) - first;
}

std::int64_t calls_made() noexcept { return made; }

std::vector<int> errors_to_try(LibcCall call, std::uint64_t seed) {
  std::vector<int> all = errors_of(call);
  if (is_wide()) return all;
  return {all[seed % all.size()]};
}

bool is_harmless(const Failing& failing) noexcept {
  if (failing.error == EINTR) return true;
  switch (failing.call) {
    case LibcCall::accept4:  // of a server: it tries again
    case LibcCall::close:
    case LibcCall::epoll_wait:
    case LibcCall::epoll_pwait2:
    case LibcCall::madvise:
    case LibcCall::membarrier:
    case LibcCall::write:  // of a wake-up
      return true;
    default:
      return false;
  }
}

void spare_this_thread() noexcept { this_thread_is_spared() = true; }

}  // namespace weft::test

using weft::test::LibcCall;

// WEFT_NEXT(name): the function that the one below stands before.
#define WEFT_NEXT(name)                                                                           \
  ([]() noexcept {                                                                                \
    static const auto next = weft::test::next_of<decltype(::name)>(#name, &__interceptor_##name); \
    return next;                                                                                  \
  }())

// WEFT_FAILING(name, parameters, arguments): a function that fails with -1, or goes on to the next.
#define WEFT_FAILING(result, name, parameters, arguments) \
  [[gnu::weak]] decltype(::name) __interceptor_##name;    \
  result name parameters {                                \
    if (weft::test::must_fail(LibcCall::name)) return -1; \
    return WEFT_NEXT(name) arguments;                     \
  }

#define WEFT_FAILING_TRANSFER(name, parameters, arguments)             \
  [[gnu::weak]] decltype(::name) __interceptor_##name;                 \
  ssize_t name parameters {                                            \
    if (weft::test::transfer_must_fail(LibcCall::name, fd)) return -1; \
    return WEFT_NEXT(name) arguments;                                  \
  }

extern "C" {

WEFT_FAILING(int, accept4, (int fd, sockaddr* address, socklen_t* size, int flags),
             (fd, address, size, flags))
WEFT_FAILING(int, bind, (int fd, const sockaddr* address, socklen_t size) noexcept,
             (fd, address, size))
WEFT_FAILING(int, epoll_create1, (int flags) noexcept, (flags))
WEFT_FAILING(int, epoll_ctl, (int set, int what, int fd, epoll_event* event) noexcept,
             (set, what, fd, event))
WEFT_FAILING(int, epoll_pwait2,
             (int set, epoll_event* events, int room, const timespec* limit, const sigset_t* mask),
             (set, events, room, limit, mask))
WEFT_FAILING(int, epoll_wait, (int set, epoll_event* events, int room, int limit),
             (set, events, room, limit))
WEFT_FAILING(int, eventfd, (unsigned count, int flags) noexcept, (count, flags))
WEFT_FAILING(int, getpeername, (int fd, sockaddr* address, socklen_t* size) noexcept,
             (fd, address, size))
WEFT_FAILING(int, getsockname, (int fd, sockaddr* address, socklen_t* size) noexcept,
             (fd, address, size))
WEFT_FAILING(int, getsockopt, (int fd, int level, int name, void* value, socklen_t* size) noexcept,
             (fd, level, name, value, size))
WEFT_FAILING(int, listen, (int fd, int backlog) noexcept, (fd, backlog))
WEFT_FAILING(int, madvise, (void* pages, std::size_t size, int advice) noexcept,
             (pages, size, advice))
WEFT_FAILING(int, mprotect, (void* pages, std::size_t size, int access) noexcept,
             (pages, size, access))
WEFT_FAILING(int, poll, (pollfd * handles, nfds_t count, int limit), (handles, count, limit))
WEFT_FAILING(int, ppoll,
             (pollfd * handles, nfds_t count, const timespec* limit, const sigset_t* mask),
             (handles, count, limit, mask))
WEFT_FAILING_TRANSFER(pwritev2, (int fd, const iovec* parts, int count, off_t at, int flags),
                      (fd, parts, count, at, flags))
WEFT_FAILING_TRANSFER(read, (int fd, void* room, std::size_t size), (fd, room, size))
WEFT_FAILING_TRANSFER(readv, (int fd, const iovec* parts, int count), (fd, parts, count))
WEFT_FAILING_TRANSFER(recv, (int fd, void* room, std::size_t size, int flags),
                      (fd, room, size, flags))
WEFT_FAILING_TRANSFER(recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags))
WEFT_FAILING_TRANSFER(send, (int fd, const void* bytes, std::size_t size, int flags),
                      (fd, bytes, size, flags))
WEFT_FAILING_TRANSFER(sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags))
WEFT_FAILING(int, setsockopt,
             (int fd, int level, int name, const void* value, socklen_t size) noexcept,
             (fd, level, name, value, size))
WEFT_FAILING(int, shutdown, (int fd, int how) noexcept, (fd, how))
WEFT_FAILING(int, socket, (int domain, int type, int protocol) noexcept, (domain, type, protocol))
WEFT_FAILING_TRANSFER(write, (int fd, const void* bytes, std::size_t size), (fd, bytes, size))
WEFT_FAILING_TRANSFER(writev, (int fd, const iovec* parts, int count), (fd, parts, count))

[[gnu::weak]] decltype(::close) __interceptor_close;
int close(int fd) {
  const int result = WEFT_NEXT(close)(fd);
  return weft::test::must_fail(LibcCall::close) ? -1 : result;
}

// An interrupted connect goes on.
[[gnu::weak]] decltype(::connect) __interceptor_connect;
int connect(int fd, const sockaddr* address, socklen_t size) {
  const int error = weft::test::failure_of(LibcCall::connect);
  const int result = error == 0 || error == EINTR ? WEFT_NEXT(connect)(fd, address, size) : -1;
  if (error == 0) return result;
  errno = error;
  return -1;
}

[[gnu::weak]] decltype(::fcntl) __interceptor_fcntl;
int fcntl(int fd, int command, ...) {
  std::va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  if (weft::test::must_fail(LibcCall::fcntl)) return -1;
  return WEFT_NEXT(fcntl)(fd, command, argument);
}

[[gnu::weak]] decltype(::mmap) __interceptor_mmap;
void* mmap(void* at, std::size_t size, int access, int flags, int fd, off_t offset) noexcept {
  if (weft::test::must_fail(LibcCall::mmap)) return MAP_FAILED;
  return WEFT_NEXT(mmap)(at, size, access, flags, fd, offset);
}

[[gnu::weak]] decltype(::pthread_create) __interceptor_pthread_create;
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) noexcept {
  if (const int error = weft::test::failure_of(LibcCall::pthread_create); error != 0) return error;
  return WEFT_NEXT(pthread_create)(thread, attributes, run, argument);
}

[[gnu::weak]] decltype(::syscall) __interceptor_syscall;
long syscall(long number, ...) noexcept {
  std::array<long, 6> arguments{};
  std::va_list rest;
  va_start(rest, number);
  for (long& argument : arguments) argument = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_membarrier && weft::test::must_fail(LibcCall::membarrier)) return -1;
  const auto& [a, b, c, d, e, f] = arguments;
  return WEFT_NEXT(syscall)(number, a, b, c, d, e, f);
}

}  // extern "C"
