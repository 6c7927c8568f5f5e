// poll(2) against epoll(7): what a wait costs if one of many handles is ready.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

// [handles]
/// Allows this process as many handles as the system lets it have; gives that number.
std::size_t raise_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;  // the soft limit may be raised up to the hard one
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

/// So many eventfds, of which the last one is readable.
class Handles {
 public:
  explicit Handles(std::size_t count) {
    while (fds_.size() < count) {
      const int fd = eventfd(0, EFD_CLOEXEC);
      if (fd < 0) break;
      fds_.push_back(fd);
    }
    const std::uint64_t one = 1;
    static_cast<void>(write(fds_.back(), &one, sizeof one));
  }
  ~Handles() {
    for (const int fd : fds_) close(fd);
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  [[nodiscard]] const std::vector<int>& fds() const { return fds_; }

 private:
  std::vector<int> fds_;
};
// [/handles]

// [waits]
using Clock = std::chrono::steady_clock;

/// The shortest of some waits, in microseconds.
template <class Wait>
double shortest_us(Wait wait) {
  double shortest = 1e9;
  for (int i = 0; i < 50; ++i) {
    const auto begin = Clock::now();
    if (wait() != 1) return -1;
    const std::chrono::duration<double, std::micro> took = Clock::now() - begin;
    shortest = std::min(shortest, took.count());
  }
  return shortest;
}

double poll_us(const std::vector<int>& fds) {
  std::vector<pollfd> list;
  for (const int fd : fds) list.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  return shortest_us([&] { return poll(list.data(), list.size(), -1); });
}

double epoll_us(const std::vector<int>& fds, double& registering_us) {
  const int queue = epoll_create1(EPOLL_CLOEXEC);
  const auto begin = Clock::now();
  for (const int fd : fds) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event);
  }
  const std::chrono::duration<double, std::micro> took = Clock::now() - begin;
  registering_us = took.count() / static_cast<double>(fds.size());
  epoll_event event{};
  const double wait = shortest_us([&] { return epoll_wait(queue, &event, 1, -1); });
  close(queue);
  return wait;
}
// [/waits]

int main() {
  const std::size_t limit = raise_limit();
  std::printf("this process may have %zu handles\n\n", limit);
  std::printf("%8s %12s %12s %22s\n", "handles", "poll", "epoll_wait", "epoll_ctl, each, once");
  for (const std::size_t wanted : {10U, 100U, 1'000U, 10'000U}) {
    const Handles handles(std::min<std::size_t>(wanted, limit - 16));  // some are in use
    double registering = 0;
    const double polling = poll_us(handles.fds());
    const double waiting = epoll_us(handles.fds(), registering);
    std::printf("%8zu %9.1f us %9.1f us %19.1f us\n", handles.fds().size(), polling, waiting,
                registering);
  }
}
