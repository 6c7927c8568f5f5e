// Solution to exercise 3 of chapter 4: two threads wait at one queue. Edge-triggered, both may get
// the same connection; one-shot, the second gets it when the first has armed it again.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <semaphore>
#include <thread>

#include "../guide/pipe.hpp"

// [threads]
/// Two bytes come, the second while the first is being handled. Gives how many threads were in the
/// handler at once, at most.
int most_at_once(std::uint32_t trigger) {
  const Pipe connection;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN | trigger, .data = {.fd = connection.reader()}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, connection.reader(), &event);

  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> bytes = 0;
  std::binary_semaphore first_is_inside{0};
  std::binary_semaphore second_is_inside{0};
  const auto handle = [&] {
    most = std::max(most.load(), ++inside);
    static_cast<void>(connection.take());
    if (++bytes == 1) {
      first_is_inside.release();
      second_is_inside.try_acquire_for(std::chrono::milliseconds(300));  // long work
    } else {
      second_is_inside.release();
    }
    --inside;
    if (trigger == EPOLLONESHOT) {  // only now may another thread have it
      epoll_event again{.events = EPOLLIN | trigger, .data = {.fd = connection.reader()}};
      epoll_ctl(epoll, EPOLL_CTL_MOD, connection.reader(), &again);
    }
  };
  const auto work = [&] {
    epoll_event found{};
    while (bytes < 2) {
      if (epoll_wait(epoll, &found, 1, 20) == 1) handle();
    }
  };
  {
    const std::array<std::jthread, 2> threads{std::jthread(work), std::jthread(work)};
    connection.put("1");
    first_is_inside.acquire();
    connection.put("2");
  }
  close(epoll);
  return most;
}
// [/threads]

int main() {
  std::printf("edge-triggered: %d in the handler at once\n", most_at_once(EPOLLET));
  std::printf("one-shot:       %d in the handler at once\n", most_at_once(EPOLLONESHOT));
}
