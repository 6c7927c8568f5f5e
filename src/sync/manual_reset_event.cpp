// Events that are waited for.
//
// The word's number: whether it is set. While somebody waits it is not. An ManualResetEvent is set
// by a change() as the last touch, after all who waited were taken out (see wait_word.cpp). A token
// is put into the word only while nobody waits; given to one that waits it never shows there.
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
  // Release: pairs with the acquire of who finds it set; it is stored also if it was set, so that
  // he sees what came before this set() as well.
  while (!word_.change(step, std::memory_order_release)) word_.take_all(served);
  served.wake_all();
}

void ManualResetEvent::reset() noexcept {
  // Acquire: who resets it and then looks at what was set sees it.
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

// Token

void Token::give() noexcept {
  const auto step = [](std::uintptr_t& number) {
    number = is;
    return true;
  };
  // Release: pairs with the acquire of who takes it; it is stored also if it was there, so that he
  // sees what came before each of the calls.
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
