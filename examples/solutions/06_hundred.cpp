// Exercise 6.3: how many polls a join of a hundred futures takes: if it polls all that are not
// ready each time, and if it polls only those that were woken.
#include <cstddef>
#include <cstdio>
#include <deque>
#include <vector>
#include <weft/weft.hpp>

#include "../guide/signal.hpp"

// [counted]
class Counted {
 public:
  Counted(Signal& signal, int& polls) : wait_(signal.wait()), polls_(&polls) {}
  weft::Poll<void> poll(weft::Context& cx) {
    ++*polls_;
    return wait_.poll(cx);
  }

 private:
  Signal::Wait wait_;
  int* polls_;
};
// [/counted]

// [simple]
/// Polls each child that is not ready, each time.
class SimpleJoin {
 public:
  explicit SimpleJoin(std::vector<Counted> children)
      : children_(std::move(children)), ready_(children_.size()) {}

  weft::Poll<void> poll(weft::Context& cx) {
    bool all = true;
    for (std::size_t i = 0; i < children_.size(); ++i) {
      if (!ready_[i]) ready_[i] = children_[i].poll(cx).is_ready();
      all = all && ready_[i];
    }
    if (all) return weft::Poll<void>::ready();
    return weft::Pending();
  }

 private:
  std::vector<Counted> children_;
  std::vector<bool> ready_;
};
// [/simple]

// [count]
constexpr std::size_t children = 100;

int polls_of_simple_join() {
  int polls = 0;
  std::deque<Signal> signals(children);
  std::vector<Counted> waits;
  for (Signal& signal : signals) waits.emplace_back(signal, polls);
  SimpleJoin join(std::move(waits));
  WakeCounter wakes;
  const weft::Waker waker = wakes.waker();
  weft::Context cx(waker);
  static_cast<void>(join.poll(cx));
  for (Signal& signal : signals) {
    signal.give();
    static_cast<void>(join.poll(cx));
  }
  return polls;
}

int polls_of_set() {
  int polls = 0;
  std::deque<Signal> signals(children);
  weft::FutureSet<Counted> set;
  for (Signal& signal : signals) set.push(Counted(signal, polls));
  WakeCounter wakes;
  const weft::Waker waker = wakes.waker();
  weft::Context cx(waker);
  static_cast<void>(set.poll_next(cx));
  for (Signal& signal : signals) {
    signal.give();
    static_cast<void>(set.poll_next(cx));
  }
  return polls;
}
// [/count]

int main() {
  std::printf("polls all children:        %d polls\n", polls_of_simple_join());
  std::printf("polls those that are woken: %d polls\n", polls_of_set());
}
