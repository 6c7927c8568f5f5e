// The queue of a semaphore.
//
// Invariants:
//  - while the waiting bit is set, the word is written with the mutex held only: take() and put()
//    leave it alone. The bit is set and cleared with the mutex held;
//  - with the mutex free, the bit is set if the queue has a waiter, and the permits in the word are
//    then fewer than the first one wants. When the last waiter has had what it wants and nothing is
//    left, the bit stays: the next one who comes will have to wait, too, as a rule, and need not
//    set it. So with the bit set and an empty queue there are no permits in the word;
//  - permits are in one place: in the word, or with whoever has them in hand, or granted. So none
//    is lost and none is given twice;
//  - nothing of the semaphore is touched after the step that makes its permits available: a
//    successful put(), or the unlocking before the granted are woken. Permits that are left over
//    when the queue becomes empty are therefore not stored with the mutex held: whoever took them
//    could destroy the semaphore before it is unlocked. They are put() afterwards. Until then
//    somebody who comes sees none and queues himself, and the put() finds him.
#include <weft/semaphore.hpp>

#include <mutex>

#include "base/check.hpp"

namespace weft {

Semaphore::Semaphore(std::size_t permits) noexcept : word_(std::uintptr_t{permits} << 1) {
  WEFT_CHECK(permits <= most_permits, "a semaphore cannot have so many permits");
}

Semaphore::~Semaphore() {
  WEFT_CHECK(waiters_.first() == nullptr,
             "a semaphore died while somebody waited: end the waits first");
}

/// With the mutex held, of a waiter that is there.
std::size_t Semaphore::wanted_by_first() const noexcept {
  // SAFETY: wait_with() takes no other waiters.
  return static_cast<const detail::SemaphoreWaiter*>(waiters_.first())->permits();
}

/// With the mutex held: gives to the first in the queue what they want, as long as it is enough.
/// Gives what is left when nobody waits any more: to be put() when the mutex is free.
inline std::size_t Semaphore::grant(std::size_t permits, ServedList& served) noexcept {
  // Relaxed: with the bit set, the last one who wrote the word had the mutex.
  const std::uintptr_t word = word_.load(std::memory_order_relaxed);
  WEFT_CHECK(permits <= most_permits - (word >> 1), "a semaphore cannot have so many permits");
  if ((word & waiting_bit) == 0) return permits;  // they have gone meanwhile
  std::size_t left = (word >> 1) + permits;
  while (waiters_.first() != nullptr && wanted_by_first() <= left) {
    left -= wanted_by_first();
    waiters_.serve_first(served);
  }
  // Relaxed: a word with the bit is read with the mutex held, and one without permits gives nothing
  // to anybody; what was released reaches its taker by the mutex, or by the put() that follows.
  if (waiters_.first() != nullptr || left == 0) {
    word_.store(left << 1 | waiting_bit, std::memory_order_relaxed);
    return 0;
  }
  word_.store(0, std::memory_order_relaxed);
  return left;
}

void Semaphore::release_to_waiters(std::size_t permits) noexcept {
  ServedList served;
  do {
    std::lock_guard lock(mutex_);
    permits = grant(permits, served);
  } while (permits != 0 && !put(permits));
  served.wake_all();
}

/// With the mutex held: takes the permits, or has the bit set.
bool Semaphore::take_or_mark(std::size_t permits) noexcept {
  std::uintptr_t word = word_.load(std::memory_order_relaxed);
  while ((word & waiting_bit) == 0) {
    const bool enough = permits <= word >> 1;
    const std::uintptr_t next = enough ? word - (permits << 1) : word | waiting_bit;
    // Acquire: pairs with the release in put(), also if the permits are granted to another later:
    // that one comes after this by the mutex.
    if (word_.compare_exchange_weak(word, next, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return enough;
    }
  }
  // Nobody may wait, but then there are no permits either.
  return permits == 0 && waiters_.first() == nullptr;
}

Queued Semaphore::wait_with(detail::SemaphoreWaiter& waiter) noexcept {
  std::lock_guard lock(mutex_);
  if (WaiterList::refuses(waiter)) return Queued::refused;
  if (take_or_mark(waiter.permits())) {
    WaiterList::served_at_once(waiter);
    return Queued::served;
  }
  waiters_.append(waiter);
  return Queued::waiting;
}

bool Semaphore::withdraw(detail::SemaphoreWaiter& waiter) noexcept {
  ServedList served;
  std::size_t left = 0;
  {
    std::lock_guard lock(mutex_);
    if (!waiters_.withdraw(waiter)) return false;
    left = grant(0, served);  // what was too little for it may be enough for the next
  }
  if (left != 0 && !put(left)) release_to_waiters(left);
  served.wake_all();
  return true;
}

std::size_t Semaphore::waiting() const noexcept {
  std::lock_guard lock(mutex_);
  return waiters_.size();
}

}  // namespace weft
