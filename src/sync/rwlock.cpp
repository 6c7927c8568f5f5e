// RwLock: the slow paths.
//
// Invariants, in addition to those of WaitableWord:
//  - The number counts the holders: the guards that exist, and the waiters that were served and are
//    being woken. A writer is the only holder.
//  - With the mutex free, the first waiter cannot be granted what it wants beside the present
//    holders. So while there is a waiter there is a holder, and the number is not zero.
//  - The number becomes zero only by a change() without the mutex, as the last touch of the thread
//    that unlocks. In give_to_waiters() the queue has a waiter, which is granted the lock.
#include <weft/rwlock.hpp>

#include "base/check.hpp"

namespace weft::inline v0_1 {

RwLock::~RwLock() {
  word_.check_unawaited(
      "a lock is destroyed while a task waits: end the task first (declare a "
      "Runtime after what its tasks use)");
}

ReadGuard RwLock::blocking_read() {
  return wait_on_thread(detail::ReadLockRequest(*this), "weft::RwLock::blocking_read");
}

WriteGuard RwLock::blocking_write() {
  return wait_on_thread(detail::WriteLockRequest(*this), "weft::RwLock::blocking_write");
}

/// Serves waiters from the front of the queue while what they want can be granted.
void RwLock::grant(detail::WaitableWord::Held& held, ServedList& served) noexcept {
  while (Waiter* const first = held.waiters().first()) {
    // SAFETY: wait_with() queues no other waiters.
    if (!add(held.number, static_cast<Node*>(first)->wants)) return;
    held.waiters().serve_first(served);
  }
}

/// False: there is no waiter any more; the caller tries again.
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
    grant(held, served);  // waiters behind a withdrawn writer may be granted now
  }
  served.wake_all();
  return true;
}

}  // namespace weft::inline v0_1
