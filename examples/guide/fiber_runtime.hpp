// A runtime for fibers made by hand, in which a fiber waits for a handle and costs nothing
// meanwhile. For chapter 5 of the guide: one thread, one runtime.
#pragma once

#include "own_fiber.hpp"

#include <poll.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

// [runtime]
class FiberRuntime {
 public:
  void spawn(std::function<void()> function) {
    fibers_.push_back(std::make_unique<Fiber>(std::move(function)));
    ready_.push_back(fibers_.back().get());
  }

  /// Runs all fibers until each has ended.
  void run() {
    while (!fibers_.empty()) {
      poll_handles(ready_.empty() ? -1 : 0);
      run_one_round();
    }
  }

  // The rest is called from within a fiber.

  /// Lets the other ready fibers run, and then goes on.
  void yield() {
    ready_.push_back(running_);
    Fiber::yield();
  }

  /// Returns when `fd` is readable, or has an error to be read.
  void wait_readable(int fd) {
    polled_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    waiters_.push_back(running_);
    Fiber::yield();  // not in ready_: nothing resumes it but poll_handles()
  }

  [[nodiscard]] long switches() const { return switches_; }

 protected:
  void run_one_round() {
    for (std::size_t left = ready_.size(); left > 0; --left) {
      running_ = ready_.front();
      ready_.pop_front();
      ++switches_;
      if (running_->resume()) continue;  // it is in ready_ or in waiters_ again
      std::erase_if(fibers_, [this](const auto& fiber) { return fiber.get() == running_; });
    }
  }

  void poll_handles(int timeout_ms) {
    if (polled_.empty() && timeout_ms <= 0) return;  // nothing to ask, and no time to sleep
    poll(polled_.data(), polled_.size(), timeout_ms);
    for (std::size_t i = 0; i < polled_.size();) {
      if (polled_[i].revents == 0) {
        ++i;
        continue;
      }
      ready_.push_back(waiters_[i]);
      polled_.erase(polled_.begin() + static_cast<std::ptrdiff_t>(i));
      waiters_.erase(waiters_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  std::vector<std::unique_ptr<Fiber>> fibers_;  // all that have not ended
  std::deque<Fiber*> ready_;                    // those to be resumed
  std::vector<pollfd> polled_;                  // what the others wait for …
  std::vector<Fiber*> waiters_;                 // … and which of them waits, at the same index
  Fiber* running_ = nullptr;
  long switches_ = 0;
};
// [/runtime]
