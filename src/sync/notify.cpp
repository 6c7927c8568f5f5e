// Notify: the slow paths.
//
// The word's number says whether a notification is kept. One is stored in the word only while there
// is no waiter; a notification that is given to a waiter never appears in the word.
#include <weft/notify.hpp>

#include <utility>

namespace weft::inline v0_1 {

Notify::~Notify() {
  word_.check_unawaited(
      "a notify is destroyed while a task waits: end the task first (declare a "
      "Runtime after what its tasks use)");
}

void Notify::notify_one() noexcept {
  const auto step = [](std::uintptr_t& number) {
    number = is;
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
  word_.take_all(served);
  served.wake_all();
}

void Notify::blocking_wait() {
  wait_on_thread(detail::NotifyRequest(*this), "weft::Notify::blocking_wait");
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

Queued NotifyRequest::queue(Node& node) noexcept {
  return notify_->word_.wait_with(node, [](std::uintptr_t& number) {
    return std::exchange(number, Notify::is_not) == Notify::is;
  });
}

}  // namespace weft::inline v0_1::detail
