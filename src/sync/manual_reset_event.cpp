// ManualResetEvent, AutoResetEvent and Token: the slow paths.
//
// The word's number says whether the event is set. While a task or thread waits, it is not set.
// set() on a ManualResetEvent dequeues all waiters, and then sets the number by a change() that is
// its last touch (see waitable_word.cpp). A token is stored in the word only while there is no
// waiter; a token that is given to a waiter never appears in the word.
#include <weft/manual_reset_event.hpp>

#include <utility>

namespace weft {

ManualResetEvent::~ManualResetEvent() {
  word_.check_unawaited("an event died while somebody waited: end the waits first");
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

}  // namespace weft

namespace weft::detail {

Queued EventRequest::queue(Node& node) noexcept {
  return event_->word_.wait_with(
      node, [](std::uintptr_t& number) { return number == ManualResetEvent::is; });
}

void Token::give() noexcept {
  const auto step = [](std::uintptr_t& number) {
    number = is;
    return true;
  };
  // Release: pairs with the acquire of the thread that takes the token. It stores even if there was
  // a token, so that this thread sees what came before each of the calls.
  while (!word_.change(step, std::memory_order_release)) {
    if (word_.serve_one()) return;
  }
}

void Token::give_to_all() noexcept {
  ServedList served;
  word_.take_all(served);
  served.wake_all();
}

}  // namespace weft::detail

namespace weft {

AutoResetEvent::~AutoResetEvent() {
  token_.check_unawaited("an event died while somebody waited: end the waits first");
}

void AutoResetEvent::blocking_wait() {
  wait_on_thread(detail::TokenRequest(token_), "weft::AutoResetEvent::blocking_wait");
}

}  // namespace weft

namespace weft::detail {

Queued TokenRequest::queue(Node& node) noexcept {
  return token_->word_.wait_with(node, [](std::uintptr_t& number) {
    return std::exchange(number, Token::is_not) == Token::is;
  });
}

}  // namespace weft::detail
