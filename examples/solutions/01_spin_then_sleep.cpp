// Solution: a fourth way to wait, made of two. It asks again for 50 us, and sleeps in the event
// queue only if the byte has not come by then.
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "../guide/pipe.hpp"
#include "../guide/stopwatch.hpp"

// [wait]
struct Paid {
  bool got = false;
  int sleeps = 0;  // calls of epoll_wait
};

/// Waits for one byte on a non-blocking handle that `queue` watches.
Paid spin_then_sleep(int queue, int fd) {
  using Clock = std::chrono::steady_clock;
  Paid paid;
  char byte = 0;
  const auto enough = Clock::now() + std::chrono::microseconds(50);
  do {
    paid.got = read(fd, &byte, 1) == 1;
  } while (!paid.got && Clock::now() < enough);
  while (!paid.got) {
    epoll_event event{};
    epoll_wait(queue, &event, 1, -1);
    ++paid.sleeps;
    paid.got = read(fd, &byte, 1) == 1;
  }
  return paid;
}
// [/wait]

/// The byte comes after `delay`; it is there already if that is zero.
void measure(const char* name, std::chrono::milliseconds delay) {
  const Pipe pipe(O_NONBLOCK);
  const int queue = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.fd = pipe.reader()}};
  epoll_ctl(queue, EPOLL_CTL_ADD, pipe.reader(), &event);
  std::jthread peer([&pipe, delay] {
    std::this_thread::sleep_for(delay);
    pipe.put("!");
  });
  if (delay.count() == 0) peer.join();
  const Stopwatch watch;
  const Paid paid = spin_then_sleep(queue, pipe.reader());
  std::printf("%-18s got it: %s, slept %d times, CPU %.3f s\n", name, paid.got ? "yes" : "no",
              paid.sleeps, watch.cpu_s());
  close(queue);
}

int main() {
  measure("there already", std::chrono::milliseconds(0));
  measure("after 200 ms", std::chrono::milliseconds(200));
}
