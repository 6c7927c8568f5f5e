// The C library's functions through which weft asks the system, failing when they are told to: of
// the whole program, the library unmodified. For the tests in this folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weft::test {

enum class LibcCall : std::uint8_t {
  accept4,
  bind,
  close,  ///< Closes, and then fails, as the system does.
  connect,
  epoll_create1,
  epoll_ctl,
  epoll_pwait2,
  epoll_wait,
  eventfd,
  fcntl,
  getpeername,
  getsockname,
  getsockopt,
  listen,
  madvise,
  membarrier,
  mmap,
  mprotect,
  poll,
  ppoll,
  pthread_create,
  pwritev2,
  read,
  readv,
  recv,
  recvmsg,
  send,
  sendmsg,
  setsockopt,
  shutdown,
  socket,
  write,
  writev,
  count_,
};

[[nodiscard]] const char* name_of(LibcCall call) noexcept;

/// The `times` calls after `successes` others, on any thread, fail.
struct Failing {
  LibcCall call;
  int error;
  std::int64_t successes = 0;
  std::int64_t times = 1;
};
[[nodiscard]] std::string to_string(const Failing& failing);

/// One at a time.
void begin_failures(const Failing& failing) noexcept;
/// From now on none fails. How many have failed.
std::int64_t end_failures() noexcept;
/// How many calls of that kind there were since begin_failures(), or up to end_failures().
[[nodiscard]] std::int64_t calls_made() noexcept;

/// What the manual pages give as errors of such a call that a program can meet; in a short run one
/// of them. Not EAGAIN where it means "wait": the system gives it only if an event will come.
[[nodiscard]] std::vector<int> errors_to_try(LibcCall call, std::uint64_t seed);
/// Whether such a failure must not be noticed, as there is another way.
[[nodiscard]] bool is_harmless(const Failing& failing) noexcept;

/// The calls of this thread are made as usual, and not counted: of the test's own peers.
void spare_this_thread() noexcept;

}  // namespace weft::test
