// Scope and ScopeGroup: a body and the children it spawns; the failure of one cancels the others.
// Called by scope() and, for each child, by SpawnedTask on the child's thread.
#include <weft/scope.hpp>

#include <utility>

#include "task/end_wait.hpp"

namespace weft::inline v0_1 {

detail::OwnedTasks& detail::owned_tasks_of(Scope& scope) noexcept { return scope; }

void Scope::added() noexcept {
  counts_.fetch_add(one_left + 1, std::memory_order_relaxed);
  group_.add_child();
}

void Scope::cancel_children() noexcept {
  // Relaxed, here and below: this cancel and one of the parent may come in either order.
  if (!group_.parent().cancel_requested()) {
    group_.dismissed_.store(true, std::memory_order_relaxed);
  }
  cancel_all();
}

void Scope::cancelled() noexcept {
  if (group_.dismissed_.load(std::memory_order_relaxed)) return;
  group_.child_cancelled_.store(true, std::memory_order_relaxed);
}

void Scope::failed(const std::exception_ptr& error) noexcept { group_.note_failure(error); }

bool Scope::ended() noexcept {
  counts_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

// Called after the child's joiner was woken: the joiner sees the failure rather than the cancel.
void Scope::removed(bool failed) noexcept {
  if (failed) group_.cancel_rest();
  // Release: a task that all_ended() lets go on sees what the children wrote. Acquire: the last one
  // hands on what the others published.
  const std::uint64_t before = counts_.fetch_sub(one_left, std::memory_order_acq_rel);
  if (before < 2 * one_left) group_.no_children_left();
  group_.child_ended();
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

void ScopeGroup::note_failure(const std::exception_ptr& error) noexcept {
  std::lock_guard lock(mutex_);
  if (error_ == nullptr) error_ = error;  // the first one counts
}

/// Called by a child that has failed and still counts, so the group lives.
void ScopeGroup::cancel_rest() noexcept {
  // Relaxed: only decides which child cancels the others.
  if (!rest_cancelled_.exchange(true, std::memory_order_relaxed)) cancel_children();
}

void ScopeGroup::on_child_end(std::size_t, bool cancelled, bool failed) noexcept {
  body_cancelled_ = cancelled;
  if (failed) {
    note_failure(body_error());
    cancel_rest();
  }
  child_ended();
}

void ScopeGroup::cancel_children() noexcept {
  cancel_body();
  scope_->cancel_all();
}

SpawnedTask::Registered ScopeGroup::wait_with(AllEndedAwaiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  if (waiter.cancelled_) return SpawnedTask::Registered::refused;
  // Acquire: pairs with the release in removed(). A child that comes to zero after this load finds
  // the waiter, with the mutex held.
  if (scope_->counts_.load(std::memory_order_acquire) < Scope::one_left) {
    return SpawnedTask::Registered::ended;
  }
  waiter.next_ = std::exchange(waiting_, &waiter);
  return SpawnedTask::Registered::waiting;
}

bool ScopeGroup::withdraw(AllEndedAwaiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  for (AllEndedAwaiter** link = &waiting_; *link != nullptr; link = &(*link)->next_) {
    if (*link != &waiter) continue;
    *link = waiter.next_;
    return true;
  }
  waiter.cancelled_ = true;
  return false;
}

/// Called by the last child, which still counts, so the group lives.
void ScopeGroup::no_children_left() noexcept {
  AllEndedAwaiter* waiter = nullptr;
  {
    const std::lock_guard lock(mutex_);
    waiter = std::exchange(waiting_, nullptr);
  }
  while (waiter != nullptr) {  // each is gone once its leaf has ended
    std::exchange(waiter, waiter->next_)->task_->leaf_ended(false);
  }
}

bool AllEndedAwaiter::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  return suspend_until_end(task, innermost, *this,
                           [this] { return scope_.group_.wait_with(*this); });
}

void AllEndedAwaiter::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of an AllEndedAwaiter, which stays until
  // request_finished().
  auto& waiter = static_cast<AllEndedAwaiter&>(self);
  TaskHeader* const task = waiter.task_;
  if (waiter.scope_.group_.withdraw(waiter)) task->leaf_ended(true);
  task->request_finished();
}

bool ScopeGroup::ended_as_cancelled() noexcept {
  // The last child has ended: no other thread uses the group. The group's counter orders what the
  // children wrote. A child that the user cancelled does not set child_cancelled_, so this task
  // keeps its result. Another cancelled child sets it, and it counts if this task was cancelled.
  const bool child_too =
      child_cancelled_.load(std::memory_order_relaxed) && parent().cancel_requested();
  if (error_ != nullptr) return parent().cancel_requested() && is_cancelled_join(error_);
  return body_cancelled_ || child_too;
}

}  // namespace weft::inline v0_1::detail
