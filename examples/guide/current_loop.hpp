// For the guide: a loop with timers, told to functions in two ways: passed, or as the current one
// of the thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

// [loop]
/// A reactor that has timers only. One thread uses it.
class Loop {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Loop(std::string name) : name_(std::move(name)) {}

  void call_after(std::chrono::milliseconds delay, std::function<void()> function) {
    timers_.emplace(Clock::now() + delay, std::move(function));
  }
  /// Runs until no timer is left. Meanwhile it is the current loop of this thread.
  void run() {
    current_ = this;
    run_timers();
    current_ = nullptr;
  }
  /// The loop that runs on this thread.
  static Loop& current() {
    if (current_ == nullptr) throw std::logic_error("no loop runs on this thread");
    return *current_;
  }
  [[nodiscard]] const std::string& name() const { return name_; }

 protected:
  void run_timers() {
    while (!timers_.empty()) {
      const auto first = timers_.extract(timers_.begin());
      std::this_thread::sleep_until(first.key());
      first.mapped()();
    }
  }

  inline static thread_local Loop* current_ = nullptr;

 private:
  std::string name_;
  std::multimap<Clock::time_point, std::function<void()>> timers_;
};
// [/loop]

// [repaired]
/// Its run() ends with the current loop that there was before.
class RestoringLoop : public Loop {
 public:
  using Loop::Loop;
  void run() {
    const Meanwhile meanwhile(this);
    run_timers();
  }

 private:
  class Meanwhile {
   public:
    explicit Meanwhile(Loop* loop) : before_(std::exchange(current_, loop)) {}
    ~Meanwhile() { current_ = before_; }
    Meanwhile(const Meanwhile&) = delete;
    Meanwhile& operator=(const Meanwhile&) = delete;

   private:
    Loop* before_;
  };
};
// [/repaired]
