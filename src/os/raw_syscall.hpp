// The transfers of the hot path as bare system calls: the result or -errno, with no errno in
// between, no thread cancellation point and no function to return from. Used by Syscalls alone.
//
// Why: on this path the C library's wrapper costs as much as what surrounds it. A return address
// that the kernel's entry has pushed out of the processor's return stack is mispredicted, so each
// level of call above a system call costs; docs/decisions/007-short-way-to-the-kernel.md has the
// figures. And as nothing here is thread-local it may be inlined anywhere.
//
// Under a sanitizer the library's functions are called: it must see what the kernel reads and
// writes. So too on other processors and systems.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEFT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define WEFT_SANITIZED 1
#endif
#endif

#if defined(__linux__) && defined(__x86_64__) && defined(__LP64__) && !defined(WEFT_SANITIZED)
#include <sys/syscall.h>
#define WEFT_BARE_SYSTEM_CALLS 1
#endif

namespace weft {

#ifdef WEFT_BARE_SYSTEM_CALLS

/// syscall(2), "Architecture calling conventions": x86-64.
[[gnu::always_inline]] inline std::int64_t raw_syscall(long number, long a, long b, long c,
                                                       long d = 0, long e = 0,
                                                       long f = 0) noexcept {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long result = number;
  // "memory": the kernel reads and writes the caller's buffers.
  asm volatile("syscall"
               : "+a"(result)
               : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

[[gnu::always_inline]] inline std::int64_t raw_read(int fd, void* data, std::size_t size) noexcept {
  return raw_syscall(SYS_read, fd, reinterpret_cast<long>(data), static_cast<long>(size));
}

[[gnu::always_inline]] inline std::int64_t raw_send(int socket, const void* data, std::size_t size,
                                                    int flags) noexcept {
  return raw_syscall(SYS_sendto, socket, reinterpret_cast<long>(data), static_cast<long>(size),
                     flags);
}

[[gnu::always_inline]] inline std::int64_t raw_recv(int socket, void* data, std::size_t size,
                                                    int flags) noexcept {
  return raw_syscall(SYS_recvfrom, socket, reinterpret_cast<long>(data), static_cast<long>(size),
                     flags);
}

[[gnu::always_inline]] inline std::int64_t raw_epoll_pwait2(int epoll, epoll_event* events,
                                                            int room,
                                                            const timespec* timeout) noexcept {
  return raw_syscall(SYS_epoll_pwait2, epoll, reinterpret_cast<long>(events), room,
                     reinterpret_cast<long>(timeout));
}

#else

inline std::int64_t raw_read(int fd, void* data, std::size_t size) noexcept {
  const std::int64_t result = ::read(fd, data, size);
  return result >= 0 ? result : -errno;
}

inline std::int64_t raw_send(int socket, const void* data, std::size_t size, int flags) noexcept {
  const std::int64_t result = ::send(socket, data, size, flags);
  return result >= 0 ? result : -errno;
}

inline std::int64_t raw_recv(int socket, void* data, std::size_t size, int flags) noexcept {
  const std::int64_t result = ::recv(socket, data, size, flags);
  return result >= 0 ? result : -errno;
}

inline std::int64_t raw_epoll_pwait2(int epoll, epoll_event* events, int room,
                                     const timespec* timeout) noexcept {
  const std::int64_t result = ::epoll_pwait2(epoll, events, room, timeout, nullptr);
  return result >= 0 ? result : -errno;
}

#endif

}  // namespace weft
