// Futures made of futures: join, race, map, then, and a set of them. Each child is polled only
// after a wake.
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <weft/weft.hpp>

#include "signal.hpp"

using std::chrono::milliseconds;

// [counted]
/// A future that reports how often it is polled.
class Counted {
 public:
  Counted(Signal::Wait wait, int& polls) : wait_(wait), polls_(&polls) {}
  weft::Poll<void> poll(weft::Context& cx) {
    ++*polls_;
    return wait_.poll(cx);
  }

 private:
  Signal::Wait wait_;
  int* polls_;
};
// [/counted]

// [join]
void join_two() {
  Signal left;
  Signal right;
  int left_polls = 0;
  int right_polls = 0;
  auto both =
      weft::futures::join(Counted(left.wait(), left_polls), Counted(right.wait(), right_polls));
  WakeCounter counter;
  const weft::Waker waker = counter.waker();
  weft::Context cx(waker);

  static_cast<void>(both.poll(cx));
  right.give();
  static_cast<void>(both.poll(cx));
  left.give();
  const bool ready = both.poll(cx).is_ready();
  std::printf("join:  %s; left polled %d times, right %d times\n", ready ? "ready" : "pending",
              left_polls, right_polls);
}
// [/join]

// [chain]
weft::Task<int> number(int value, milliseconds after) {
  co_await weft::sleep_for(after);
  co_return value;
}

weft::Task<void> chain() {
  // A task becomes a future that any code may poll …
  auto doubled = weft::futures::map(weft::as_future(number(21, milliseconds(5))),
                                    [](int value) { return 2 * value; });
  auto next = weft::futures::then(std::move(doubled), [](int value) {
    return weft::as_future(number(value + 1, milliseconds(5)));
  });
  const int result = co_await next;  // … and a future is awaited like anything else.
  std::printf("chain: %d\n", result);

  auto race = weft::futures::race(weft::as_future(number(1, milliseconds(500))),
                                  weft::as_future(number(2, milliseconds(5))));
  auto winner = co_await race;
  std::printf("race:  number %zu was first\n", winner.index());
}
// [/chain]

// [set]
weft::Task<void> as_they_come() {
  weft::FutureSet<weft::AsFuture<weft::Task<int>>> set;
  for (const int value : {30, 10, 20}) {
    set.push(weft::as_future(number(value, milliseconds(value))));
  }
  std::printf("set:  ");
  while (auto value = co_await set.next()) std::printf(" %d", *value);
  std::printf("\n");
}
// [/set]

int main() {
  join_two();
  weft::block_on(chain());
  weft::block_on(as_they_come());
}
