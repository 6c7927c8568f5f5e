// TinyQueue: an event queue on epoll, small enough to be read in one go. Chapter 4 of the guide
// builds it, chapter 10 runs coroutines on it. One thread at a time uses it, but for wake(), which
// any thread may call.
#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

// [types]
/// What a handle is watched for, and what of it is true.
struct Ready {
  bool readable = false;
  bool writable = false;
};

struct TinyEvent {
  std::uint64_t token = 0;  ///< given to add(): the user's name for the handle
  Ready ready;
};
// [/types]

class TinyQueue {
 public:
  // [create]
  TinyQueue()
      : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        wake_(checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {
    add(wake_, wake_token, {.readable = true});
  }
  ~TinyQueue() {
    close(wake_);
    close(epoll_);
  }
  TinyQueue(const TinyQueue&) = delete;
  TinyQueue& operator=(const TinyQueue&) = delete;
  // [/create]

  // [register]
  /// Watches `fd` until remove(), level-triggered.
  void add(int fd, std::uint64_t token, Ready interest) {
    control(EPOLL_CTL_ADD, fd, token, interest);
  }
  /// Watches it for something else from now on.
  void modify(int fd, std::uint64_t token, Ready interest) {
    control(EPOLL_CTL_MOD, fd, token, interest);
  }
  /// To be called before `fd` is closed.
  void remove(int fd) { checked(epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr), "epoll_ctl"); }
  // [/register]

  // [wait]
  /// Sleeps until something is ready, wake() was called or the time is over (negative: no limit);
  /// gives what is ready. Valid until the next wait().
  std::span<const TinyEvent> wait(int timeout_ms = -1) {
    std::array<epoll_event, room> found;
    int count = 0;
    do {
      count = epoll_wait(epoll_, found.data(), room, timeout_ms);
    } while (count < 0 && errno == EINTR);
    checked(count, "epoll_wait");
    std::size_t genuine = 0;
    for (const epoll_event& event : std::span(found).first(static_cast<std::size_t>(count))) {
      if (event.data.u64 == wake_token) {
        std::uint64_t wakes = 0;
        static_cast<void>(read(wake_, &wakes, sizeof wakes));  // all that have come since; now none
        continue;
      }
      // An error or a hang-up is reported as both: the next call returns the reason.
      const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
      events_[genuine++] = {event.data.u64,
                            {.readable = failed || (event.events & EPOLLIN) != 0,
                             .writable = failed || (event.events & EPOLLOUT) != 0}};
    }
    return std::span(events_).first(genuine);
  }
  // [/wait]

  // [wake]
  /// Ends the wait() that is under way, or else the next one. Any thread.
  void wake() {
    const std::uint64_t one = 1;
    static_cast<void>(write(wake_, &one, sizeof one));  // full: then it is readable anyway
  }
  // [/wake]

 private:
  // [control]
  static constexpr std::uint64_t wake_token = ~std::uint64_t{0};
  static constexpr int room = 64;

  static int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
  }

  void control(int operation, int fd, std::uint64_t token, Ready interest) {
    epoll_event event{.events = 0, .data = {.u64 = token}};
    if (interest.readable) event.events |= EPOLLIN;
    if (interest.writable) event.events |= EPOLLOUT;
    checked(epoll_ctl(epoll_, operation, fd, &event), "epoll_ctl");
  }
  // [/control]

  int epoll_;
  int wake_;
  std::array<TinyEvent, room> events_;
};
