// Exercise 6.2: a future that keeps the waker of its first poll only, and one that keeps that of
// the latest.
#include <cstdio>
#include <optional>
#include <utility>
#include <weft/weft.hpp>

#include "../guide/signal.hpp"

// [forgetful]
/// A signal for one thread. Which waker it keeps is chosen.
class LocalSignal {
 public:
  enum class Keeps { first, latest };
  explicit LocalSignal(Keeps keeps) : keeps_(keeps) {}

  weft::Poll<void> poll(weft::Context& cx) {
    if (given_) return weft::Poll<void>::ready();
    if (!waker_ || keeps_ == Keeps::latest) waker_ = cx.waker();
    return weft::Pending();
  }
  void give() {
    given_ = true;
    if (waker_) std::exchange(waker_, std::nullopt)->wake_by_ref();
  }

 private:
  Keeps keeps_;
  bool given_ = false;
  std::optional<weft::Waker> waker_;
};
// [/forgetful]

// [main]
void hand_over(const char* name, LocalSignal::Keeps keeps) {
  WakeCounter one;
  WakeCounter other;
  const weft::Waker waker_of_one = one.waker();
  const weft::Waker waker_of_other = other.waker();
  LocalSignal signal(keeps);
  weft::Context first(waker_of_one);
  static_cast<void>(signal.poll(first));  // one task polls it …
  weft::Context second(waker_of_other);
  static_cast<void>(signal.poll(second));  // … and hands it over to another one
  signal.give();
  std::printf("%s waker: the first task is woken %d times, the second %d times\n", name,
              one.count(), other.count());
}
// [/main]

int main() {
  hand_over("the first ", LocalSignal::Keeps::first);
  hand_over("the latest", LocalSignal::Keeps::latest);
}
