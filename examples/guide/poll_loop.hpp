// PollLoop: resumes coroutines whose handles are readable. For the guide's chapter on coroutines.
#pragma once

#include <poll.h>

#include <coroutine>
#include <cstddef>
#include <utility>
#include <vector>

// [loop]
/// Waits with poll(2) for all handles that coroutines wait for, and resumes those whose handle has
/// become readable. For one thread.
class PollLoop {
 public:
  class Readable {
   public:
    Readable(PollLoop& loop, int fd) : loop_(&loop), fd_(fd) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) { loop_->waits_.push_back({fd_, waiting}); }
    void await_resume() const noexcept {}

   private:
    PollLoop* loop_;
    int fd_;
  };
  [[nodiscard]] Readable readable(int fd) { return Readable(*this, fd); }

  /// Returns when no coroutine waits any more.
  void run() {
    while (!waits_.empty()) {
      std::vector<pollfd> handles;
      for (const Wait& wait : waits_) handles.push_back({wait.fd, POLLIN, 0});
      poll(handles.data(), handles.size(), -1);
      const std::vector<Wait> asked = std::exchange(waits_, {});
      std::vector<Wait> woken;
      for (std::size_t i = 0; i < asked.size(); ++i) {
        (handles[i].revents != 0 ? woken : waits_).push_back(asked[i]);
      }
      for (const Wait& wait : woken) wait.coroutine.resume();  // it may wait again
    }
  }

 private:
  struct Wait {
    int fd;
    std::coroutine_handle<> coroutine;
  };
  std::vector<Wait> waits_;
};
// [/loop]
