// Mutex: the slow paths.
//
// The word's number is free or held. While a task or thread waits, it is held: unlock() hands the
// mutex to the waiter that waited longest and leaves the number as it is. Only the holder stores
// free, when there is no waiter, as its last touch.
#include <weft/mutex.hpp>

#include <utility>

#include "base/check.hpp"

namespace weft::inline v0_1 {

Mutex::~Mutex() {
  word_.check_unawaited(
      "a mutex is destroyed while a task waits: end the task first (declare a "
      "Runtime after what its tasks use)");
}

MutexGuard Mutex::blocking_lock() {
  return wait_on_thread(detail::LockRequest(*this), "weft::Mutex::blocking_lock");
}

/// False: there is no waiter any more; the caller tries again.
bool Mutex::unlock_slowly() noexcept {
  if (word_.serve_one()) return true;
  WEFT_CHECK(locked(), "a mutex was unlocked that was not locked");
  return false;
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

Queued LockRequest::queue(Node& node) noexcept {
  return mutex_->word_.wait_with(node, [](std::uintptr_t& number) {
    return std::exchange(number, Mutex::held) == Mutex::free;
  });
}

}  // namespace weft::inline v0_1::detail
