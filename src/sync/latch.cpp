// A latch that is waited for.
//
// The word's number is the count. While somebody waits it is not zero: it becomes zero by a
// change() as the last touch, after all who waited were taken out (see wait_word.cpp). Who is about
// to do that has the last of the count: so nobody else can count down in between.
#include <weft/latch.hpp>

#include "base/check.hpp"

namespace weft {
namespace {

void check_left(std::uintptr_t left, std::size_t count) noexcept {
  WEFT_CHECK(count <= left, "a latch was counted down below zero");
}

}  // namespace

Latch::Latch(std::size_t count) noexcept : word_(count) {
  WEFT_CHECK(count <= most, "a latch cannot count so far");
}

Latch::~Latch() {
  word_.check_unawaited("a latch died while somebody waited: end the waits first");
}

bool Latch::reaches_zero(std::size_t count) noexcept {
  ServedList served;
  std::uintptr_t left = 0;
  const auto step = [count, &left](std::uintptr_t& number) {
    check_left(number, count);
    left = number -= count;
    return true;
  };
  // Release: pairs with the acquire in ready() and in wait_with(). Each of the changes continues
  // what those before have published.
  while (!word_.change(step, std::memory_order_release)) {
    if (count_down_awaited(count, served)) return false;
  }
  served.wake_all();
  return left == 0;
}

/// Counts down, and gives true, if somebody waits and goes on waiting. Else takes out who waits.
bool Latch::count_down_awaited(std::size_t count, ServedList& served) noexcept {
  WaitWord::Held held(word_);
  if (!held.awaited()) return false;
  check_left(held.number, count);
  if (held.number != count) {
    held.number -= count;
    return true;
  }
  while (held.waiters().first() != nullptr) held.waiters().serve_first(served);
  return false;
}

void Latch::blocking_wait() { wait_on_thread(LatchRequest(*this), "weft::Latch::blocking_wait"); }

void Latch::blocking_arrive_and_wait() {
  wait_on_thread(ArriveAtLatchRequest(*this), "weft::Latch::blocking_arrive_and_wait");
}

Queued LatchRequest::queue(Node& node) noexcept {
  return latch_->word_.wait_with(node, [](std::uintptr_t& number) { return number == 0; });
}

}  // namespace weft
