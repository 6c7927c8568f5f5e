// Watcher: a thread that wakes futures whose handle is readable. For the guide's chapter on
// futures.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>
#include <weft/future.hpp>

#include "delay_peer.hpp"

// [watcher]
/// A thread that sleeps in poll(2) for all handles that futures wait for. Wakes each waker once, as
/// soon as its handle is readable. Its functions are for any thread.
class Watcher {
 public:
  Watcher() : changed_(checked(eventfd(0, EFD_CLOEXEC), "eventfd")), thread_([this] { run(); }) {}
  ~Watcher() {
    watch(-1, weft::Waker());  // no such handle: the sign to end
    thread_.join();
    close(changed_);
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void watch(int fd, weft::Waker waker) {
    {
      const std::lock_guard lock(mutex_);
      waits_.push_back({fd, std::move(waker)});
    }
    const std::uint64_t one = 1;
    static_cast<void>(write(changed_, &one, sizeof one));  // out of its poll(), to look anew
  }

 private:
  struct Wait {
    int fd;
    weft::Waker waker;
  };

  void run() {
    std::vector<Wait> waits;
    for (;;) {
      std::vector<pollfd> handles{{changed_, POLLIN, 0}};
      for (const Wait& wait : waits) handles.push_back({wait.fd, POLLIN, 0});
      poll(handles.data(), handles.size(), -1);
      std::vector<Wait> kept;
      for (std::size_t i = 0; i < waits.size(); ++i) {
        if (handles[i + 1].revents == 0) {
          kept.push_back(std::move(waits[i]));
        } else {
          std::move(waits[i].waker).wake();
        }
      }
      waits = std::move(kept);
      if (handles[0].revents != 0 && !take_in(waits)) return;
    }
  }

  /// Gives false if it is to end.
  bool take_in(std::vector<Wait>& waits) {
    std::uint64_t changes = 0;
    static_cast<void>(read(changed_, &changes, sizeof changes));
    const std::lock_guard lock(mutex_);
    for (Wait& wait : std::exchange(waits_, {})) {
      if (wait.fd < 0) return false;
      waits.push_back(std::move(wait));
    }
    return true;
  }

  int changed_;
  std::mutex mutex_;
  std::vector<Wait> waits_;  // not yet taken in; guarded by mutex_
  std::thread thread_;
};
// [/watcher]

// [readable]
/// Ready when the handle is readable. It leaves its waker at its first poll in any case.
class Readable {
 public:
  Readable(Watcher& watcher, int fd) : watcher_(&watcher), fd_(fd) {}

  weft::Poll<void> poll(weft::Context& cx) {
    pollfd now{fd_, POLLIN, 0};
    if (asked_ && ::poll(&now, 1, 0) == 1) return weft::Poll<void>::ready();
    asked_ = true;
    watcher_->watch(fd_, cx.waker());
    return weft::Pending();
  }

 private:
  Watcher* watcher_;
  int fd_;
  bool asked_ = false;
};
// [/readable]
