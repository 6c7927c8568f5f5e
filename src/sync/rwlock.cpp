// A lock of readers and writers that is waited for.
//
// Invariants, beside those of the word:
//  - the number counts those who hold the lock: those who have it in hand, and those who were
//    served and are being woken. A writer is alone;
//  - with the mutex free, the first in the queue cannot be granted what it wants beside those who
//    hold the lock. So while somebody waits, somebody holds it: the number is not free;
//  - the number becomes free only by a change() without the mutex, as the last touch of who
//    unlocked. With the mutex held there is somebody in the queue then, who is granted it.
#include <weft/rwlock.hpp>

#include "base/check.hpp"

namespace weft {

RwLock::~RwLock() {
  word_.check_unawaited("a lock died while somebody waited: end the waits first");
}

ReadGuard RwLock::blocking_read() {
  return wait_on_thread(detail::ReadLockRequest(*this), "weft::RwLock::blocking_read");
}

WriteGuard RwLock::blocking_write() {
  return wait_on_thread(detail::WriteLockRequest(*this), "weft::RwLock::blocking_write");
}

/// Gives the first in the queue what they want, as long as that is possible.
void RwLock::grant(detail::WaitableWord::Held& held, ServedList& served) noexcept {
  while (Waiter* const first = held.waiters().first()) {
    // SAFETY: wait_with() queues no other waiters.
    if (!add(held.number, static_cast<Node*>(first)->wants)) return;
    held.waiters().serve_first(served);
  }
}

/// False: nobody waits any more, try again.
bool RwLock::give_to_waiters(std::uintptr_t had, std::uintptr_t rest) noexcept {
  ServedList served;
  {
    detail::WaitableWord::Held held(word_);
    if (!held.awaited()) return false;
    held.number = held.number - had + rest;
    grant(held, served);
  }
  served.wake_all();
  return true;
}

Queued RwLock::wait_with(Node& node, std::uintptr_t wants) noexcept {
  node.wants = wants;
  return word_.wait_with(node, [wants](std::uintptr_t& number) { return add(number, wants); });
}

bool RwLock::withdraw(Node& node) noexcept {
  ServedList served;
  {
    detail::WaitableWord::Held held(word_);
    if (!held.waiters().withdraw(node)) return false;
    grant(held, served);  // those behind a writer need not wait for it any more
  }
  served.wake_all();
  return true;
}

}  // namespace weft
