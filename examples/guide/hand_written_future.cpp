// A future without a coroutine: a number that a thread will give. And an executor without weft: a
// thread that sleeps until its waker is woken. Then the same future is awaited by a coroutine.
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <weft/weft.hpp>

#include "sleeper.hpp"

// [leaf]
/// What the future and the thread that completes it share.
struct Shared {
  std::mutex mutex;
  bool ready = false;  // this and the next two: guarded by the mutex
  int value = 0;
  weft::Waker waker;
};

/// The future: a state and a question. Nothing here waits.
class Number {
 public:
  explicit Number(Shared& shared) : shared_(shared) {}

  weft::Poll<int> poll(weft::Context& cx) {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.ready) return shared_.value;
    shared_.waker = cx.waker();  // of this poll: an earlier one may have been another task's
    return weft::Pending();
  }

 private:
  Shared& shared_;
};

void give(Shared& shared, int value) {
  weft::Waker waker;
  {
    const std::lock_guard lock(shared.mutex);
    shared.ready = true;
    shared.value = value;
    waker = std::move(shared.waker);
  }
  std::move(waker).wake();  // outside the lock: it may run anything
}
// [/leaf]

// [by_hand]
/// Polls once, then lets a thread give the number, sleeps until it wakes, and polls again.
int by_hand() {
  Shared shared;
  Number number(shared);
  Sleeper sleeper;
  const weft::Waker waker = sleeper.waker();
  weft::Context cx(waker);
  weft::Poll<int> result = number.poll(cx);
  std::cout << "first poll: " << (result.is_ready() ? "ready" : "pending") << '\n';
  std::thread giver([&] { give(shared, 21); });
  while (result.is_pending()) {
    sleeper.sleep();
    result = number.poll(cx);
    std::cout << "woken and polled again: " << (result.is_ready() ? "ready" : "pending") << '\n';
  }
  giver.join();
  return result.take();
}
// [/by_hand]

// [awaited]
weft::Task<int> twice(Shared& shared) {
  const int value = co_await Number(shared);  // the same protocol, driven by weft
  co_return 2 * value;
}
// [/awaited]

int main() {
  const int value = by_hand();
  std::cout << "by hand: " << value << '\n';

  Shared shared;
  std::thread giver([&] { give(shared, 21); });
  std::cout << "by a coroutine, twice: " << weft::block_on(twice(shared)) << '\n';
  giver.join();
}
