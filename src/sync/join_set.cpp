// JoinSetCore: the tasks of a set, their ends, and the waits for results.
//
// Invariants:
//  - A member is in one place: in the list of running ones; in the queue of ended ones; with the
//    wait that takes it; or let go. The reference that the set has of it goes along.
//  - The task's block stays while the member has the task's handle. The handle is dropped only with
//    uses_ at zero. A cancel counts as a use, and begins none at zero. So a cancel from any thread
//    meets a block that lives, and the last of the task's end and of the cancels under way makes
//    the result available.
//  - Waits for results are queued only while a task runs and no result is there. So a result goes
//    to the wait that is first in the queue, and the last end releases the others without one.
//  - mutex_ is never held when a task is cancelled: that task may wait for a result of this set,
//    and its wait is withdrawn there and then. running_mutex_ is held, so that no member leaves
//    the list meanwhile; a cancel runs no task (see OwnedTasks::cancel_all()).
//
// A member keeps the core. So the core outlives the set until the last task that was let go of has
// ended, or has been detached.
#include <weft/join_set.hpp>

#include <mutex>
#include <stdexcept>
#include <utility>

#include "base/check.hpp"

namespace weft::inline v0_1::detail {

JoinSetMember::JoinSetMember(JoinSetCore& core, OwnedPermit place) noexcept
    : JoinWaiter(&JoinSetMember::on_end), core_(core), place_(std::move(place)) {
  core_.hold();
}

JoinSetMember::~JoinSetMember() {
  place_.release();  // before the core may go, whose semaphore it is of
  core_.drop();
}

void JoinSetMember::drop() noexcept {
  // Release: what this holder did happens before the destruction. Acquire: for the last one.
  if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void JoinSetMember::cancel() noexcept {
  // Relaxed, also on failure: the value decides only what to try.
  std::uint32_t uses = uses_.load(std::memory_order_relaxed);
  while (uses != 0) {
    // Relaxed: nothing is read that was published through it. The task is set before another
    // thread can have the member.
    if (uses_.compare_exchange_weak(uses, uses + 1, std::memory_order_relaxed,
                                    std::memory_order_relaxed)) {
      task_->cancel_by_holder();
      return end_use();
    }
  }
}

void JoinSetMember::on_end(JoinWaiter& self) noexcept {
  // SAFETY: this function is given only to the JoinWaiter of a JoinSetMember.
  static_cast<JoinSetMember&>(self).end_use();
}

void JoinSetMember::end_use() noexcept {
  // Release: what this use did happens before the handle is dropped. Acquire: for the last one.
  if (uses_.fetch_sub(1, std::memory_order_acq_rel) == 1) core_.ended(*this);
}

JoinSetCore::JoinSetCore(std::size_t most)
    : most_(most), places_(most < Semaphore::most_permits ? most : Semaphore::most_permits) {
  if (most == 0) throw std::invalid_argument("weft::JoinSet: a limit of 0 lets no task run");
}

void JoinSetCore::drop() noexcept {
  // Release: what this holder did happens before the destruction. Acquire: for the last one.
  if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

JoinSetCore::~JoinSetCore() {
  WEFT_CHECK(waiters_.first() == nullptr && idle_waiters_.first() == nullptr,
             "a JoinSet is destroyed while a task waits for it: end the wait first");
}

void JoinSetCore::let_go(JoinSetMember& member) noexcept {
  member.let_go();
  member.drop();
}

void JoinSetCore::begin(JoinSetMember& member, SpawnedTask& task) noexcept {
  member.task_ = &task;
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  {
    const std::lock_guard lock(running_mutex_);
    member.number_ = next_number_++;
    member.next_ = first_running_;
    if (first_running_ != nullptr) first_running_->previous_ = &member;
    first_running_ = &member;
  }
  switch (task.wait_with(member)) {
    case SpawnedTask::Registered::waiting:
      return;
    case SpawnedTask::Registered::refused: {  // detach_all() has come in between
      const std::lock_guard lock(running_mutex_);
      member.detached_ = true;
      break;
    }
    case SpawnedTask::Registered::ended:
      break;
  }
  member.end_use();
}

/// The last use of a member has ended: its task has ended, or it was detached.
void JoinSetCore::ended(JoinSetMember& member) noexcept {
  hold();  // the member, and what it holds, may go before this returns
  unlist(member);
  member.place_.release();
  ServedList served;
  bool let_go_now = false;
  {
    const std::lock_guard lock(mutex_);
    --running_;
    let_go_now = member.detached_ || abandoned_;
    if (!let_go_now) {
      // SAFETY, below as well: wait_with() takes no other waiters.
      if (Waiter* const first = waiters_.first()) {
        static_cast<JoinSetWaiter*>(first)->member_ = &member;
        waiters_.serve_first(served);
      } else {
        member.next_ = nullptr;
        *(first_ended_ != nullptr ? &last_ended_->next_ : &first_ended_) = &member;
        last_ended_ = &member;
        ++ended_;
      }
    }
    if (running_ == 0) {
      while (idle_waiters_.first() != nullptr) idle_waiters_.serve_first(served);
      while (waiters_.first() != nullptr) waiters_.serve_first(served);  // no more results
    }
  }
  served.wake_all();
  if (let_go_now) let_go(member);
  drop();
}

void JoinSetCore::unlist(JoinSetMember& member) noexcept {
  const std::lock_guard lock(running_mutex_);
  JoinSetMember*& from_previous =
      member.previous_ != nullptr ? member.previous_->next_ : first_running_;
  from_previous = member.next_;
  if (member.next_ != nullptr) member.next_->previous_ = member.previous_;
}

void JoinSetCore::cancel_all() noexcept {
  const std::lock_guard lock(running_mutex_);
  for (JoinSetMember* each = first_running_; each != nullptr; each = each->next_) {
    // A task in the list has its handle: unlist() comes before the handle is dropped.
    each->task_->cancel_by_holder();
  }
}

void JoinSetCore::detach_all() noexcept {
  JoinSetMember* withdrawn = nullptr;
  {
    const std::lock_guard lock(running_mutex_);
    for (JoinSetMember* each = first_running_; each != nullptr; each = each->next_) {
      if (each->detached_ || !each->task_->withdraw(*each)) continue;  // it is ending
      each->detached_ = true;
      each->hold();
      each->next_detached_ = std::exchange(withdrawn, each);
    }
  }
  while (withdrawn != nullptr) {
    JoinSetMember* const each = std::exchange(withdrawn, withdrawn->next_detached_);
    each->end_use();  // instead of on_end(), which will not be called
    each->drop();
  }
  let_go_of_results();
}

void JoinSetCore::abandon() noexcept {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    WEFT_CHECK(waiters_.first() == nullptr && idle_waiters_.first() == nullptr,
               "a JoinSet is destroyed while a task waits for it: end the wait first");
  }
  cancel_all();
  detach_all();
}

void JoinSetCore::let_go_of_results() noexcept {
  while (JoinSetMember* const member = take_ended()) let_go(*member);
}

std::size_t JoinSetCore::size() const noexcept {
  const std::lock_guard lock(mutex_);
  return running_ + ended_;
}

std::size_t JoinSetCore::running() const noexcept {
  const std::lock_guard lock(mutex_);
  return running_;
}

/// With mutex_ held.
JoinSetMember* JoinSetCore::pop_ended() noexcept {
  JoinSetMember* const member = first_ended_;
  if (member == nullptr) return nullptr;
  first_ended_ = member->next_;
  --ended_;
  return member;
}

JoinSetMember* JoinSetCore::take_ended() noexcept {
  const std::lock_guard lock(mutex_);
  return pop_ended();
}

/// With mutex_ held. True: the wait need not wait.
bool JoinSetCore::take_locked(JoinSetWaiter& waiter) noexcept {
  waiter.member_ = pop_ended();
  return waiter.member_ != nullptr || running_ == 0;
}

bool JoinSetCore::take(JoinSetWaiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  return take_locked(waiter);
}

Queued JoinSetCore::wait_with(JoinSetWaiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  if (WaiterList::refuses(waiter)) return Queued::refused;
  if (take_locked(waiter)) {
    WaiterList::served_at_once(waiter);
    return Queued::served;
  }
  waiters_.append(waiter);
  return Queued::waiting;
}

bool JoinSetCore::withdraw(JoinSetWaiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  return waiters_.withdraw(waiter);
}

Queued JoinSetCore::wait_idle_with(Waiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  if (WaiterList::refuses(waiter)) return Queued::refused;
  if (running_ == 0) {
    WaiterList::served_at_once(waiter);
    return Queued::served;
  }
  idle_waiters_.append(waiter);
  return Queued::waiting;
}

bool JoinSetCore::withdraw_idle(Waiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  return idle_waiters_.withdraw(waiter);
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

void CancelHandle::throw_limited() {
  throw std::logic_error(
      "weft::JoinSet::spawn: this set has a limit: pass a place, co_await set.place(), or use "
      "try_spawn() or spawn_when_free()");
}

void CancelHandle::check_place(const OwnedPermit& place, const Semaphore& places) {
  if (place && place.lock().get() == &places) return;
  throw std::invalid_argument(
      "weft::JoinSet::spawn: the place is empty, or of another set: use co_await set.place()");
}

}  // namespace weft::inline v0_1
