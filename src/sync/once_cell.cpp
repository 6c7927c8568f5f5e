// Whose turn it is to make a value.
//
// The word's number: empty, busy while somebody has the turn, or full for good. While somebody
// waits it is busy. A turn that ends without a value is handed to the one that has waited longest,
// with the number left alone, as a mutex is; one that ends with a value makes it full, by a change
// as the last touch, after all who waited were taken out (see wait_word.cpp). One who was served
// tells the two apart by the number: as long as he has the turn nobody else changes it.
#include <weft/once_cell.hpp>

namespace weft::detail {

OnceState::~OnceState() {
  word_.check_unawaited("a cell died while somebody waited: end the waits first");
}

OnceTurn OnceState::blocking_enter(const char* what) {
  return wait_on_thread(OnceRequest(*this), what);
}

void OnceState::publish() noexcept {
  ServedList served;
  // Release: pairs with the acquire in full() and in wait_with().
  while (!word_.replace(is_busy, is_full, std::memory_order_release)) word_.take_all(served);
  served.wake_all();
}

void OnceState::pass_on() noexcept {
  // Release: pairs with the acquire in take() and in wait_with().
  while (!word_.replace(is_busy, is_empty, std::memory_order_release)) {
    if (word_.serve_one()) return;
  }
}

Queued OnceRequest::queue(Node& node) noexcept {
  return state_->word_.wait_with(node, [](std::uintptr_t& number) {
    if (number == OnceState::is_full) return true;
    return std::exchange(number, OnceState::is_busy) == OnceState::is_empty;
  });
}

}  // namespace weft::detail
