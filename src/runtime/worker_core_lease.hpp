// WorkerCoreLease: on a current_thread runtime, the right to run its one worker. Of the threads that wait for
// tasks one has the seat and drives; the others sleep until their own wait is over or the seat is
// handed to them. Thread-safe.
//
// Invariants:
//  - while some thread waits, one has the seat, or one has been called (unparked) to take it;
//  - `over` is set under the mutex, together with the unpark, so a waiter that has seen it may go:
//    nobody touches it any more.
#pragma once

#include <weft/atomic.hpp>

#include <mutex>
#include <utility>

#include "base/intrusive_list.hpp"

namespace weft::detail {

class WorkerCoreLease {
 public:
  /// A thread that waits.
  struct Waiter : IntrusiveListHook<> {
    ThreadParker parker;
    bool over = false;  // guarded by the seat's mutex
  };

  /// Waits until end_wait() was called for `waiter`, or this thread has got the seat and drive(),
  /// which runs the worker until then, has returned.
  template <class Drive>
  void wait(Waiter& waiter, Drive drive) noexcept {
    for (;;) {
      const Turn turn = take_or_queue(waiter);
      if (turn == Turn::over) return;
      if (turn == Turn::drive) {
        drive();
        leave();
        return;
      }
      waiter.parker.park();
    }
  }

  /// Takes the seat if nobody has it, without waiting; to be followed by leave().
  [[nodiscard]] bool try_take() noexcept {
    const std::lock_guard lock(mutex_);
    return !std::exchange(taken_, true);
  }
  void leave() noexcept {
    const std::lock_guard lock(mutex_);
    taken_ = false;
    call_next();
  }

  /// The wait is over: what the waiter waits for has come. Any thread; afterwards it may be gone.
  void end_wait(Waiter& waiter) noexcept {
    const std::lock_guard lock(mutex_);
    waiter.over = true;
    waiter.parker.unpark();
  }

 private:
  enum class Turn { over, drive, sleep };

  [[nodiscard]] Turn take_or_queue(Waiter& waiter) noexcept {
    const std::lock_guard lock(mutex_);
    if (waiter.is_linked()) waiting_.erase(waiter);
    if (waiter.over) {
      // It may be this thread that was called to take the seat, and it has no use for it any more.
      if (!taken_) call_next();
      return Turn::over;
    }
    if (taken_) {
      waiting_.push_back(waiter);
      return Turn::sleep;
    }
    taken_ = true;
    return Turn::drive;
  }
  void call_next() noexcept {
    if (!waiting_.empty()) waiting_.front()->parker.unpark();
  }

  ThreadMutex mutex_;
  IntrusiveList<Waiter> waiting_;  // guarded by mutex_
  bool taken_ = false;             // guarded by mutex_
};

}  // namespace weft::detail
