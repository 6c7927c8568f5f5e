// Exercise 3 of chapter 5: a runtime in which fibers sleep, without a handle for each sleeper, and
// wait for handles as before.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include "../guide/fiber_runtime.hpp"
#include "../guide/pipe.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// [runtime]
class SleepingRuntime : public FiberRuntime {
 public:
  void run() {
    while (!fibers_.empty()) {
      const int limit_ms = time_left_ms();
      if (limit_ms != 0) ++sleeps_;
      poll_handles(limit_ms);
      wake_sleepers();
      run_one_round();
    }
  }

  /// From within a fiber.
  void sleep_for(milliseconds duration) {
    sleepers_.emplace(Clock::now() + duration, running_);
    Fiber::yield();
  }

  [[nodiscard]] int sleeps() const { return sleeps_; }

 private:
  /// How long the thread may sleep in poll(): not at all, to the first sleeper's time, or without a
  /// limit.
  [[nodiscard]] int time_left_ms() const {
    if (!ready_.empty()) return 0;
    if (sleepers_.empty()) return -1;
    const auto left = std::chrono::ceil<milliseconds>(sleepers_.begin()->first - Clock::now());
    return std::max(0, static_cast<int>(left.count()));
  }

  void wake_sleepers() {
    while (!sleepers_.empty() && sleepers_.begin()->first <= Clock::now()) {
      ready_.push_back(sleepers_.begin()->second);
      sleepers_.erase(sleepers_.begin());
    }
  }

  std::multimap<Clock::time_point, Fiber*> sleepers_;  // by the time at which they wake
  int sleeps_ = 0;
};
// [/runtime]

}  // namespace

int main() {
  SleepingRuntime runtime;
  const Pipe pipe;
  const auto begin = Clock::now();
  for (const int ms : {300, 200, 100}) {
    runtime.spawn([&runtime, &pipe, ms] {
      runtime.sleep_for(milliseconds(ms));
      std::printf("has slept for %d ms\n", ms);
      if (ms == 200) pipe.put("!");
    });
  }
  runtime.spawn([&runtime, &pipe] {
    runtime.wait_readable(pipe.reader());
    std::printf("has read '%c'\n", pipe.take());
  });
  runtime.run();
  const std::chrono::duration<double, std::milli> taken = Clock::now() - begin;
  std::printf("all of them: %.0f ms, and slept %d times in poll\n", taken.count(),
              runtime.sleeps());
}
