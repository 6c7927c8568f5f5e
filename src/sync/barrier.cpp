// Barrier: the slow paths.
//
// Invariants:
//  - The queue holds exactly the participants that have arrived in this round. There is no separate
//    count that a cancel could leave wrong. With the mutex free, they are fewer than participants_.
//  - The last participant to arrive dequeues all others with the mutex held. After it has unlocked
//    the mutex it does not touch the barrier: the participants it then wakes may destroy it.
#include <weft/barrier.hpp>

#include <mutex>

#include "base/check.hpp"

namespace weft::inline v0_1 {

Barrier::Barrier(std::size_t participants) noexcept : participants_(participants) {
  WEFT_CHECK(participants != 0, "a barrier needs at least one participant");
}

Barrier::~Barrier() {
  WEFT_CHECK(waiters_.first() == nullptr,
             "a barrier is destroyed while a task waits: end the task first (declare a "
             "Runtime after what its tasks use)");
}

bool Barrier::blocking_arrive_and_wait() {
  return wait_on_thread(detail::BarrierRequest(*this), "weft::Barrier::blocking_arrive_and_wait");
}

std::size_t Barrier::waiting() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiters_.size();
}

Queued Barrier::arrive(Node& node) noexcept {
  ServedList served;
  {
    const std::lock_guard lock(mutex_);
    if (WaiterList::refuses(node)) return Queued::refused;
    if (waiters_.size() + 1 < participants_) {
      waiters_.append(node);
      return Queued::waiting;
    }
    node.leads = true;
    WaiterList::served_at_once(node);
    while (waiters_.first() != nullptr) waiters_.serve_first(served);
  }
  served.wake_all();
  return Queued::served;
}

bool Barrier::withdraw(Node& node) noexcept {
  const std::lock_guard lock(mutex_);
  return waiters_.withdraw(node);
}

}  // namespace weft::inline v0_1
