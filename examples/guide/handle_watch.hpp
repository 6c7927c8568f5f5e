// HandleWatch: a reactor in small, and a leaf future for it, in the poll style. Any executor may
// poll the future.
#pragma once

#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <weft/future.hpp>

#include "tiny_queue.hpp"

/// Watches handles on a thread of its own, and wakes what waits for them.
class HandleWatch {
 public:
  /// Which waker is kept if a future is polled again. `first` is wrong.
  enum class Keeps { latest, first };

  explicit HandleWatch(Keeps keeps = Keeps::latest) : keeps_(keeps) {}
  ~HandleWatch() {
    thread_.request_stop();
    queue_.wake();
  }

  // [future]
  /// The leaf: ready once `fd` is readable. One at a time for each handle.
  class Readable {
   public:
    Readable(HandleWatch& watch, int fd) noexcept : watch_(&watch), fd_(fd) {}
    Readable(Readable&& other) noexcept
        : watch_(std::exchange(other.watch_, nullptr)), fd_(other.fd_) {}
    ~Readable() {
      if (watch_ != nullptr) watch_->forget(fd_);  // dropped: that is the cancel
    }

    weft::Poll<void> poll(weft::Context& cx) {
      if (!watch_->is_ready(fd_, cx.waker())) return weft::Pending();
      return weft::Poll<void>::ready();
    }

   private:
    HandleWatch* watch_;
    int fd_;
  };
  [[nodiscard]] Readable readable(int fd) noexcept { return {*this, fd}; }
  // [/future]

 private:
  struct Wait {
    weft::Waker waker;
    bool is_ready = false;
  };

  // [leave]
  /// Looks, and leaves the waker, under one lock.
  bool is_ready(int fd, const weft::Waker& waker) {
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = waits_.try_emplace(fd);
    Wait& wait = found->second;
    if (wait.is_ready) return true;
    if (is_new || keeps_ == Keeps::latest) wait.waker = waker;
    if (is_new) queue_.add(fd, static_cast<std::uint64_t>(fd), {.readable = true});
    return false;
  }
  // [/leave]

  // [progress]
  /// The side that makes progress: notes it, and then wakes.
  void turn() {
    for (const TinyEvent& event : queue_.wait()) note_ready(static_cast<int>(event.token)).wake();
  }

  weft::Waker note_ready(int fd) {
    const std::lock_guard lock(mutex_);
    const auto found = waits_.find(fd);
    if (found == waits_.end() || found->second.is_ready) return {};  // forgotten meanwhile
    queue_.remove(fd);
    found->second.is_ready = true;
    return std::move(found->second.waker);
  }
  // [/progress]

  // [forget]
  void forget(int fd) {
    const std::lock_guard lock(mutex_);
    const auto found = waits_.find(fd);
    if (found == waits_.end()) return;  // never polled
    if (!found->second.is_ready) queue_.remove(fd);
    waits_.erase(found);
  }
  // [/forget]

  Keeps keeps_;
  std::mutex mutex_;
  std::map<int, Wait> waits_;  // guarded by mutex_
  TinyQueue queue_;
  std::jthread thread_{[this](const std::stop_token& stop) {
    while (!stop.stop_requested()) turn();
  }};
};
