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
    of_this_thread() = this;
    run_timers();
    of_this_thread() = nullptr;
  }
  /// The loop that runs on this thread.
  static Loop& current() {
    if (of_this_thread() == nullptr) throw std::logic_error("no loop runs on this thread");
    return *of_this_thread();
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
  /// Not inlined: the compiler must not keep the address, which is another one on another thread.
  [[gnu::noinline]] static Loop*& of_this_thread() {
    static thread_local Loop* loop = nullptr;
    return loop;
  }

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
    explicit Meanwhile(Loop* loop) : before_(std::exchange(of_this_thread(), loop)) {}
    ~Meanwhile() { of_this_thread() = before_; }
    Meanwhile(const Meanwhile&) = delete;
    Meanwhile& operator=(const Meanwhile&) = delete;

   private:
    Loop* before_;
  };
};
// [/repaired]
