// ConditionVariable: the queue, and the two steps of a wait.
//
// A wait has two nodes. The first stands in the queue of the condition variable, from before the
// mutex is unlocked, so that no notification is missed. It leaves that queue once: served by a
// notification, or withdrawn by a cancel. The thread that took it out then queues the second node
// at the mutex, for which there is no cancel. When the mutex is granted the leaf ends: as
// cancelled, if the first node was withdrawn.
//
// Why the leaf lives long enough: it is gone only after leaf_ended(), which follows the grant of
// the mutex. A cancel that withdraws the first node is busy at the cancel slot until
// request_finished(); leaf_ended() waits for that. While the first node is queued the mutex is held
// by the thread that queued it, until its unlock(), which touches neither leaf nor guard.
#include <weft/condition_variable.hpp>

#include <weft/detail/misuse.hpp>
#include <weft/extend/queue_op.hpp>

#include <mutex>

#include "base/check.hpp"

namespace weft::inline v0_1 {

ConditionVariable::~ConditionVariable() {
  WEFT_CHECK(waiters_.first() == nullptr,
             "a condition variable is destroyed while a task waits: end the task first (declare a "
             "Runtime after what its tasks use)");
}

bool ConditionVariable::queue(Waiter& waiter, MutexGuard& guard) noexcept {
  Mutex& unlocked = detail::mutex_of(guard);
  {
    const std::lock_guard lock(mutex_);
    if (WaiterList::refuses(waiter)) return false;
    guard.forget();
    waiters_.append(waiter);
  }
  unlocked.unlock();
  return true;
}

bool ConditionVariable::withdraw(Waiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  return waiters_.withdraw(waiter);
}

void ConditionVariable::notify_one() noexcept {
  ServedList served;
  {
    const std::lock_guard lock(mutex_);
    if (waiters_.first() != nullptr) waiters_.serve_first(served);
  }
  served.wake_all();
}

void ConditionVariable::notify_all() noexcept {
  ServedList served;
  {
    const std::lock_guard lock(mutex_);
    while (waiters_.first() != nullptr) waiters_.serve_first(served);
  }
  served.wake_all();
}

std::size_t ConditionVariable::waiting() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiters_.size();
}

void ConditionVariable::blocking_wait(MutexGuard& guard) {
  require_thread_may_block("weft::ConditionVariable::blocking_wait");
  Mutex& mutex = detail::mutex_of(guard);
  ThreadNode<Waiter> node;
  static_cast<void>(queue(node, guard));  // nothing withdraws it
  node.wait();
  guard = mutex.blocking_lock();
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

Mutex& mutex_of(const MutexGuard& guard) noexcept {
  if (guard.mutex_ == nullptr) [[unlikely]]
    misused("weft::ConditionVariable", "the guard holds no mutex: lock it before the wait");
  return *guard.mutex_;
}

ConditionAwaiter::ConditionAwaiter(ConditionVariable& changed, MutexGuard& guard) noexcept
    : CancelHook(&ConditionAwaiter::on_cancel_request),
      changed_(changed),
      guard_(guard),
      mutex_(mutex_of(guard)),
      notified_(&ConditionAwaiter::on_notified, *this),
      lock_(&ConditionAwaiter::on_locked, *this) {}

void ConditionAwaiter::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  if (!task.suspended_and_armed(innermost, *this)) return;
  if (!changed_.queue(notified_, guard_)) task.leaf_ended(true);
}

// SAFETY, in the three functions below: each is given only to the node, or the hook, of a
// ConditionAwaiter.

void ConditionAwaiter::on_notified(Runnable& self) noexcept {
  static_cast<Node&>(self).awaiter.lock_again(false);
}

void ConditionAwaiter::on_locked(Runnable& self) noexcept {
  static_cast<Node&>(self).awaiter.locked();
}

void ConditionAwaiter::on_cancel_request(CancelHook& self) noexcept {
  auto& awaiter = static_cast<ConditionAwaiter&>(self);
  TaskHeader* const task = awaiter.task_;
  if (awaiter.changed_.withdraw(awaiter.notified_)) awaiter.lock_again(true);
  task->request_finished();
}

/// The awaiter may be gone when this returns, unless a canceller is at work.
void ConditionAwaiter::lock_again(bool cancelled) noexcept {
  cancelled_ = cancelled;
  LockRequest request(mutex_);
  if (request.take(lock_) || request.queue(lock_) == Queued::served) locked();
}

void ConditionAwaiter::locked() noexcept {
  guard_ = LockRequest(mutex_).result(lock_);
  task_->leaf_ended(cancelled_);
}

}  // namespace weft::inline v0_1::detail
