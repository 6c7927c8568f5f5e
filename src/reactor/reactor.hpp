// Reactor: one worker's I/O and time. Owns a Driver and a timer wheel, and decides nothing about
// tasks: it calls Operation::complete() for what has ended. Thread-safety: everything on the
// owner's thread, except wake() and post_cancel().
#pragma once

#include <weft/atomic.hpp>
#include <weft/cancel.hpp>
#include <weft/operation.hpp>

#include <cstdint>
#include <memory>

#include "os/clock.hpp"
#include "reactor/driver.hpp"
#include "time/wheel.hpp"

namespace weft {

class Reactor {
 public:
  Reactor(std::unique_ptr<Driver> driver, Clock& clock) noexcept;
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// The reactor of the calling thread, or null. Never cached across a suspension: see platform
  /// notes.
  [[nodiscard]] static Reactor* current() noexcept;
  /// Makes `reactor` (may be null) the calling thread's own; returns the one before.
  static Reactor* make_current(Reactor* reactor) noexcept;

  /// Starts an I/O operation or a timer. After `completed`, complete() is not called.
  [[nodiscard]] Started start(Operation& operation) noexcept {
    operation.reactor = this;
    operation.cancel_wanted = false;
    if (operation.kind == OperationKind::timer) {
      start_timer(operation);
    } else if (driver_->start(operation) == Started::completed) {
      return Started::completed;
    }
    ++pending_;
    return Started::pending;
  }
  /// Asks for an early end of a pending operation. If it is confirmed at once, complete() is called
  /// from in here. An operation that is no longer pending is left alone.
  void cancel(Operation& operation) noexcept;
  /// Any thread: calls hook.request() on the owner's thread soon, and wakes it for that. The hook
  /// must live until then, and may be posted once at a time.
  void post_cancel(CancelHook& hook) noexcept;

  /// Delivers what is ready. Blocks until something is, until `deadline` of the wheel or `limit_ns`
  /// has passed (0: never blocks, negative: no limit), or until wake(). Returns how many operations
  /// ended.
  std::size_t turn(std::int64_t limit_ns) noexcept;
  /// Whether the next turn() has something at hand that it gives without asking the system.
  [[nodiscard]] bool more() const noexcept { return driver_->more(); }
  /// While more(): gives the next few of it, and leaves the timers alone.
  void deliver() noexcept;
  /// How long a turn() without a limit would block at most, in nanoseconds; negative: without end.
  [[nodiscard]] std::int64_t timeout() noexcept { return bounded_timeout(-1); }
  /// Readable, for who watches it, when a turn() has something to give but timers.
  [[nodiscard]] NativeHandle native_handle() const noexcept { return driver_->native_handle(); }
  /// Any thread: ends the current turn(), or else makes the next one not block.
  void wake() noexcept { driver_->wake(); }

  [[nodiscard]] std::int64_t now() noexcept { return clock_.now(); }
  [[nodiscard]] std::size_t pending() const noexcept { return pending_; }

 private:
  void start_timer(Operation& operation) noexcept;
  [[nodiscard]] bool collect(std::int64_t timeout_ns) noexcept;
  void drain_messages() noexcept;
  void end(Operation& operation) noexcept;
  void fire_timers() noexcept;
  [[nodiscard]] std::int64_t bounded_timeout(std::int64_t limit_ns) noexcept;

  std::unique_ptr<Driver> driver_;
  Clock& clock_;
  TimerWheel wheel_;
  std::size_t pending_ = 0;                // operations started and not yet ended, timers too
  std::size_t ended_ = 0;                  // operations ended since the beginning
  Atomic<CancelHook*> messages_{nullptr};  // stack: pushed by any thread, taken whole by the owner
};

}  // namespace weft
