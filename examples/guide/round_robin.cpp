// Several fibers take turns: the smallest runtime. What they print shows the order.
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "own_fiber.hpp"

// [runtime]
class RoundRobin {
 public:
  void spawn(std::function<void()> function) {
    ready_.push_back(std::make_unique<Fiber>(std::move(function)));
  }

  /// Runs all fibers in turn, until each has ended.
  void run() {
    while (!ready_.empty()) {
      std::unique_ptr<Fiber> next = std::move(ready_.front());
      ready_.pop_front();
      if (next->resume()) ready_.push_back(std::move(next));  // to the end of the queue
    }
  }

 private:
  std::deque<std::unique_ptr<Fiber>> ready_;
};
// [/runtime]

// [cooks]
RoundRobin runtime;

void cook(const char* dish, int steps) {
  for (int step = 1; step <= steps; ++step) {
    std::printf(" %s %d", dish, step);
    Fiber::yield();
  }
  std::printf(" %s ready;", dish);
}

void cook_dinner() {
  cook("soup", 1);
  runtime.spawn([] { cook("cake", 2); });  // a fiber may start others
  cook("fish", 2);
}
// [/cooks]

int main() {
  runtime.spawn([] { cook("bread", 4); });
  runtime.spawn(cook_dinner);
  std::printf("in turn:");
  runtime.run();
  std::puts("");
}
