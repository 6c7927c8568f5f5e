// A future, polled by hand: pending, pending, woken, ready.
#include <cstdio>
#include <weft/future.hpp>

#include "signal.hpp"

// [countdown]
/// A future that is ready at its fourth poll, and asks each time to be polled again.
class Countdown {
 public:
  explicit Countdown(int from) : left_(from) {}

  weft::Poll<const char*> poll(weft::Context& cx) {
    if (left_ == 0) return "lift-off,";
    --left_;
    cx.waker().wake_by_ref();
    return weft::Pending();
  }

 private:
  int left_;
};
// [/countdown]

int main() {
  // [poll]
  WakeCounter counter;
  const weft::Waker waker = counter.waker();
  weft::Context cx(waker);

  Countdown countdown(3);
  for (bool ready = false; !ready;) {
    weft::Poll<const char*> result = countdown.poll(cx);
    ready = result.is_ready();
    std::printf("countdown: %-9s woken %d times\n", ready ? result.take() : "pending,",
                counter.count());
  }
  // [/poll]
  // [signal]
  Signal signal;
  Signal::Wait wait = signal.wait();
  std::printf("signal:    %s\n", wait.poll(cx).is_ready() ? "ready" : "pending");
  signal.give();
  std::printf("signal:    given; woken %d times\n", counter.count() - 3);
  std::printf("signal:    %s\n", wait.poll(cx).is_ready() ? "ready" : "pending");
  // [/signal]
}
