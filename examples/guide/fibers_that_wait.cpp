// Three fibers read from handles to which nothing comes for 30 ms: once they ask again and again,
// once they wait in the runtime's poll().
#include "fiber_runtime.hpp"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>

namespace {

FiberRuntime runtime;

// [asking]
/// Fills `buffer` from `fd`, which must be non-blocking. Asks again and again.
ssize_t read_by_asking(int fd, void* buffer, std::size_t size) {
  for (;;) {
    const ssize_t count = read(fd, buffer, size);
    if (count >= 0 || errno != EAGAIN) return count;
    runtime.yield();
  }
}
// [/asking]

// [waiting]
ssize_t read_by_waiting(int fd, void* buffer, std::size_t size) {
  for (;;) {
    const ssize_t count = read(fd, buffer, size);
    if (count >= 0 || errno != EAGAIN) return count;
    runtime.wait_readable(fd);
  }
}
// [/waiting]

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// [timer]
/// A handle of the kernel that becomes readable once, after some milliseconds.
int timer_after(long ms) {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const itimerspec after{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = ms * 1'000'000}};
  timerfd_settime(fd, 0, &after, nullptr);
  return fd;
}

void measure(const char* title, ssize_t (*read_some)(int, void*, std::size_t)) {
  const double cpu_before = cpu_ms();
  const long switches_before = runtime.switches();
  int woken = 0;
  for (int i = 0; i < 3; ++i) {
    runtime.spawn([&woken, read_some] {
      const int timer = timer_after(30);
      std::uint64_t expirations = 0;
      if (read_some(timer, &expirations, sizeof expirations) > 0) ++woken;
      close(timer);
    });
  }
  runtime.run();
  std::printf("%s %d fibers woken, %6ld switches, %4.1f ms of CPU\n", title, woken,
              runtime.switches() - switches_before, cpu_ms() - cpu_before);
}
// [/timer]

}  // namespace

int main() {
  measure("asking: ", read_by_asking);
  measure("waiting:", read_by_waiting);
}
