// Latch: the slow paths.
//
// The word's number is the count. While a task or thread waits, the count is not zero. It becomes
// zero by a change() that is the last touch, after all waiters were dequeued (see
// waitable_word.cpp). The thread about to make that change holds the last of the count, so no other
// thread can count down in between.
//
// arrive_and_wait() counts down and queues its waiter in one step. If it counted first, the other
// participants could complete the latch and destroy it before this waiter is queued.
#include <weft/latch.hpp>

#include "base/check.hpp"

namespace weft::inline v0_1 {

namespace {

void check_left(std::uintptr_t left, std::size_t count) noexcept {
  WEFT_CHECK(count <= left, "a latch was counted down below zero");
}

}  // namespace

Latch::Latch(std::size_t count) noexcept : word_(count) {
  WEFT_CHECK(count <= most, "a latch cannot count so far");
}

Latch::~Latch() {
  word_.check_unawaited(
      "a latch is destroyed while a task waits: end the task first (declare a "
      "Runtime after what its tasks use)");
}

void Latch::count_down(std::size_t count) noexcept {
  ServedList served;
  const auto step = [count](std::uintptr_t& number) {
    check_left(number, count);
    number -= count;
    return true;
  };
  // Release: pairs with the acquire in ready() and in wait_with(); each change continues the
  // release sequence of the earlier ones. Acquire: the last participant to arrive, which goes on
  // without waiting, also sees what the others published.
  while (!word_.change(step, std::memory_order_acq_rel)) {
    if (count_down_awaited(count, served)) return;
  }
  served.wake_all();
}

/// Counts down and returns true if waiters exist and must go on waiting. Otherwise dequeues all
/// waiters and returns false.
bool Latch::count_down_awaited(std::size_t count, ServedList& served) noexcept {
  detail::WaitableWord::Held held(word_);
  if (!held.awaited()) return false;
  check_left(held.number, count);
  if (held.number != count) {
    held.number -= count;
    return true;
  }
  while (held.waiters().first() != nullptr) held.waiters().serve_first(served);
  return false;
}

void Latch::blocking_wait() {
  wait_on_thread(detail::LatchRequest(*this), "weft::Latch::blocking_wait");
}

void Latch::blocking_arrive_and_wait() {
  wait_on_thread(detail::ArriveAtLatchRequest(*this), "weft::Latch::blocking_arrive_and_wait");
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

Queued ArriveAtLatchRequest::queue(Node& node) noexcept {
  const Queued queued = latch_->word_.change_and_wait(node, [](std::uintptr_t& number) {
    check_left(number, 1);
    if (number == 1) return false;
    --number;
    return true;
  });
  if (queued == Queued::served) latch_->count_down();  // the last: no other thread counts
  return queued;
}

Queued LatchRequest::queue(Node& node) noexcept {
  return latch_->word_.wait_with(node, [](std::uintptr_t& number) { return number == 0; });
}

}  // namespace weft::inline v0_1::detail
