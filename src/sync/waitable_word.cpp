// The slow ways of a word that is waited for.
//
// Invariants:
//  - while the waiting bit is set, the word is written with the mutex held only: change() and
//    replace() leave it alone. The bit is set and cleared with the mutex held;
//  - with the mutex free, the bit is set if and only if the queue has a waiter;
//  - a waiter is served with the mutex held and woken when it is free, by whoever served it, who
//    touches the word no more, or only by a change that lets nobody see that he may go on before
//    it is done.
//
// Who goes on may destroy the word: one who was woken, by the last of these; one who found a number
// that lets him go on, because that number is stored as the last touch of who stored it. With the
// mutex held such a number may not be stored, as its finder would not wait for the unlocking. So
// who lets everybody go on takes out those who wait, leaves the number as it was, and changes it by
// change() when the mutex is free; if others have come meanwhile that fails, and he begins again.
#include <weft/detail/waitable_word.hpp>

#include "base/check.hpp"

namespace weft::detail {

WaitableWord::Held::Held(WaitableWord& word) noexcept : word_(word), lock_(word.mutex_) {
  // Relaxed: with the bit set, the last one who wrote the word had the mutex.
  const std::uintptr_t bits = word_.word_.load(std::memory_order_relaxed);
  awaited_ = (bits & waiting_bit) != 0;
  number = bits >> 1;
}

WaitableWord::Held::~Held() {
  if (!awaited_) return;
  const std::uintptr_t bit = word_.waiters_.first() != nullptr ? waiting_bit : 0;
  // Release: what earlier changes published has reached this thread by the bit and the mutex, and
  // who finds this number, or one that was made of it, must see it as well.
  word_.word_.store(number << 1 | bit, std::memory_order_release);
}

std::size_t WaitableWord::waiting() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiters_.size();
}

void WaitableWord::check_unawaited(const char* message) const noexcept {
  // Relaxed: that nobody uses the word any more is the caller's to see to.
  WEFT_CHECK((word_.load(std::memory_order_relaxed) & waiting_bit) == 0, message);
}

bool WaitableWord::withdraw(Waiter& waiter) noexcept {
  Held held(*this);
  return held.waiters().withdraw(waiter);
}

bool WaitableWord::serve_one() noexcept {
  ServedList served;
  {
    Held held(*this);
    if (!held.awaited()) return false;
    held.waiters().serve_first(served);
  }
  served.wake_all();
  return true;
}

void WaitableWord::take_all(ServedList& all) noexcept {
  Held held(*this);
  while (held.waiters().first() != nullptr) held.waiters().serve_first(all);
}

}  // namespace weft::detail
