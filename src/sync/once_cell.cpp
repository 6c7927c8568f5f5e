// OnceState: which task or thread may initialize the value of a OnceCell.
//
// The word's number is
//   empty  no value, and no initializer runs
//   busy   an initializer has the turn
//   full   the value is there; final
// While a task or thread waits, the number is busy.
//  - A turn that ends without a value is handed to the waiter that waited longest, with the number
//    unchanged, as Mutex does.
//  - A turn that ends with a value dequeues all waiters, and then stores full by a replace() that
//    is its last touch (see waitable_word.cpp).
// A waiter that was served tells the two apart by the number: while it has the turn, no other
// thread changes the number.
#include <weft/once_cell.hpp>

namespace weft::inline v0_1::detail {

OnceState::~OnceState() {
  word_.check_unawaited(
      "a cell is destroyed while a task waits: end the task first (declare a "
      "Runtime after what its tasks use)");
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

}  // namespace weft::inline v0_1::detail
