// Reactor: one worker's I/O and time. Owns a Driver and a timer wheel, and decides nothing about
// tasks: it calls complete() of an operation that has ended, and over() of a sleep. What is said
// here of operations holds for sleeps, too.
//
// Thread-safety: everything on the owner's thread, except wake(), post_cancel(), poll_remotely() and the
// counts. A visitor does the owner's part while the owner computes (docs/decisions/020): an
// operation that is pending may end on the visitor's thread as soon as the owner is outside. So
// whoever starts one and is not done with it yet holds the reactor.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/extend/operation.hpp>
#include <weft/sleep.hpp>
#include <weft/timeout.hpp>

#include <cstdint>
#include <memory>
#include <optional>

#include "base/biased_lock.hpp"
#include "base/counter.hpp"
#include "base/thread_context.hpp"
#include "os/clock.hpp"
#include "reactor/driver.hpp"
#include "reactor/timer_calls.hpp"
#include "time/wheel.hpp"

namespace weft::detail {

class Reactor {
 public:
  Reactor(std::unique_ptr<Driver> driver, Clock& clock) noexcept;
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// The reactor of the calling thread, or null. Never cached across a suspension: see platform
  /// notes.
  [[nodiscard]] static Reactor* current() noexcept;
  /// The same, for a function that is never inlined, where nothing is suspended.
  [[nodiscard]] static Reactor* here() noexcept { return thread_context().reactor; }

  /// For the owner, and within complete(): no visitor is inside while it lives. May be nested.
  class Hold {
   public:
    explicit Hold(Reactor& reactor) noexcept : lock_(reactor.lock_), held_(lock_.lock()) {}
    ~Hold() { lock_.unlock(held_); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    BiasedLock& lock_;
    BiasedLock::Held held_;
  };

  /// Starts an I/O operation or a timer. After `completed`, complete() is not called; after
  /// `pending` it may have been, by a visitor, unless the caller holds the reactor.
  [[nodiscard]] Started start(Operation& operation) noexcept {
    const Hold hold(*this);
    return start_held(operation);
  }
  /// The same for who holds the reactor.
  [[nodiscard]] Started start_held(Operation& operation) noexcept {
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
  /// For who holds the reactor: files what over() is to be called of.
  void start_held(SleepLeaf& sleep) noexcept {
    wheel_.insert(sleep);
    ++pending_;
  }
  /// Takes it out. False: its time has come.
  [[nodiscard]] bool take_back(SleepLeaf& sleep) noexcept;
  /// Any thread: calls hook.request() on the owner's thread soon, and wakes it for that. The hook
  /// must live until then, and may be posted once at a time.
  void post_cancel(CancelMessage& hook) noexcept;

  // For Timer: the owner, or a visitor for it
  /// Files `timer`, which no reactor has. Its callback is not running.
  void arm_first(Timer& timer, std::int64_t deadline, std::int64_t period) noexcept {
    if (!lock_.try_enter()) [[unlikely]]
      return arm_inside(timer, deadline, period);
    file(timer, deadline, period);
    lock_.leave();
  }
  /// Files `timer`, which this reactor has or none, and gives whether it was armed.
  bool arm(Timer& timer, std::int64_t deadline, std::int64_t period) noexcept {
    const Hold hold(*this);
    return arm_held(timer, deadline, period);
  }
  /// Takes `timer` out, which this reactor has, and gives whether it was armed.
  bool disarm(Timer& timer) noexcept {
    if (!lock_.try_enter()) [[unlikely]]
      return disarm_inside(timer);
    const bool was_armed = disarm_held(timer);
    lock_.leave();
    return was_armed;
  }
  [[nodiscard]] TimerCalls& calls() noexcept { return calls_; }
  /// Any thread: serves `errand` here, in place of the owner. False: the owner, or a visitor, is
  /// inside.
  [[nodiscard]] bool visit_for(CancelHook& errand) noexcept;
  /// The same with all that was posted.
  [[nodiscard]] bool visit_for_messages() noexcept;
  /// The owner, when its runtime has ended: no timer is armed any more.
  void drop_timers() noexcept;
  /// With the reactor held.
  [[nodiscard]] TimerWheel& wheel() noexcept { return wheel_; }

  /// Delivers what is ready. Blocks until something is, until `deadline` of the wheel or `limit_ns`
  /// has passed (0: never blocks, negative: no limit), or until wake(). Returns how many operations
  /// ended.
  std::size_t poll(std::int64_t limit_ns) noexcept;
  /// Whether the next turn() has something at hand that it gives without asking the system.
  [[nodiscard]] bool has_buffered() noexcept;
  /// If there is has_buffered(): gives the next few of it, and leaves the timers alone.
  [[nodiscard]] bool dispatch_buffered() noexcept;
  /// How long a turn() without a limit would block at most, in nanoseconds; negative: without end.
  [[nodiscard]] std::int64_t timeout() noexcept;
  /// Readable, for who watches it, when a turn() has something to give but timers.
  [[nodiscard]] NativeHandle native_handle() const noexcept { return driver_->native_handle(); }
  /// Any thread: ends the current turn(), or else makes the next one not block.
  void wake() noexcept { driver_->wake(); }

  /// What a visitor has left.
  struct RemotePoll {
    NativeHandle handle;      ///< readable when there is more
    std::int64_t timeout_ns;  ///< until the next timer; negative: there is none
  };
  /// Any thread that is no worker of the moment: delivers what is ready, on this thread, in place
  /// of the owner. No value: the owner, or another visitor, is at it.
  [[nodiscard]] std::optional<RemotePoll> poll_remotely() noexcept;
  /// The owner, in a task that will not come here for long: the first poll_remotely costs no more than the
  /// next.
  void allow_remote_polls() noexcept { lock_.give_bias_up(); }

  [[nodiscard]] std::int64_t now() noexcept {
    const std::int64_t now_ns = clock_.now();
    seen_at_.store(now_ns, std::memory_order_relaxed);  // relaxed: a time orders nothing
    return now_ns;
  }
  /// What the clock has shown last: some time ago, but not before the last turn that had timers.
  [[nodiscard]] std::int64_t seen_at() const noexcept {
    return seen_at_.load(std::memory_order_relaxed);
  }
  /// Whether `deadline` has passed: false, too, if it surely is later, without a look at the
  /// clock, which costs more than the rest of a sleep's begin. A deadline further than that after
  /// what the clock has last shown has mostly not passed, as tasks are short; if it has, the wheel
  /// gives it out in the next turn.
  [[nodiscard]] bool has_passed(std::int64_t deadline) noexcept {
    constexpr std::int64_t surely_later_ns = 1'000'000;
    return deadline <= seen_at() + surely_later_ns && deadline <= now();
  }
  [[nodiscard]] std::size_t pending() const noexcept { return pending_; }
  /// Any thread. How many operations and timers have ended, how often the driver was asked.
  [[nodiscard]] std::uint64_t ended() const noexcept { return ended_.load(); }
  [[nodiscard]] std::uint64_t polls() const noexcept { return polls_.load(); }

 private:
  void start_timer(Operation& operation) noexcept;
  void file(Timer& timer, std::int64_t deadline, std::int64_t period) noexcept {
    timer.deadline = deadline;
    timer.period_ = period;
    wheel_.insert(timer);
    // Relaxed: the next who uses the timer is ordered by the caller.
    timer.home_.store(this, std::memory_order_relaxed);
  }
  bool arm_held(Timer& timer, std::int64_t deadline, std::int64_t period) noexcept {
    const bool was_armed = timer.armed();
    if (was_armed && !timer.due && deadline >= timer.deadline) [[likely]] {
      timer.period_ = period;
      TimerWheel::postpone(timer, deadline);
      return true;
    }
    if (was_armed) take_out(timer);
    file(timer, deadline, period);
    return was_armed;
  }
  bool disarm_held(Timer& timer) noexcept {
    const bool was_armed = timer.armed();
    if (was_armed) take_out(timer);
    // While its callback is running, whoever destroys it must know where. Relaxed: as in file().
    if (calls_.running() != &timer) timer.home_.store(nullptr, std::memory_order_relaxed);
    return was_armed;
  }
  [[gnu::noinline]] void arm_inside(Timer& timer, std::int64_t deadline,
                                    std::int64_t period) noexcept {
    const Hold hold(*this);
    file(timer, deadline, period);
  }
  [[gnu::noinline]] bool disarm_inside(Timer& timer) noexcept {
    const Hold hold(*this);
    return disarm_held(timer);
  }
  void take_out(Timer& timer) noexcept {
    if (timer.due) [[unlikely]] {
      timer.due = false;
      unlink(timer);
    } else {
      wheel_.remove(timer);
    }
  }
  std::size_t turn_held(std::int64_t limit_ns) noexcept;
  [[nodiscard]] bool poll_now(std::int64_t timeout_ns) noexcept;
  void drain_messages() noexcept;
  void end(Operation& operation) noexcept;
  void fire_timers() noexcept;
  void fire(TimerNode& node) noexcept;
  [[nodiscard]] std::int64_t bounded_timeout(std::int64_t limit_ns) noexcept;

  std::unique_ptr<Driver> driver_;
  Clock& clock_;
  TimerWheel wheel_;
  TimerCalls calls_{*this};
  std::size_t pending_ = 0;  // operations started and not yet ended, timers too
  Counter ended_;            // operations ended since the beginning
  Counter polls_;
  Atomic<std::int64_t> seen_at_{0};  // of the clock; written by any thread that acts here
  bool wake_owed_ = false;           // a visitor has taken the owner's wake
  BiasedLock lock_;                  // guards all of the above
  // A stack: pushed by any thread, taken whole by the owner.
  Atomic<CancelMessage*> messages_{nullptr};
};

}  // namespace weft::detail
