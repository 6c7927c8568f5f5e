// A cancel and a ring that meet at one leaf: in both orders, at the same time, and at a future that
// is dropped. A ring must be taken by the task, or kept in the bell.
#include <atomic>
#include <cstdio>
#include <functional>
#include <thread>
#include <weft/weft.hpp>

#include "bell.hpp"
#include "thread_waker.hpp"

// [orders]
weft::Task<void> wait_for(Bell& bell) { co_await bell.rings(); }

/// On one thread, so that the order is certain: the task runs when this one waits.
weft::Task<void> in_order(bool ring_first) {
  Bell bell;
  auto waiting = weft::spawn([&bell] { return wait_for(bell); });
  co_await weft::yield_now();  // now it waits
  if (ring_first) bell.ring();
  waiting.cancel();
  if (!ring_first) bell.ring();
  weft::Outcome<void> outcome = co_await std::move(waiting).outcome();
  std::printf(
      "%s: the task was %s, the ring %s\n", ring_first ? "ring, then cancel" : "cancel, then ring",
      outcome.cancelled() ? "cancelled" : "woken", bell.is_rung() ? "is kept" : "was taken");
}
// [/orders]

// [together]
/// Two threads at once, again and again: whichever comes first, no ring is lost.
void together(int rounds) {
  weft::Runtime runtime;
  int taken = 0;
  int kept = 0;
  for (int i = 0; i < rounds; ++i) {
    Bell bell;
    auto waiting = runtime.spawn([&bell] { return wait_for(bell); });
    while (!bell.is_waited_for()) std::this_thread::yield();
    std::atomic<int> present{0};
    const auto meet = [&present] {
      ++present;
      while (present != 2) std::this_thread::yield();
    };
    const bool main_rings = i % 2 == 0;
    std::jthread other([&] {
      meet();
      main_rings ? waiting.cancel() : bell.ring();
    });
    meet();
    main_rings ? bell.ring() : waiting.cancel();
    other.join();
    auto end = [&]() -> weft::Task<bool> {
      weft::Outcome<void> outcome = co_await std::move(waiting).outcome();
      co_return outcome.cancelled();
    };
    if (!runtime.block_on(end)) ++taken;
    if (bell.is_rung()) ++kept;
  }
  std::printf("%d rings, each at the same time as a cancel: %d taken, %d kept\n", rounds, taken,
              kept);
}
// [/together]

// [dropped]
/// What as_future() has started takes the ring; the future is dropped before it was asked.
void drop_a_future() {
  weft::Runtime runtime;
  Bell bell;
  {
    auto future = runtime.as_future(bell.rings());
    ThreadWaker sleeper;
    const weft::Waker waker = sleeper.waker();
    weft::Context cx(waker);
    static_cast<void>(future.poll(cx));
    bell.ring();
    sleeper.sleep();  // it is ready now
  }
  std::printf("a future, dropped when it was ready: the ring %s\n",
              bell.is_rung() ? "is kept" : "is lost");
}
// [/dropped]

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  weft::Runtime runtime(options);
  runtime.block_on(in_order(false));
  runtime.block_on(in_order(true));
  together(1'000);
  drop_a_future();
}
