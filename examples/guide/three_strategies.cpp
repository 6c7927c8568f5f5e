// One byte arrives after a while. Three ways to wait for it: block, poll, event queue.
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>

#include "pipe.hpp"
#include "stopwatch.hpp"

/// Each gives how many system calls it made to get the byte.
// [block]
long block(int fd) {
  char byte = 0;
  return read(fd, &byte, 1) == 1 ? 1 : -1;  // the thread sleeps inside
}
// [/block]

// [poll]
long poll(int fd) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  char byte = 0;
  long calls = 2;
  while (read(fd, &byte, 1) < 0 && errno == EAGAIN) ++calls;  // "not yet", "not yet", …
  return calls;
}
// [/poll]

// [queue]
long event_queue(int fd) {
  const int queue = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event);  // 1: say what to watch, once
  epoll_wait(queue, &event, 1, -1);             // 2: sleep until something is ready
  char byte = 0;
  const bool got = read(event.data.fd, &byte, 1) == 1;  // 3: it will not block
  close(queue);
  return got ? 5 : -1;
}
// [/queue]

void measure(const char* name, long (*strategy)(int)) {
  const Pipe pipe;
  const std::jthread peer([&pipe] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // a slow peer
    pipe.put("!");
  });
  const Stopwatch watch;
  const long calls = strategy(pipe.reader());
  std::printf("%-12s %8.3f s %8.3f s %14ld\n", name, watch.wall_s(), watch.cpu_s(), calls);
}

int main() {
  std::printf("%-12s %10s %10s %14s\n", "", "wall", "CPU", "system calls");
  measure("block", block);
  measure("poll", poll);
  measure("event queue", event_queue);
}
