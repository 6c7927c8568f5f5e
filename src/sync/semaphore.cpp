// Semaphore: the queue.
//
// Invariants:
//  - While the waiting bit is set, the word is written only with the mutex held: take() and put()
//    do not change it. The bit is set and cleared only with the mutex held.
//  - With the mutex free: if the queue has a waiter, the bit is set and the word has fewer permits
//    than the first waiter wants. When the last waiter was served and no permit is left, the bit
//    stays set, because the next task to come will usually have to wait too and then need not set
//    it. So with the bit set and an empty queue the word has no permits.
//  - A closed semaphore has the bit set for good, and no waiters: so take() and put() fail, and
//    what is released stays in the word, where no wait takes it.
//  - A permit is in exactly one place: in the word, held by a caller, or granted to a waiter. So
//    none is lost and none is given twice.
//  - The semaphore is not touched after the step that makes its permits available: a successful
//    put(), or the unlock before the granted waiters are woken. So permits that are left over when
//    the queue becomes empty are not stored with the mutex held: a thread that took them could
//    destroy the semaphore before it is unlocked. They are put() after the unlock. A waiter that
//    comes in between finds no permit and queues itself, and the put() then fails and serves it.
#include <weft/semaphore.hpp>

#include <weft/result.hpp>

#include <mutex>

#include "base/check.hpp"

namespace weft::inline v0_1 {

Semaphore::Semaphore(std::size_t permits) noexcept : word_(std::uintptr_t{permits} << 1) {
  WEFT_CHECK(permits <= most_permits, "a semaphore cannot have so many permits");
}

Semaphore::~Semaphore() {
  WEFT_CHECK(waiters_.first() == nullptr,
             "a semaphore is destroyed while a task waits: end the task first (declare a "
             "Runtime after what its tasks use)");
}

/// Precondition: the mutex is held and there is a waiter.
std::size_t Semaphore::wanted_by_first() const noexcept {
  // SAFETY: wait_with() takes no other waiters.
  return static_cast<const detail::SemaphoreWaiter*>(waiters_.first())->permits();
}

/// With the mutex held: serves waiters from the front of the queue while the permits are enough.
/// Returns the permits left over when the queue has become empty, which the caller must put() after
/// it has unlocked.
inline std::size_t Semaphore::grant(std::size_t permits, ServedList& served) noexcept {
  // Relaxed: while the bit is set, the last thread that wrote the word held the mutex.
  const std::uintptr_t word = word_.load(std::memory_order_relaxed);
  WEFT_CHECK(permits <= most_permits - (word >> 1), "a semaphore cannot have so many permits");
  if ((word & waiting_bit) == 0) return permits;  // the waiters have gone meanwhile
  std::size_t left = (word >> 1) + permits;
  while (waiters_.first() != nullptr && wanted_by_first() <= left) {
    left -= wanted_by_first();
    waiters_.serve_first(served);
  }
  // Relaxed: a word with the bit is read with the mutex held, and a word without permits gives
  // nothing to take(). What was released reaches the thread that takes the permits through the
  // mutex, or through the put() that follows.
  if (waiters_.first() != nullptr || left == 0 || closed_) {
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

/// With the mutex held: takes the permits and returns true, or makes sure that the bit is set.
bool Semaphore::take_or_mark(std::size_t permits) noexcept {
  std::uintptr_t word = word_.load(std::memory_order_relaxed);
  while ((word & waiting_bit) == 0) {
    const bool enough = permits <= word >> 1;
    const std::uintptr_t next = enough ? word - (permits << 1) : word | waiting_bit;
    // Acquire: pairs with the release in put(). It is needed even if the permits are granted to
    // another waiter later: that grant comes after this one by the mutex.
    if (word_.compare_exchange_weak(word, next, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return enough;
    }
  }
  // The queue may be empty although the bit is set; then there are no permits either.
  return permits == 0 && waiters_.first() == nullptr;
}

Queued Semaphore::wait_with(detail::SemaphoreWaiter& waiter) noexcept {
  std::lock_guard lock(mutex_);
  if (WaiterList::refuses(waiter)) return Queued::refused;
  if (closed_) {
    waiter.closed_ = true;
    WaiterList::served_at_once(waiter);
    return Queued::served;
  }
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
    left = grant(0, served);  // may be enough for the next waiter
  }
  if (left != 0 && !put(left)) release_to_waiters(left);
  served.wake_all();
  return true;
}

void Semaphore::close() noexcept {
  ServedList served;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    // Relaxed: no permit is taken any more, so nothing is to be seen through the word.
    word_.fetch_or(waiting_bit, std::memory_order_relaxed);
    while (Waiter* const first = waiters_.first()) {
      // SAFETY: wait_with() takes no other waiters.
      static_cast<detail::SemaphoreWaiter*>(first)->closed_ = true;
      waiters_.serve_first(served);
    }
  }
  served.wake_all();
}

bool Semaphore::closed() const noexcept {
  std::lock_guard lock(mutex_);
  return closed_;
}

std::size_t Semaphore::waiting() const noexcept {
  std::lock_guard lock(mutex_);
  return waiters_.size();
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

void AcquireRequest::throw_closed() {
  throw IoError(std::make_error_code(std::errc::operation_canceled), "acquire",
                "a semaphore that was closed");
}

}  // namespace weft::inline v0_1::detail
