// Notify: the slow paths.
//
// The word's number says whether a notify_one() is kept, and how often notify_all() was called. One
// is stored in the word only while there is no waiter; a notification that is given to a waiter
// never appears in the word. notify_all() dequeues all waiters, and counts by a change() that is
// its last touch of the word (see waitable_word.cpp).
#include <weft/notify.hpp>

namespace weft::inline v0_1 {

Notify::~Notify() {
  word_.check_unawaited(
      "a notify is destroyed while a task waits: end the task first (declare a "
      "Runtime after what its tasks use)");
}

void Notify::notify_one() noexcept {
  const auto step = [](std::uintptr_t& number) {
    number |= kept;
    return true;
  };
  // Release: pairs with the acquire of the wait that takes it; it is stored also if one was kept,
  // so that the wait sees what came before each of the calls.
  while (!word_.change(step, std::memory_order_release)) {
    if (word_.serve_one()) return;
  }
}

void Notify::notify_all() noexcept {
  ServedList served;
  const auto step = [](std::uintptr_t& number) {
    number += call_of_all;
    return true;
  };
  // Release: pairs with the acquire of a wait that was made before, and is awaited later.
  while (!word_.change(step, std::memory_order_release)) word_.take_all(served);
  served.wake_all();
}

void Notify::blocking_wait() {
  wait_on_thread(detail::NotifyRequest(*this), "weft::Notify::blocking_wait");
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

Queued NotifyRequest::queue(Node& node) noexcept {
  return notify_->word_.wait_with(
      node,
      [this](std::uintptr_t& number) { return was_called(number) || Notify::take_kept(number); },
      [this](std::uintptr_t number) { return was_called(number); });
}

}  // namespace weft::inline v0_1::detail
