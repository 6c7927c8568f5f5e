// Exercise 6.1: a future that waits for the first of two others.
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>
#include <weft/weft.hpp>

#include "../guide/signal.hpp"

// [first_of]
/// Gives the number of the one that is ready first, 0 or 1. Polls both, in this order.
template <weft::Future A, weft::Future B>
class FirstOf {
 public:
  FirstOf(A first, B second) : first_(std::move(first)), second_(std::move(second)) {}

  weft::Poll<int> poll(weft::Context& cx) {
    if (first_.poll(cx).is_ready()) return 0;
    if (second_.poll(cx).is_ready()) return 1;
    return weft::Pending();  // both have kept the waker of this poll
  }

 private:
  A first_;
  B second_;
};
// [/first_of]

void show(const char* when, const weft::Poll<int>& result, int wakes) {
  std::printf("%-18s %s, woken %d times\n", when, result.is_ready() ? "ready" : "pending", wakes);
}

int main() {
  // [main]
  Signal left;
  Signal right;
  FirstOf first(left.wait(), right.wait());
  WakeCounter wakes;
  const weft::Waker waker = wakes.waker();
  weft::Context cx(waker);
  show("at first:", first.poll(cx), wakes.count());
  right.give();
  weft::Poll<int> result = first.poll(cx);
  show("right was given:", result, wakes.count());
  std::printf("the first one: %d\n", result.take());

  Signal third;
  Signal fourth;
  std::jthread giver([&fourth] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // block_on() sleeps by then
    fourth.give();
  });
  std::printf("awaited: %d\n", weft::block_on(FirstOf(third.wait(), fourth.wait())));
  // [/main]
}
