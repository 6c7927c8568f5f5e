// ConditionVariable: waits for a state that a Mutex guards to change.
//
//   weft::Mutex mutex;
//   weft::ConditionVariable changed;
//   std::deque<Job> jobs;                                    // guarded by mutex
//   …
//   weft::MutexGuard guard = co_await mutex.lock();
//   co_await changed.wait(guard, [&] { return !jobs.empty(); });   // unlocked while it waits
//   take(jobs.front());                                      // locked again
//   …
//   {
//     const weft::MutexGuard adding = co_await mutex.lock();
//     jobs.push_back(job);
//   }
//   changed.notify_one();
//
// A wait unlocks the mutex, and has it again when it ends: by a notification, and by a cancel, too.
// So what is destroyed or cleaned up by a cancelled task finds the mutex locked, as everywhere else
// between lock and unlock. A limit is a timeout() around the wait: after it, too, the mutex is
// locked.
//
// Unlike Notify (<weft/notify.hpp>), a notification without a waiter is not kept: the state is. No
// wait ends without a notification; but another task may lock the mutex first and change the state
// again, hence the predicate. A channel is simpler where values are passed on.
//
// Thread-safe: notified from any thread, with or without the mutex locked. Waiting allocates
// nothing, and waiters go on in the order in which they came. All waits at a time use one mutex.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/extend/waiter.hpp>
#include <weft/mutex.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {
class ConditionAwaiter;
class ConditionOp;
}  // namespace detail

class ConditionVariable {
 public:
  ConditionVariable() noexcept = default;
  ConditionVariable(const ConditionVariable&) = delete;
  ConditionVariable& operator=(const ConditionVariable&) = delete;
  /// Precondition: there are no waiters. What a notification has woken may destroy it, even if the
  /// call has not returned.
  ~ConditionVariable();

  /// Unlocks the mutex that `guard` holds, waits for a notification, and locks it again. `guard`
  /// must stay in place meanwhile, and must hold a mutex: otherwise aborts with a message. No
  /// notification between the unlock and the wait is missed. No errors. Cancel: stops waiting,
  /// locks the mutex again, and takes no notification; one that came before the cancel ends the
  /// wait as always.
  [[nodiscard]] detail::ConditionOp wait(MutexGuard& guard) noexcept;
  /// Waits until `predicate()`, which is called with the mutex locked, returns true. Throws what it
  /// throws. The cancel as above.
  template <class P>
    requires std::predicate<P&>
  [[nodiscard]] Task<void> wait(MutexGuard& guard, P predicate) {
    return wait_until(*this, guard, std::move(predicate));
  }
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on a thread
  /// that runs tasks.
  void blocking_wait(MutexGuard& guard);

  /// Wakes the waiter that waited longest; no effect without one. What came before the call is seen
  /// by the wait that it ends.
  void notify_one() noexcept;
  /// Wakes all that wait now.
  void notify_all() noexcept;

  /// Returns the number of waiters that were not notified. It may have changed by the time it is
  /// returned.
  [[nodiscard]] std::size_t waiting() const noexcept;

 private:
  friend class detail::ConditionAwaiter;

  template <class P>
  static Task<void> wait_until(ConditionVariable& changed, MutexGuard& guard, P predicate);
  /// Takes the mutex out of the guard, queues the waiter and unlocks. False: it was withdrawn
  /// before, and nothing has changed. If true, the waiter and the guard may be gone.
  [[nodiscard]] bool queue(Waiter& waiter, MutexGuard& guard) noexcept;
  [[nodiscard]] bool withdraw(Waiter& waiter) noexcept;

  mutable ThreadMutex mutex_;
  WaiterList waiters_;  // guarded by mutex_
};

namespace detail {

/// The leaf of a wait: first in the queue of the condition variable, then in that of the mutex.
/// Touched by the task's thread, by the thread that notifies, and by one canceller: src/sync/
/// condition_variable.cpp.
class ConditionAwaiter final : private CancelHook {
 public:
  ConditionAwaiter(ConditionVariable& changed, MutexGuard& guard) noexcept;
  ConditionAwaiter(const ConditionAwaiter&) = delete;
  ConditionAwaiter& operator=(const ConditionAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    suspend(innermost.promise());
    return true;
  }
  void await_resume() const noexcept {}

 private:
  class Node final : public Waiter {
   public:
    Node(Wake how, ConditionAwaiter& of) noexcept : Waiter(how), awaiter(of) {}
    ConditionAwaiter& awaiter;
  };

  void suspend(PromiseBase& innermost) noexcept;
  void lock_again(bool cancelled) noexcept;
  void locked() noexcept;
  static void on_notified(Runnable& self) noexcept;
  static void on_locked(Runnable& self) noexcept;
  static void on_cancel_request(CancelHook& self) noexcept;

  ConditionVariable& changed_;
  MutexGuard& guard_;
  Mutex& mutex_;
  TaskHeader* task_ = nullptr;
  Node notified_;
  Node lock_;
  bool cancelled_ = false;  // written by the thread that begins to lock
};

/// See ConditionVariable::wait().
class [[nodiscard]] ConditionOp {
 public:
  ConditionOp(ConditionVariable& changed, MutexGuard& guard) noexcept
      : changed_(&changed), guard_(&guard) {}
  ConditionAwaiter operator co_await() const noexcept {
    return ConditionAwaiter(*changed_, *guard_);
  }

 private:
  ConditionVariable* changed_;
  MutexGuard* guard_;
};

}  // namespace detail

inline detail::ConditionOp ConditionVariable::wait(MutexGuard& guard) noexcept {
  return detail::ConditionOp(*this, guard);
}

template <class P>
Task<void> ConditionVariable::wait_until(ConditionVariable& changed, MutexGuard& guard,
                                         P predicate) {
  for (;;) {
    const bool holds = static_cast<bool>(std::invoke(predicate));
    if (holds) co_return;
    co_await changed.wait(guard);
  }
}

}  // namespace weft::inline v0_1
