// A runtime that is stepped by an epoll loop: its handle is watched like any other.
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <span>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [loop]
/// The program's own loop.
class EpollLoop {
 public:
  EpollLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~EpollLoop() { close(epoll_); }
  EpollLoop(const EpollLoop&) = delete;
  EpollLoop& operator=(const EpollLoop&) = delete;

  void watch(int fd) const {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  /// Waits at most so long (no value: for ever), and gives the handles that are readable.
  std::span<const epoll_event> wait(std::optional<std::chrono::nanoseconds> limit) {
    // Rounded up: rounded down, it would turn a millisecond long without a wait.
    const int ms = limit ? static_cast<int>(std::chrono::ceil<milliseconds>(*limit).count()) : -1;
    const int count = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), ms);
    return std::span(events_).first(count > 0 ? static_cast<std::size_t>(count) : 0);
  }

 private:
  int epoll_;
  std::array<epoll_event, 8> events_{};
};
// [/loop]

weft::Task<void> talk(int& spoken) {
  for (; spoken < 3; ++spoken) {
    co_await weft::sleep_for(milliseconds(40));
  }
}

int main() {
  // [main]
  const int ticks = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);  // the loop's own handle
  const itimerspec every{.it_interval = {.tv_sec = 0, .tv_nsec = 50'000'000},
                         .it_value = {.tv_sec = 0, .tv_nsec = 60'000'000}};
  timerfd_settime(ticks, 0, &every, nullptr);

  weft::RuntimeOptions options;
  options.current_thread = true;
  weft::Runtime runtime(options);
  int spoken = 0;
  runtime.spawn(talk, std::ref(spoken)).detach();

  EpollLoop loop;
  loop.watch(ticks);
  loop.watch(runtime.native_handle());
  int ticked = 0;
  int turns = 0;
  while (spoken < 3 || ticked < 2) {
    const auto next = runtime.poll();
    ++turns;
    for (const epoll_event& event : loop.wait(next)) {
      std::uint64_t times = 0;
      // The runtime's handle is not read from: poll() does what it is readable for.
      if (event.data.fd == ticks && read(ticks, &times, sizeof times) == sizeof times) ++ticked;
    }
  }
  std::printf("the task has slept %d times, and the loop has ticked\n", spoken);
  std::printf("%s\n", turns < 30 ? "it slept in between" : "it turned all the time");
  close(ticks);
  // [/main]
}
