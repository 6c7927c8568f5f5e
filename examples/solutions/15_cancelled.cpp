// Solution to exercise 2 of chapter 15: what a cancel of the reader's tasks does, and in which
// order.
#include <chrono>
#include <cstdio>

#include "../guide/last_runtime.hpp"

using namespace std::chrono_literals;
using own::Group;
using own::Runtime;
using own::Task;

// [tasks]
class Trace {
 public:
  explicit Trace(const char* name) : name_(name) { std::printf("%s begins\n", name_); }
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace() { std::printf("%s is gone\n", name_); }

 private:
  const char* name_;
};

Task<void> wait_for_ever(Runtime& runtime, own::Waiters& nothing) {
  const Trace trace("    third");
  co_await own::Readiness(runtime, nothing.reader);
  std::printf("    third goes on\n");
}

Task<void> second(Runtime& runtime, own::Waiters& nothing) {
  const Trace trace("  second");
  co_await wait_for_ever(runtime, nothing);
  std::printf("  second goes on\n");
}

Task<void> first(Runtime& runtime, own::Waiters& nothing) {
  const Trace trace("first");
  co_await second(runtime, nothing);
  std::printf("first goes on\n");
}
// [/tasks]

// [cancel]
Task<void> program(Runtime& runtime, own::Waiters& nothing) {
  {
    Group group(runtime);
    group.spawn(first(runtime, nothing));
    const bool ended = co_await group.end(own::Clock::now() + 20ms);
    std::printf("%s; something waits: %s\n", ended ? "ended" : "the time is over",
                nothing.reader != nullptr ? "yes" : "no");
  }
  std::printf("the group has gone; something waits: %s\n",
              nothing.reader != nullptr ? "yes" : "no");
}
// [/cancel]

int main() {
  own::Waiters nothing;  // of no handle: no event will come
  Runtime runtime;
  runtime.run(program(runtime, nothing));
}
