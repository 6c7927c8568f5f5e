// ManualResetEvent: an event that stays set, and what waits for it.
//
// The word's number: whether it is set. While something waits it is not. It is set by a change() as
// the last touch, after all waiters were taken out (see waitable_word.cpp).
#include <weft/manual_reset_event.hpp>

namespace weft {

ManualResetEvent::~ManualResetEvent() {
  word_.check_unawaited("an event died while something waited: end the waits first");
}

void ManualResetEvent::set() noexcept {
  ServedList served;
  const auto step = [](std::uintptr_t& number) {
    number = is;
    return true;
  };
  // Release: pairs with the acquire of the wait that finds it set; it is stored also if it was set,
  // so that the wait sees what came before this set() as well.
  while (!word_.change(step, std::memory_order_release)) word_.take_all(served);
  served.wake_all();
}

void ManualResetEvent::reset() noexcept {
  // Acquire: a thread that resets it sees, from then on, what came before the set().
  static_cast<void>(word_.replace(is, is_not, std::memory_order_acquire));
}

void ManualResetEvent::blocking_wait() {
  wait_on_thread(detail::EventRequest(*this), "weft::ManualResetEvent::blocking_wait");
}

}  // namespace weft

namespace weft::detail {

Queued EventRequest::queue(Node& node) noexcept {
  return event_->word_.wait_with(
      node, [](std::uintptr_t& number) { return number == ManualResetEvent::is; });
}

}  // namespace weft::detail
