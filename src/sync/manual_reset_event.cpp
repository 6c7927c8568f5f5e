// ManualResetEvent: the slow paths.
//
// The word's number says whether the event is set. While a task or thread waits, it is not set.
// set() on a ManualResetEvent dequeues all waiters, and then sets the number by a change() that is
// its last touch (see waitable_word.cpp).
#include <weft/manual_reset_event.hpp>

namespace weft::inline v0_1 {

ManualResetEvent::~ManualResetEvent() {
  word_.check_unawaited(
      "an event is destroyed while a task waits: end the task first (declare a "
      "Runtime after what its tasks use)");
}

void ManualResetEvent::set() noexcept {
  ServedList served;
  const auto step = [](std::uintptr_t& number) {
    number = is;
    return true;
  };
  // Release: pairs with the acquire of a thread that finds it set. It stores even if the event was
  // set already, so that this thread also sees what came before the later set().
  while (!word_.change(step, std::memory_order_release)) word_.take_all(served);
  served.wake_all();
}

void ManualResetEvent::reset() noexcept {
  // Acquire: a thread that resets the event sees what was written before the set().
  static_cast<void>(word_.replace(is, is_not, std::memory_order_acquire));
}

void ManualResetEvent::blocking_wait() {
  wait_on_thread(detail::EventRequest(*this), "weft::ManualResetEvent::blocking_wait");
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

Queued EventRequest::queue(Node& node) noexcept {
  return event_->word_.wait_with(
      node, [](std::uintptr_t& number) { return number == ManualResetEvent::is; });
}

}  // namespace weft::inline v0_1::detail
