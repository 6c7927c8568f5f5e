// Solution: a wait with a limit that signals interrupt, and that ends in time. Beside it
// the one that begins anew each time.
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>

#include "../guide/pipe.hpp"

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

int signals_left = 0;

void set_timer(int every_us) {
  const timeval every{.tv_sec = 0, .tv_usec = every_us};
  const itimerval timer{.it_interval = every, .it_value = every};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

/// A signal every 5 ms; the last one switches them off.
extern "C" void on_signal(int) {
  const int saved = errno;
  if (--signals_left == 0) set_timer(0);
  errno = saved;
}

// [naive]
int interruptions = 0;

/// Waits until `fd` is readable. Wrong: after a signal the limit begins anew.
bool wait_readable_naively(int fd, milliseconds limit) {
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  int count = 0;
  while ((count = poll(&ready, 1, static_cast<int>(limit.count()))) < 0 && errno == EINTR) {
    ++interruptions;
  }
  return count == 1;
}
// [/naive]

// [deadline]
/// Waits until `fd` is readable, until the deadline at most.
bool wait_readable_until(int fd, Clock::time_point deadline) {
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  for (;;) {
    // Rounded up: a wait that ends a fraction too early would only be made again.
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    const int count = poll(&ready, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    if (count >= 0) return count == 1;
    if (errno != EINTR) return false;
    ++interruptions;
  }
}
// [/deadline]

/// Nothing ever comes on the pipe, and 60 signals come in 300 ms.
template <class Wait>
void measure(const char* name, Wait wait) {
  const Pipe pipe;
  interruptions = 0;
  signals_left = 60;
  set_timer(5'000);
  const auto begin = Clock::now();
  const bool readable = wait(pipe.reader());
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
  set_timer(0);
  std::printf("%-9s readable: %s, after %3d ms and %2d signals\n", name, readable ? "yes" : "no",
              static_cast<int>(took.count()), interruptions);
}

int main() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigaction(SIGALRM, &action, nullptr);
  measure("limit", [](int fd) { return wait_readable_naively(fd, milliseconds(50)); });
  measure("deadline",
          [](int fd) { return wait_readable_until(fd, Clock::now() + milliseconds(50)); });
}
