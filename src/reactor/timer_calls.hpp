// TimerCalls: the callbacks of a reactor's timers: what is due and waits for its turn, and what is
// running. A Runnable of the reactor's own worker, who calls some of them each time.
//
// That a callback is called on that worker alone, and not on the thread that fires the timers,
// which may be a visitor's, is what makes the rest simple: to whoever uses a timer on its worker,
// its callback has run, or is below him on the stack, or has not begun. What is due stands in a
// list from which it can be taken out like from the wheel, so until then it can be disarmed.
//
// The callbacks of one turn count as one task of the runtime: so there is a runtime for what they
// spawn, and none begins after that has closed.
//
// Thread-safety: everything with the reactor held, except running(), for who waits for a change of
// it. Callbacks are called with the reactor not held.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/executor.hpp>
#include <weft/timer.hpp>

#include <cstdint>

#include "time/wheel.hpp"

namespace weft::detail {

class Reactor;

class TimerCalls final : public Runnable {
 public:
  explicit TimerCalls(Reactor& reactor) noexcept
      : Runnable(&TimerCalls::run_turn), reactor_(reactor) {
    due_.next = due_.previous = &due_;
  }

  /// Before the first timer is armed: the executor that is the reactor's worker alone.
  void run_on(Executor& worker) noexcept { worker_ = &worker; }

  /// `timer` is due, and in no list.
  void add(Timer& timer) noexcept;
  /// Takes out one of those that wait; null: there is none.
  [[nodiscard]] Timer* pop() noexcept;
  /// The timer whose callback is running. Relaxed: the reactor, if it is held, orders it; else it
  /// only tells when to ask again with the reactor held. Any thread.
  [[nodiscard]] const Timer* running() const noexcept {
    return running_.load(std::memory_order_relaxed);
  }
  /// The worker, in the callback of the timer that is running: it goes.
  void forget_running() noexcept { running_.store(nullptr, std::memory_order_relaxed); }

 private:
  static void run_turn(Runnable& self) noexcept;
  void run() noexcept;
  /// Ends the call before, if there was one, and gives the next one; null: there is none.
  [[nodiscard]] Timer* next(Timer* before) noexcept;
  void end_call(Timer& timer) noexcept;
  static void call(Timer& timer) noexcept;

  Reactor& reactor_;
  Executor* worker_ = nullptr;
  TimerLink due_;  // closed to a ring
  bool scheduled_ = false;
  Atomic<const Timer*> running_{nullptr};  // written by the worker
};

}  // namespace weft::detail
