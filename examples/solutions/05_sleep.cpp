// Exercise 3 of chapter 5: a runtime in which fibers sleep, without a handle for each.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "../guide/own_fiber.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// [runtime]
class SleepingRuntime {
 public:
  void spawn(std::function<void()> function) {
    fibers_.push_back(std::make_unique<Fiber>(std::move(function)));
    ready_.push_back(fibers_.back().get());
  }

  void run() {
    while (!fibers_.empty()) {
      wake_sleepers();
      if (ready_.empty()) continue;
      running_ = ready_.front();
      ready_.pop_front();
      if (running_->resume()) continue;
      std::erase_if(fibers_, [this](const auto& fiber) { return fiber.get() == running_; });
    }
  }

  /// From within a fiber.
  void sleep_for(milliseconds duration) {
    sleepers_.emplace(Clock::now() + duration, running_);
    Fiber::yield();
  }

  [[nodiscard]] int waits() const { return waits_; }

 private:
  /// Waits for the first sleeper if there is nothing else to do. A runtime with handles passes this
  /// time to the call that waits for them as well.
  void wake_sleepers() {
    if (sleepers_.empty()) return;
    if (ready_.empty()) {
      const auto left = std::chrono::ceil<milliseconds>(sleepers_.begin()->first - Clock::now());
      poll(nullptr, 0, std::max(0, static_cast<int>(left.count())));
      ++waits_;
    }
    while (!sleepers_.empty() && sleepers_.begin()->first <= Clock::now()) {
      ready_.push_back(sleepers_.begin()->second);
      sleepers_.erase(sleepers_.begin());
    }
  }

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::deque<Fiber*> ready_;
  std::multimap<Clock::time_point, Fiber*> sleepers_;  // by the time at which they wake
  Fiber* running_ = nullptr;
  int waits_ = 0;
};
// [/runtime]

}  // namespace

int main() {
  SleepingRuntime runtime;
  const auto begin = Clock::now();
  for (const int ms : {300, 200, 100}) {
    runtime.spawn([&runtime, ms] {
      runtime.sleep_for(milliseconds(ms));
      std::printf("has slept for %d ms\n", ms);
    });
  }
  runtime.run();
  const std::chrono::duration<double, std::milli> taken = Clock::now() - begin;
  std::printf("all of them: %.0f ms, and %d calls of poll\n", taken.count(), runtime.waits());
}
