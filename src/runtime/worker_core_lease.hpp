// WorkerCoreLease: on a current_thread runtime, the right of a thread to run the one worker. Of the
// threads that wait for tasks one has the lease and drives the worker; the others sleep until their
// own wait is over or the lease is free for them. Thread-safe.
//
// Invariants:
//  - while some thread waits, one has the lease, or one has been unparked to take it;
//  - `over` is set under the mutex, together with the unpark. So a waiter that has seen it may be
//    destroyed: no other thread touches it any more.
#pragma once

#include <weft/atomic.hpp>

#include <mutex>
#include <utility>

#include "base/intrusive_list.hpp"

namespace weft::inline v0_1::detail {

class WorkerCoreLease {
 public:
  /// A thread that waits.
  struct Waiter : IntrusiveListHook<> {
    ThreadParker parker;
    bool over = false;  // guarded by the lease's mutex
  };

  /// Waits until end_wait() was called for `waiter`. If the lease becomes free before that, calls
  /// drive() with it, which runs the worker until the wait is over.
  template <class Drive>
  void wait(Waiter& waiter, Drive drive) noexcept {
    for (;;) {
      const Next next = take_or_queue(waiter);
      if (next == Next::over) return;
      if (next == Next::drive) {
        drive();
        leave();
        return;
      }
      waiter.parker.park();
    }
  }

  /// Takes the lease if it is free, without waiting; to be followed by leave().
  [[nodiscard]] bool try_take() noexcept {
    const std::lock_guard lock(mutex_);
    return !std::exchange(taken_, true);
  }
  void leave() noexcept {
    const std::lock_guard lock(mutex_);
    taken_ = false;
    call_next();
  }

  /// What `waiter` waits for has come. Any thread; afterwards the waiter may be gone.
  void end_wait(Waiter& waiter) noexcept {
    const std::lock_guard lock(mutex_);
    waiter.over = true;
    waiter.parker.unpark();
  }

 private:
  enum class Next { over, drive, sleep };

  [[nodiscard]] Next take_or_queue(Waiter& waiter) noexcept {
    const std::lock_guard lock(mutex_);
    if (waiter.is_linked()) waiting_.erase(waiter);
    if (waiter.over) {
      // It may be this thread that was unparked to take the lease, and does not need it any more.
      if (!taken_) call_next();
      return Next::over;
    }
    if (taken_) {
      waiting_.push_back(waiter);
      return Next::sleep;
    }
    taken_ = true;
    return Next::drive;
  }
  void call_next() noexcept {
    if (!waiting_.empty()) waiting_.front()->parker.unpark();
  }

  ThreadMutex mutex_;
  IntrusiveList<Waiter> waiting_;  // guarded by mutex_
  bool taken_ = false;             // guarded by mutex_
};

}  // namespace weft::inline v0_1::detail
