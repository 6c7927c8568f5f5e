// TimerCalls: the callbacks of one reactor's timers: the list of due timers, and the timer whose
// callback is running. Reactor adds due timers; the reactor's own worker runs the TimerCalls, as a
// Runnable, which calls some of the callbacks each time.
//
// Only that worker calls them, and not the thread that fires the timers, which may be a remote
// thread. So for code on the worker that uses a timer, its callback has run, or is below on the
// stack, or has not begun. Until it begins the timer can be disarmed: the list gives it back as the
// wheel does.
//
// The callbacks of one run count as one task of the runtime. So the tasks they spawn have a
// runtime, and no callback begins after that runtime has closed.
//
// Thread-safety: every function is called with the reactor held, except running() (any thread), and
// run_on() and forget_running() as stated. Callbacks are called with the reactor not held.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/executor.hpp>
#include <weft/timer.hpp>

#include <cstdint>

#include "time/wheel.hpp"

namespace weft::inline v0_1::detail {

class Reactor;

class TimerCalls final : public Runnable {
 public:
  explicit TimerCalls(Reactor& reactor) noexcept
      : Runnable(&TimerCalls::run_turn), reactor_(reactor) {
    due_.next = due_.previous = &due_;
  }

  /// Sets the executor of the reactor's worker alone. Called before the first timer is armed.
  void run_on(Executor& worker) noexcept { worker_ = &worker; }

  /// Adds `timer`, which is due and in no list, and schedules a run.
  void add(Timer& timer) noexcept;
  /// Takes the first due timer out of the list; null: there is none.
  [[nodiscard]] Timer* pop() noexcept;
  /// The timer whose callback is running, or null. Any thread. Relaxed: with the reactor held, its
  /// lock orders it; without, the value only says when to ask again with the reactor held.
  [[nodiscard]] const Timer* running() const noexcept {
    return running_.load(std::memory_order_relaxed);
  }
  /// Called on the worker, by the destructor of the timer whose callback is running.
  void forget_running() noexcept { running_.store(nullptr, std::memory_order_relaxed); }

 private:
  static void run_turn(Runnable& self) noexcept;
  void run() noexcept;
  /// Ends the previous call, if any, and returns the next timer to call; null: there is none.
  [[nodiscard]] Timer* next(Timer* before) noexcept;
  void end_call(Timer& timer) noexcept;
  static void call(Timer& timer) noexcept;

  Reactor& reactor_;
  Executor* worker_ = nullptr;
  TimerLink due_;  // a ring
  bool scheduled_ = false;
  Atomic<const Timer*> running_{nullptr};  // written by the worker
};

}  // namespace weft::inline v0_1::detail
