// WaitableWord: the slow paths.
//
// Invariants:
//  - While the waiting bit is set, the word is written only with the mutex held: change() and
//    replace() do not change it. The bit is set and cleared only with the mutex held.
//  - With the mutex free, the bit is set if and only if the queue has a waiter.
//  - A waiter is served with the mutex held. The thread that served it wakes it after it has
//    unlocked the mutex. In between, that thread touches the word at most by one successful
//    change(): until that change no other thread can see that it may proceed.
//
// Why a task or thread that proceeds may destroy the word:
//  - It was woken: by the third invariant the waking thread does not touch the word any more.
//  - It found a number that lets it proceed: that number is stored as the last touch of the thread
//    that stored it.
// So such a number must not be stored with the mutex held, because the thread that finds it would
// not wait for the unlock. To release all waiters: dequeue them under the mutex with the number
// unchanged, unlock, change the number by change(), wake. If change() fails because new waiters
// arrived, dequeue those too and try again.
#include <weft/detail/waitable_word.hpp>

#include "base/check.hpp"

namespace weft::inline v0_1::detail {

WaitableWord::Held::Held(WaitableWord& word) noexcept : word_(word), lock_(word.mutex_) {
  // Relaxed: while the bit is set, the last thread that wrote the word held the mutex.
  const std::uintptr_t bits = word_.word_.load(std::memory_order_relaxed);
  awaited_ = (bits & waiting_bit) != 0;
  number = bits >> 1;
}

WaitableWord::Held::~Held() {
  if (!awaited_) return;
  const std::uintptr_t bit = word_.waiters_.first() != nullptr ? waiting_bit : 0;
  // Release: what earlier changes published has reached this thread through the bit and the mutex.
  // A thread that finds this number, or one derived from it, must see it as well.
  word_.word_.store(number << 1 | bit, std::memory_order_release);
}

std::size_t WaitableWord::waiting() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiters_.size();
}

void WaitableWord::check_unawaited(const char* message) const noexcept {
  // Relaxed: the caller guarantees that no other thread uses the word any more.
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

}  // namespace weft::inline v0_1::detail
