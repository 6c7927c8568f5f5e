// Spawned tasks: who waits for the end, who destroys the block, who owns the task.
//
// The joint between a task and its handle is one word:
//   none      0        nobody waits yet
//   waiter    pointer  to be woken at the end               set by the handle's holder
//   refused   1        the wait was cancelled before it was registered; wait_with() takes it back
//                      to none                              set by a canceller
//   dropped   2        there is no handle any more: the end destroys the block
//                                                           set by the handle's holder
//   ended     3        final; the outcome may be read; the task touches its block no more, which is
//                      the handle's now                     set by the task
#include <weft/spawn.hpp>

#include <stdexcept>

#include "base/thread_context.hpp"

namespace weft::detail {

namespace {

constexpr std::uintptr_t none_word = 0;
constexpr std::uintptr_t refused_word = 1;
constexpr std::uintptr_t dropped_word = 2;
constexpr std::uintptr_t ended_word = 3;

std::uintptr_t word_of(JoinWaiter& waiter) noexcept {
  return reinterpret_cast<std::uintptr_t>(&waiter);
}

}  // namespace

bool SpawnedTask::ended() const noexcept {
  // Acquire: pairs with end(), so that the outcome may be read.
  return joint_.load(std::memory_order_acquire) == ended_word;
}

SpawnedTask::Registered SpawnedTask::wait_with(JoinWaiter& waiter) noexcept {
  std::uintptr_t expected = none_word;
  // Release: end() must see the waiter complete. Acquire on failure: the outcome may be read.
  if (joint_.compare_exchange_strong(expected, word_of(waiter), std::memory_order_release,
                                     std::memory_order_acquire)) {
    return Registered::waiting;
  }
  if (expected == ended_word) return Registered::ended;
  // Refused: whoever waits next may. If the task ends right now, its end is not overwritten.
  (void)joint_.compare_exchange_strong(expected, none_word, std::memory_order_relaxed,
                                       std::memory_order_relaxed);
  return Registered::refused;
}

bool SpawnedTask::withdraw(JoinWaiter& waiter) noexcept {
  std::uintptr_t word = joint_.load(std::memory_order_relaxed);
  for (;;) {
    if (word == ended_word) return false;
    const bool waiting = word == word_of(waiter);
    // Relaxed: nothing is published; the caller owns the waiter either way.
    if (joint_.compare_exchange_weak(word, waiting ? none_word : refused_word,
                                     std::memory_order_relaxed, std::memory_order_relaxed)) {
      return waiting;
    }
  }
}

void SpawnedTask::launch(PromiseBase& root, OwnedTasks& owner, Runnable& first,
                         TaskExecutor* executor) {
  owner.added();
  owner_ = &owner;
  bind(root, executor != nullptr ? *executor : owner.executor_for_task());
  set_context(owner.context());
  list_later();
  this->executor().schedule(first);
}

void SpawnedTask::fail(std::exception_ptr error) noexcept {
  set_failed();
  owner_->failed(error);
  std::shared_ptr<const FailureHandler> handler = owner_->failure_handler();
  if (handler == nullptr) return;
  TaskFailure* const kept = keep_failure();
  if (kept == nullptr) {  // without memory it is told at once, though somebody may yet await it
    (*handler)(UnhandledFailure{std::move(error), nullptr});
    return;
  }
  kept->error = std::move(error);  // nothing of it stays here: its last holder may be the joiner
  kept->on_failure = std::move(handler);
  // Reported while the owner still counts the task, so that the handler may spawn. (Who drops the
  // handle only now has it reported below, as late as if he had dropped it after the end.)
  if (joint_.load(std::memory_order_acquire) == dropped_word) report_if_unseen();
}

void SpawnedTask::end(bool cancelled) noexcept {
  OwnedTasks& owner = *owner_;
  const bool failed = has_failed();
  if (cancelled && !cancelled_by_holder()) owner.cancelled();
  if (!unlisted()) owner.unlist(*this);
  const bool to_be_told = owner.ended();
  const std::uintptr_t joint = end_joint();
  // Before the owner is told: what a dropped task's outcome holds does not outlive its scope.
  if (joint == dropped_word) {
    report_if_unseen();
    end_block();
  } else if (joint != none_word && joint != refused_word) {
    // SAFETY: only wait_with() stores a pointer, and its waiter stays until it was woken or
    // withdrawn.
    reinterpret_cast<JoinWaiter*>(joint)->wake();
  }
  if (to_be_told) owner.removed(failed);
}

/// Gives the word that was there.
std::uintptr_t SpawnedTask::end_joint() noexcept {
  if (runs_ahead()) {
    // Whoever has the handle is on this thread, below: nobody else may write the word meanwhile,
    // and it is none. Release: as below, for those who only look.
    joint_.store(ended_word, std::memory_order_release);
    return none_word;
  }
  // Release: the outcome and the failure are read by the joiner. Acquire: the waiter is read here,
  // and whoever comes second of the end and the dropping sees what the other one wrote.
  return joint_.exchange(ended_word, std::memory_order_acq_rel);
}

void SpawnedTask::list() noexcept { owner_->list(*this); }

bool SpawnedTask::owner_cancelled() const noexcept { return owner_->cancelled_all(); }

}  // namespace weft::detail

namespace weft {

// SAFETY, both: only launch() has a task listed later, and it is a SpawnedTask.
void TaskHeader::list() noexcept {
  unlisted_ = false;
  static_cast<detail::SpawnedTask*>(this)->list();
}

bool TaskHeader::owner_cancelled() const noexcept {
  return static_cast<const detail::SpawnedTask*>(this)->owner_cancelled();
}

}  // namespace weft

namespace weft::detail {

void SpawnedTask::drop_handle() noexcept {
  // Acquire, both: pairs with end(). Release: pairs with it, too.
  if (joint_.load(std::memory_order_acquire) != ended_word &&
      joint_.exchange(dropped_word, std::memory_order_acq_rel) != ended_word) {
    return;
  }
  report_if_unseen();
  end_block();
}

void SpawnedTask::report_if_unseen() noexcept {
  TaskFailure* const kept = failure();
  if (is_taken() || kept == nullptr || kept->on_failure == nullptr) return;
  const std::shared_ptr<const FailureHandler> handler = std::move(kept->on_failure);
  (*handler)(UnhandledFailure{kept->error, &kept->backtrace});
}

// The owner

void throw_shut_down() {
  throw std::logic_error("weft::Runtime: it was shut down, and takes no more work");
}

// Never inlined: see thread_context().
[[gnu::noinline]] OwnedTasks& OwnedTasks::current() {
  OwnedTasks* const set = thread_context().tasks;
  if (set == nullptr) {
    throw std::logic_error(
        "weft::spawn: this thread works for no runtime; use Runtime::spawn or call it from a task");
  }
  return *set;
}

[[gnu::noinline]] OwnedTasks* OwnedTasks::current_or_null() noexcept {
  return thread_context().tasks;
}

/// Before it suspends: so it cannot have ended.
void OwnedTasks::list(SpawnedTask& task) noexcept {
  bool cancelled = false;
  {
    std::lock_guard lock(mutex_);
    task.next_sibling_ = first_;
    if (first_ != nullptr) first_->previous_sibling_ = &task;
    first_ = &task;
    cancelled = cancelled_all();
  }
  if (cancelled) task.cancel();
}

void OwnedTasks::unlist(SpawnedTask& task) noexcept {
  std::lock_guard lock(mutex_);
  SpawnedTask*& from_previous =
      task.previous_sibling_ != nullptr ? task.previous_sibling_->next_sibling_ : first_;
  from_previous = task.next_sibling_;
  if (task.next_sibling_ != nullptr) task.next_sibling_->previous_sibling_ = task.previous_sibling_;
}

void OwnedTasks::cancel_all() noexcept {
  // Under the lock, so that no task can leave the set (and be gone) while it is being asked. Asking
  // runs no task: it only marks, and schedules those that wait.
  std::lock_guard lock(mutex_);
  cancelled_.store(true, std::memory_order_relaxed);
  for (SpawnedTask* task = first_; task != nullptr; task = task->next_sibling_) task->cancel();
}

// The leaf

JoinLeaf::JoinLeaf() noexcept
    : CancelHook(&JoinLeaf::on_cancel_request), JoinWaiter(&JoinLeaf::on_end) {}

bool JoinLeaf::suspend(PromiseBase& innermost, SpawnedTask& target) noexcept {
  TaskHeader& task = innermost.task();
  // What has just been spawned, and would run next: it ends without anybody having waited for it.
  if (!task.cancel_requested() && task.run_ahead(target) && target.ended()) {
    return suspended_for_others(innermost);
  }
  waiting_ = &task;
  target_ = &target;
  // Before it waits: once it does, the end may come on another thread, and this frame be gone.
  if (!task.suspended_and_armed(innermost, *this)) return true;
  switch (target.wait_with(*this)) {
    case SpawnedTask::Registered::waiting:
      return true;
    case SpawnedTask::Registered::ended:
      return !task.leaf_ended_inline();
    case SpawnedTask::Registered::refused:
      task.leaf_ended(true);
      return true;
  }
  return true;
}

void JoinLeaf::on_end(JoinWaiter& self) noexcept {
  static_cast<JoinLeaf&>(self).waiting_->leaf_ended(false);
}

void JoinLeaf::on_cancel_request(CancelHook& self) noexcept {
  auto& leaf = static_cast<JoinLeaf&>(self);
  TaskHeader* const task = leaf.waiting_;
  if (leaf.target_->withdraw(leaf)) task->leaf_ended(true);
  task->request_finished();
}

}  // namespace weft::detail
