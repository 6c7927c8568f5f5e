// Poller and Registry: the second event queue of chapter 4. Edge-triggered, with generations, and
// in two parts: what one thread does (wait for events), and what any thread may do (register,
// wake).
#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <system_error>
#include <vector>

#include "tiny_queue.hpp"  // Ready, TinyEvent

// [class]
/// What is watched. Any thread may use it, also while another one waits.
class Registry {
 public:
  // [/class]
  // [create]
  Registry()
      : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        wake_(checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {
    // Edge-triggered, and never read: each write is a new edge.
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = wake_name}};
    checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), "epoll_ctl");
  }
  ~Registry() {
    close(wake_);
    close(epoll_);
  }
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  // [/create]

  // [register]
  /// Watches `fd` until remove(), edge-triggered: after an event, go on until EAGAIN.
  void add(int fd, std::uint64_t token, Ready interest) {
    const std::lock_guard lock(mutex_);  // an event that comes at once finds the new entry
    Entry& entry = entry_of(fd);
    const Entry next{.generation = entry.generation + 1, .token = token};
    epoll_event event{.events = EPOLLET, .data = {.u64 = name_of(fd, next)}};
    if (interest.readable) event.events |= EPOLLIN | EPOLLRDHUP;
    if (interest.writable) event.events |= EPOLLOUT;
    checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    entry = next;  // not before: if the call fails, what was registered stays
  }
  /// To be called before `fd` is closed. No event of it is handed out from now on.
  void remove(int fd) {
    const std::lock_guard lock(mutex_);
    ++entry_of(fd).generation;
    checked(epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr), "epoll_ctl");
  }
  // [/register]

  // [wake]
  /// Ends the wait that is under way, or else the next one.
  void wake() {
    const std::uint64_t one = 1;
    static_cast<void>(write(wake_, &one, sizeof one));
  }
  // [/wake]

 private:
  // [private]
  friend class Poller;  // waits at epoll_, and asks token_of()
  static constexpr std::uint64_t wake_name = ~std::uint64_t{0};

  static int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
  }
  // [/private]

  // [generations]
  struct Entry {
    std::uint32_t generation = 0;
    std::uint64_t token = 0;
  };

  /// To be called with the lock held.
  Entry& entry_of(int fd) {
    if (fd < 0) throw std::system_error(EBADF, std::generic_category(), "Registry");
    const auto number = static_cast<std::size_t>(fd);
    if (entries_.size() <= number) entries_.resize(number + 1);
    return entries_[number];
  }

  /// What epoll is given: the generation in the upper half, the handle's number in the lower.
  static std::uint64_t name_of(int fd, Entry entry) {
    return std::uint64_t{entry.generation} << 32 | static_cast<std::uint32_t>(fd);
  }

  /// The token of a name, unless its registration has been removed or replaced.
  std::optional<std::uint64_t> token_of(std::uint64_t name) {
    const auto number = static_cast<std::uint32_t>(name);
    const auto generation = static_cast<std::uint32_t>(name >> 32);
    const std::lock_guard lock(mutex_);
    if (entries_[number].generation != generation) return std::nullopt;  // stale
    return entries_[number].token;
  }
  // [/generations]

  int epoll_;
  int wake_;
  std::mutex mutex_;
  std::vector<Entry> entries_;  // by the handle's number; guarded by mutex_
};

// [poller]
/// Waits for what a registry watches. One thread at a time.
class Poller {
 public:
  [[nodiscard]] Registry& registry() { return registry_; }

  /// Sleeps until something is ready, a wake() or the end of the time (negative: no limit). What is
  /// ready is the batch that next() hands out. Gives whether the kernel reported anything. That is
  /// true after a wake() as well, or if all of it is stale by now; then next() gives nothing.
  bool wait(int timeout_ms = -1) {
    at_ = 0;
    do {
      count_ = epoll_wait(registry_.epoll_, batch_.data(), room, timeout_ms);
    } while (count_ < 0 && errno == EINTR);
    return Registry::checked(count_, "epoll_wait") > 0;
  }

  /// The next event of the batch that is not stale. Asked event by event: handling one may make
  /// the next one stale.
  std::optional<TinyEvent> next() {
    while (at_ < count_) {
      const epoll_event event = batch_[static_cast<std::size_t>(at_++)];
      if (event.data.u64 == Registry::wake_name) continue;
      const std::optional<std::uint64_t> token = registry_.token_of(event.data.u64);
      if (!token) continue;
      const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
      return TinyEvent{*token,
                       {.readable = failed || (event.events & (EPOLLIN | EPOLLRDHUP)) != 0,
                        .writable = failed || (event.events & EPOLLOUT) != 0}};
    }
    return std::nullopt;
  }

 private:
  static constexpr int room = 64;
  Registry registry_;
  std::array<epoll_event, room> batch_;
  int count_ = 0;
  int at_ = 0;
};
// [/poller]
