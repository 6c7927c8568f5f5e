// The condition variable: a wait, notifications and cancels in every interleaving. Each wait ends
// exactly once and with the mutex, and a notification that reaches no waiter is the next one's.
#include <weft/condition_variable.hpp>
#include <weft/mutex.hpp>

#include <memory>

#include "model/sync_model.hpp"

namespace weft::model::condition_variable_model_test {
namespace {

/// A task that waits, with the guard in its frame.
struct WaitingForChange {
  WaitingForChange(ConditionVariable& changed, Mutex& mutex)
      : guard(mutex.try_lock()), waiting(changed, guard) {}
  MutexGuard guard;
  Awaiting<detail::ConditionAwaiter> waiting;
};

void a_wait_meets_a_notification_and_a_cancel(Execution& execution) {
  Mutex mutex;
  ConditionVariable changed;
  WaitingForChange one(changed, mutex);
  execution.thread([&] { one.waiting.wait(); });
  execution.thread([&] { changed.notify_one(); });
  execution.thread([&] { one.waiting.task.cancel(); });
  execution.join_all();
  require(one.waiting.resumed() == 1, "the wait ends exactly once");
  require(static_cast<bool>(one.guard) && mutex.locked(), "with the mutex");
  require(changed.waiting() == 0 && mutex.waiting() == 0, "nothing is left in a queue");
}

TEST(ConditionVariableModel, AWaitMeetsANotificationAndACancel) {
  expect_holds_exhaustively(3, a_wait_meets_a_notification_and_a_cancel);
  expect_holds_randomly(50000, a_wait_meets_a_notification_and_a_cancel);
}

/// The mutex is held by another thread when the wait ends.
void the_mutex_is_busy(Execution& execution) {
  Mutex mutex;
  ConditionVariable changed;
  WaitingForChange one(changed, mutex);
  one.waiting.wait();
  MutexGuard busy = mutex.try_lock();
  require(static_cast<bool>(busy), "the wait has unlocked it");
  execution.thread([&] { busy.unlock(); });
  execution.thread([&] { changed.notify_all(); });
  execution.thread([&] { one.waiting.task.cancel(); });
  execution.join_all();
  require(one.waiting.resumed() == 1, "the wait ends exactly once");
  require(static_cast<bool>(one.guard) && mutex.locked(), "with the mutex");
}

TEST(ConditionVariableModel, AnEndOfAWaitMeetsAnUnlock) {
  expect_holds_exhaustively(3, the_mutex_is_busy);
  expect_holds_randomly(50000, the_mutex_is_busy);
}

void one_notification_for_two(Execution& execution) {
  Mutex mutex;
  ConditionVariable changed;
  WaitingForChange first(changed, mutex);
  first.waiting.wait();
  WaitingForChange second(changed, mutex);
  second.waiting.wait();
  execution.thread([&] { changed.notify_one(); });
  execution.thread([&] { first.waiting.task.cancel(); });
  execution.join_all();
  require(first.waiting.resumed() + second.waiting.resumed() == 1, "one has the mutex");
  const bool first_notified =
      first.waiting.resumed() == 1 && !first.waiting.task.unwinding() && changed.waiting() == 1;
  first.guard.unlock();
  second.guard.unlock();
  require(first.waiting.resumed() == 1, "the first is notified, or cancelled");
  if (first_notified) {
    require(second.waiting.resumed() == 0, "one notification, one end");
    second.waiting.task.cancel();
  }
  first.guard.unlock();
  require(second.waiting.resumed() == 1, "then it is the second's");
}

TEST(ConditionVariableModel, ANotificationPassesACancelledWait) {
  expect_holds_exhaustively(3, one_notification_for_two);
  expect_holds_randomly(50000, one_notification_for_two);
}

/// Lets a thread go on when the task is made runnable.
class SignallingExecutor final : public detail::TaskExecutor {
 public:
  void schedule(Runnable&) noexcept override { parker_.unpark(); }
  void defer(Runnable& work) noexcept override { schedule(work); }
  void wait() noexcept { parker_.park(); }

 private:
  ThreadParker parker_;
};

/// A task that was notified may destroy the condition variable, though the call has not returned.
void notified_and_destroyed(Execution& execution) {
  Mutex mutex;
  auto changed = std::make_unique<ConditionVariable>();
  ConditionVariable* const borrowed = changed.get();
  MutexGuard guard = mutex.try_lock();
  SignallingExecutor executor;
  FakeTask task(executor);
  detail::ConditionAwaiter awaiter(*changed, guard);
  static_cast<void>(
      awaiter.await_suspend(std::coroutine_handle<FakePromise>::from_promise(task.promise)));
  execution.thread([borrowed] { borrowed->notify_one(); });
  execution.thread([&] {
    executor.wait();
    require(static_cast<bool>(guard), "it has the mutex");
    changed.reset();
  });
  execution.join_all();
}

TEST(ConditionVariableModel, WhatWasNotifiedMayDestroyIt) {
  expect_holds_exhaustively(3, notified_and_destroyed);
}

}  // namespace
}  // namespace weft::model::condition_variable_model_test
