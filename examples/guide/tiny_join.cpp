// The second step of the runtime of chapter 10: tasks that await each other, that run beside each
// other, and that are joined. One executor; no handle yet.
#include <cstdio>
#include <stdexcept>
#include <string>

#include "tiny_runtime.hpp"

// [chain]
Task<int> count(const char* name, int to) {
  for (int i = 1; i <= to; ++i) {
    std::printf("%s: %d\n", name, i);
    co_await Yield();
  }
  co_return to;
}

Task<int> fail() {
  co_await Yield();
  throw std::runtime_error("this child has failed");
}

Task<> parent() {
  const int first = co_await count("awaited", 2);  // runs in the place of the parent
  Executor& here = Executor::current();
  Join<int> left = here.spawn(count("left", 3));  // these run beside it
  Join<int> right = here.spawn(count("     right", 2));
  const int second = co_await left;
  const int third = co_await right;
  std::printf("joined: %d + %d + %d\n", first, second, third);
  Join<int> failing = here.spawn(fail());
  try {
    co_await failing;
  } catch (const std::runtime_error& error) {
    std::printf("caught: %s\n", error.what());
  }
}
// [/chain]

// [million]
Task<int> one() { co_return 1; }

/// A million awaits, none of which waits: the stack must not grow.
Task<int> million() {
  int sum = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const int next = co_await one();
    sum += next;
  }
  co_return sum;
}

Task<> report() {
  const int sum = co_await million();
  std::printf("a million awaits: %d\n", sum);
}
// [/million]

int main() {
  Executor executor;
  executor.spawn(parent());
  executor.run();
  executor.spawn(report());
  executor.run();
}
