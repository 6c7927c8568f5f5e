// SpawnedTask, OwnedTasks and JoinLeaf: the wait for a task's end, the destruction of its block,
// the list of an owner's tasks. The contracts are in <weft/detail/spawned_task.hpp>.
//
// The joint between a task and its handle is one word:
//   none      0        no joiner waits                            initial; set again by withdraw()
//   waiter    pointer  to be woken at the end                     set by the handle's holder
//   refused   1        the wait was cancelled before it was
//                      registered; wait_with() resets it to none  set by a canceller
//   dropped   2        there is no handle any more: the end
//                      destroys the block                         set by the handle's holder
//   ended     3        final; the outcome may be read; the block
//                      is the handle's alone                      set by the task
#include <weft/spawn.hpp>

#include <stdexcept>

#include "base/thread_context.hpp"
#include "task/end_wait.hpp"

namespace weft::inline v0_1::detail {

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
  // Acquire: pairs with the release in end_joint(), so the outcome may be read.
  return joint_.load(std::memory_order_acquire) == ended_word;
}

SpawnedTask::Registered SpawnedTask::wait_with(JoinWaiter& waiter) noexcept {
  std::uintptr_t expected = none_word;
  // Release: pairs with end_joint(), which reads the waiter. Acquire on failure: as in ended().
  if (joint_.compare_exchange_strong(expected, word_of(waiter), std::memory_order_release,
                                     std::memory_order_acquire)) {
    return Registered::waiting;
  }
  if (expected == ended_word) return Registered::ended;
  // Refused: resets the word, so a later wait may register. If the task ends at this moment, the
  // exchange fails and its end stays. Relaxed: nothing is published or read through the word.
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
                         TaskExecutor* executor, bool isolated) {
  if (isolated) [[unlikely]]
    set_isolated();
  owner.added();
  owner_ = &owner;
  bind(root, executor != nullptr ? *executor : owner.executor_for_task());
  set_context(owner.context());
  list_later();
  this->executor().begin(first);
}

void SpawnedTask::fail(std::exception_ptr error) noexcept {
  set_failed();
  if (!is_isolated()) owner_->failed(error);
  std::shared_ptr<const FailureHandler> handler = owner_->failure_handler();
  if (handler == nullptr && is_isolated()) handler = OwnedTasks::current_failure_handler();
  if (handler == nullptr) return;
  TaskFailure* const kept = keep_failure();
  if (kept == nullptr) {  // no memory: reported at once, though a joiner may yet await it
    (*handler)(UnhandledFailure{std::move(error), nullptr});
    return;
  }
  kept->error = std::move(error);  // nothing of it stays here: the joiner may be its last holder
  kept->on_failure = std::move(handler);
  // Reported while the owner still counts the task, so that the handler may spawn. A handle that is
  // dropped after this load has the failure reported in end(), as if it were dropped after the end.
  // Acquire: pairs with the exchange in drop_handle().
  if (joint_.load(std::memory_order_acquire) == dropped_word) report_if_unseen();
}

void SpawnedTask::end(bool cancelled) noexcept {
  OwnedTasks& owner = *owner_;
  const bool failed = has_failed() && !is_isolated();
  if (cancelled && !cancelled_by_holder()) owner.cancelled();
  if (!unlisted()) owner.unlist(*this);
  const bool to_be_told = owner.ended();
  const std::uintptr_t joint = end_joint();
  // The block is destroyed before removed() is called. After removed() the scope may end, and what
  // the outcome holds must not outlive the scope.
  if (joint == dropped_word) {
    report_if_unseen();
    end_block();
  } else if (joint != none_word && joint != refused_word) {
    // SAFETY: only wait_with() stores a pointer, and the waiter lives until it is woken or
    // withdrawn.
    reinterpret_cast<JoinWaiter*>(joint)->wake();
  }
  if (to_be_told) owner.removed(failed);
}

/// Returns the word that was there.
std::uintptr_t SpawnedTask::end_joint() noexcept {
  if (runs_ahead()) {
    // The holder of the handle waits below on this thread's stack. So no other thread writes the
    // word meanwhile, and it is none: a store is enough. Release: pairs with ended(), for threads
    // that only look.
    joint_.store(ended_word, std::memory_order_release);
    return none_word;
  }
  // Release: the joiner reads the outcome and the failure. Acquire: this thread reads the waiter;
  // and the second of the end and the drop sees what the first one wrote.
  return joint_.exchange(ended_word, std::memory_order_acq_rel);
}

void SpawnedTask::list() noexcept { owner_->list(*this); }

bool SpawnedTask::owner_cancelled() const noexcept { return owner_->cancelled_all(); }

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

// SAFETY, both: only launch() calls list_later(), and its task is a SpawnedTask.
void TaskHeader::list() noexcept {
  unlisted_ = false;
  static_cast<detail::SpawnedTask*>(this)->list();
}

bool TaskHeader::owner_cancelled() const noexcept {
  return static_cast<const detail::SpawnedTask*>(this)->owner_cancelled();
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

void SpawnedTask::drop_handle() noexcept {
  // Acquire, both: pairs with the release in end_joint(). Release: pairs with its acquire.
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

std::shared_ptr<const FailureHandler> OwnedTasks::current_failure_handler() noexcept {
  const OwnedTasks* const runtime = current_or_null();
  return runtime != nullptr ? runtime->failure_handler() : nullptr;
}

/// Called before the task suspends: so it cannot have ended.
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
  // With the mutex held, so no task can leave the list (and be destroyed) while it is asked. A
  // cancel runs no task: it marks it, and schedules it if it waits. Relaxed: the mutex orders the
  // flag and the list; readers without it as CancelSlot::requested().
  std::lock_guard lock(mutex_);
  cancelled_.store(true, std::memory_order_relaxed);
  for (SpawnedTask* task = first_; task != nullptr; task = task->next_sibling_) task->cancel();
}

// The leaf

JoinLeaf::JoinLeaf() noexcept
    : CancelHook(&JoinLeaf::on_cancel_request), JoinWaiter(&JoinLeaf::on_end) {}

bool JoinLeaf::suspend(PromiseBase& innermost, SpawnedTask& target) noexcept {
  TaskHeader& task = innermost.task();
  // A task that was just spawned and would run next runs here: it may end with no joiner
  // registered.
  if (!task.cancel_requested() && task.run_ahead(target) && target.ended()) {
    return suspended_for_others(innermost);
  }
  waiting_ = &task;
  target_ = &target;
  return suspend_until_end(task, innermost, *this, [&] { return target.wait_with(*this); });
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

}  // namespace weft::inline v0_1::detail
