// When does epoll report? Level, edge and one-shot on a real pipe, with the same four steps each.
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>

#include "pipe.hpp"

/// Whether epoll reports the pipe at this moment; never waits.
const char* reported(int epoll) {
  epoll_event event{};
  return epoll_wait(epoll, &event, 1, 0) == 1 ? "reported" : "-";
}

// [steps]
void watch(const char* name, std::uint32_t trigger) {
  const Pipe pipe;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN | trigger, .data = {.fd = pipe.reader()}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, pipe.reader(), &event);

  std::array<const char*, 4> steps{};
  pipe.put("ab");
  steps[0] = reported(epoll);  // two bytes have come
  static_cast<void>(pipe.take());
  steps[1] = reported(epoll);  // one was taken, one is left
  pipe.put("c");
  steps[2] = reported(epoll);  // one more has come
  epoll_ctl(epoll, EPOLL_CTL_MOD, pipe.reader(), &event);
  steps[3] = reported(epoll);  // armed again

  std::printf("%-10s %-10s %-10s %-10s %-10s\n", name, steps[0], steps[1], steps[2], steps[3]);
  close(epoll);
}
// [/steps]

int main() {
  std::printf("%-10s %-10s %-10s %-10s %-10s\n", "", "2 came", "1 is left", "1 more", "armed");
  watch("level", 0);
  watch("edge", EPOLLET);
  watch("one-shot", EPOLLONESHOT);
}
