// A mutex that is waited for.
//
// The word's number: free, or held. While somebody waits it is held: who unlocks serves the one who
// has waited longest, who holds it from then on, and leaves the number alone. Only the holder
// makes it free, with nobody waiting, as its last touch.
#include <weft/mutex.hpp>

#include <utility>

#include "base/check.hpp"

namespace weft {

Mutex::~Mutex() {
  word_.check_unawaited("a mutex died while somebody waited: end the waits first");
}

MutexGuard Mutex::blocking_lock() {
  return wait_on_thread(detail::LockRequest(*this), "weft::Mutex::blocking_lock");
}

/// False: nobody waits any more, try again.
bool Mutex::unlock_slowly() noexcept {
  if (word_.serve_one()) return true;
  WEFT_CHECK(locked(), "a mutex was unlocked that was not locked");
  return false;
}

}  // namespace weft

namespace weft::detail {

Queued LockRequest::queue(Node& node) noexcept {
  return mutex_->word_.wait_with(node, [](std::uintptr_t& number) {
    return std::exchange(number, Mutex::held) == Mutex::free;
  });
}

}  // namespace weft::detail
