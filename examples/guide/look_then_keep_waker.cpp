// What happens if a future looks first and leaves its waker then: a wake-up is lost. The signal is
// given between the two steps, in each order.
#include <atomic>
#include <cstdio>
#include <weft/weft.hpp>

#include "signal.hpp"

// [signal]
/// The signal of above, with both orders. `between` is called after the first step, as a thread
/// that gives the signal could run just then.
class EitherSignal {
 public:
  void give() noexcept {
    given_.store(true, std::memory_order_release);
    waker_.wake();
  }

  template <class Between>
  weft::Poll<void> look_then_register(weft::Context& cx, Between between) {
    if (given_.load(std::memory_order_acquire)) return weft::Poll<void>::ready();
    between();
    waker_.register_waker(cx.waker());
    return weft::Pending();
  }

  template <class Between>
  weft::Poll<void> register_then_look(weft::Context& cx, Between between) {
    waker_.register_waker(cx.waker());
    between();
    if (given_.load(std::memory_order_acquire)) return weft::Poll<void>::ready();
    return weft::Pending();
  }

 private:
  std::atomic<bool> given_{false};
  weft::AtomicWaker waker_;
};
// [/signal]

void show(const char* order, const weft::Poll<void>& result, const WakeCounter& wakes) {
  const char* const verdict = result.is_pending() && wakes.count() == 0
                                  ? "it is given, and the task sleeps for ever"
                                  : "the task goes on";
  std::printf("%-19s %s, woken %d times: %s\n", order, result.is_ready() ? "ready" : "pending",
              wakes.count(), verdict);
}

int main() {
  // [main]
  {
    WakeCounter wakes;
    const weft::Waker waker = wakes.waker();
    weft::Context cx(waker);
    EitherSignal signal;
    const auto result = signal.look_then_register(cx, [&] { signal.give(); });
    show("look then register:", result, wakes);
  }
  {
    WakeCounter wakes;
    const weft::Waker waker = wakes.waker();
    weft::Context cx(waker);
    EitherSignal signal;
    const auto result = signal.register_then_look(cx, [&] { signal.give(); });
    show("register then look:", result, wakes);
  }
  // [/main]
}
