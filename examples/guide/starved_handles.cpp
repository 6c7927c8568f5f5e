// Two fibers that yield to each other, and a third one that waits for a handle. A runtime that asks
// for handles only when it has nothing else to do keeps the third one waiting.
#include "fiber_runtime.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// [late]
class LateRuntime : public FiberRuntime {
 public:
  void run() {
    while (!fibers_.empty()) {
      if (ready_.empty()) poll_handles(-1);  // there seems to be no hurry
      run_one_round();
    }
  }
};
// [/late]

// [busy]
template <class Runtime>
void measure(const char* title) {
  Runtime runtime;
  const auto begin = Clock::now();
  bool woken = false;
  for (int i = 0; i < 2; ++i) {
    runtime.spawn([&] {
      while (!woken && Clock::now() - begin < milliseconds(500)) runtime.yield();
    });
  }
  runtime.spawn([&] {
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    const itimerspec after{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 10'000'000}};
    timerfd_settime(timer, 0, &after, nullptr);
    runtime.wait_readable(timer);
    woken = true;
    const std::chrono::duration<double, std::milli> taken = Clock::now() - begin;
    std::printf("%s a timer of 10 ms is seen after %3.0f ms\n", title, taken.count());
    close(timer);
  });
  runtime.run();
}
// [/busy]

}  // namespace

int main() {
  measure<LateRuntime>("polls when idle:   ");
  measure<FiberRuntime>("polls each round:  ");
}
