// Reactor: the I/O and the time of one worker. Owns a Driver and a timer wheel. It knows nothing of
// tasks: it calls complete() of an operation that has ended, over() of a sleep whose time has come,
// and gives a due Timer to TimerCalls. What is said here of operations holds for sleeps, too.
//
// Called by: the leaves that start and cancel operations (OperationLeaf, SleepLeaf, Timer), and the
// worker's park (src/runtime), which calls poll() between runs of tasks. The worker is the owner.
// The watchdog calls poll_remotely() while the owner computes (docs/decisions/020); a thread that
// acts in the owner's place is a remote thread.
//
// Thread-safety: every function is for the owner, unless it says "Any thread". A remote thread that
// holds the reactor may do what complete() does: start, cancel, file and take out.
// Invariants:
//  - owner and remote threads are never inside together: `lock_` (BiasedLock) guards all but the
//    atomic members, and each section happens-before the next;
//  - once the owner has left the reactor, a remote thread may end any pending operation. So a
//    thread that has more to do to an operation after start() holds the reactor (Hold) over both;
//  - the reactor runs callbacks of ended operations and sleeps with itself held. It calls callbacks
//    of Timers on the owner alone, and not held.
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

namespace weft::inline v0_1::detail {

class Reactor {
 public:
  Reactor(std::unique_ptr<Driver> driver, Clock& clock) noexcept;
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// The reactor of the calling thread, or null. The caller must not keep it across a suspension,
  /// after which it may run on another thread.
  [[nodiscard]] static Reactor* current() noexcept;
  /// As current(), inlined: for functions that are never inlined and that suspend nothing.
  [[nodiscard]] static Reactor* here() noexcept { return thread_context().reactor; }

  /// Keeps remote threads out while it lives. For the owner, and within complete(). May be nested.
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

  /// Starts an I/O operation or a timer. `completed`: complete() is not called. `pending`: a remote
  /// thread may have called complete() already, unless the caller holds the reactor. If the source
  /// is closed before the operation has ended, its result is -ECANCELED.
  [[nodiscard]] Started start(Operation& operation) noexcept {
    const Hold hold(*this);
    return start_held(operation);
  }
  /// As start(), with the reactor held.
  [[nodiscard]] Started start_held(Operation& operation) noexcept {
    operation.reactor = this;
    operation.cancel_wanted = false;
    if (operation.kind == OperationKind::timer) {
      start_timer(operation);
    } else if (driver_->start(operation) == Started::completed) {
      return Started::completed;
    } else if (operation.source != nullptr && !operation.source->add_pending(operation))
        [[unlikely]] {
      return refuse(operation);
    }
    ++pending_;
    return Started::pending;
  }
  /// Requests an early end of a pending operation. If the driver confirms at once, calls complete()
  /// before it returns. Ignores an operation that is no longer pending.
  void cancel(Operation& operation) noexcept;
  /// With the reactor held: files `sleep` in the wheel, to call its over() at its deadline.
  void start_held(SleepLeaf& sleep) noexcept {
    wheel_.insert(sleep);
    ++pending_;
  }
  /// Takes `sleep` out of the wheel. False: its time has come, and over() was called.
  [[nodiscard]] bool take_back(SleepLeaf& sleep) noexcept;
  /// Any thread. Makes the owner (or a remote thread) call hook.request() soon, and wakes the
  /// owner. The hook must live until then, and must not be posted again before.
  void post_cancel(CancelMessage& hook) noexcept;

  // For Timer: the owner, or a remote thread in its place
  /// Files `timer`, which no reactor has. Its callback must not be running.
  void arm_first(Timer& timer, std::int64_t deadline, std::int64_t period) noexcept {
    if (!lock_.try_enter()) [[unlikely]]
      return arm_inside(timer, deadline, period);
    file(timer, deadline, period);
    lock_.leave();
  }
  /// Files `timer`, which this reactor or none has. Returns whether it was armed.
  bool arm(Timer& timer, std::int64_t deadline, std::int64_t period) noexcept {
    const Hold hold(*this);
    return arm_held(timer, deadline, period);
  }
  /// Takes out `timer`, which this reactor has. Returns whether it was armed.
  bool disarm(Timer& timer) noexcept {
    if (!lock_.try_enter()) [[unlikely]]
      return disarm_inside(timer);
    const bool was_armed = disarm_held(timer);
    lock_.leave();
    return was_armed;
  }
  [[nodiscard]] TimerCalls& calls() noexcept { return calls_; }
  /// Any thread. Calls errand.request() here, in place of the owner. False, without effect: the
  /// owner or another remote thread is inside.
  [[nodiscard]] bool visit_for(CancelHook& errand) noexcept;
  /// Any thread. As visit_for(), for every hook that was posted.
  [[nodiscard]] bool visit_for_messages() noexcept;
  /// Disarms every timer. Called by the owner when its runtime has ended.
  void drop_timers() noexcept;
  /// With the reactor held.
  [[nodiscard]] TimerWheel& wheel() noexcept { return wheel_; }

  /// Delivers what is ready. Blocks until something is ready, the wheel's next deadline or
  /// `limit_ns` has passed (0: never blocks; negative: no limit), or wake() was called. Returns how
  /// many operations ended.
  std::size_t poll(std::int64_t limit_ns) noexcept;
  /// Whether the next poll() has buffered events, which it delivers without a system call for more.
  [[nodiscard]] bool has_buffered() noexcept;
  /// Delivers the next few buffered events, and leaves the timers alone. False: there were none.
  [[nodiscard]] bool dispatch_buffered() noexcept;
  /// How long poll(-1) would block at most, in nanoseconds; negative: without limit.
  [[nodiscard]] std::int64_t timeout() noexcept;
  /// Any thread. A handle that is readable when poll() has something to deliver other than timers.
  [[nodiscard]] NativeHandle native_handle() const noexcept { return driver_->native_handle(); }
  /// Any thread. Ends the current poll(), or else makes the next one not block.
  void wake() noexcept { driver_->wake(); }

  /// What is left after poll_remotely(): when to come back.
  struct RemotePoll {
    NativeHandle handle;      ///< readable when there is more to deliver
    std::int64_t timeout_ns;  ///< until the next timer; negative: there is none
  };
  /// Any thread that is not a worker at that moment. Delivers what is ready, on this thread, in
  /// place of the owner. No value: the owner or another remote thread is inside.
  [[nodiscard]] std::optional<RemotePoll> poll_remotely() noexcept;
  /// Called by the owner within a task that will compute for long: the first poll_remotely() then
  /// costs no more than the next.
  void allow_remote_polls() noexcept { lock_.give_bias_up(); }

  [[nodiscard]] std::int64_t now() noexcept {
    const std::int64_t now_ns = clock_.now();
    seen_at_.store(now_ns, std::memory_order_relaxed);  // relaxed: a time orders nothing
    return now_ns;
  }
  /// The last time read from the clock: in the past, but no earlier than the last poll() that had
  /// timers to fire.
  [[nodiscard]] std::int64_t seen_at() const noexcept {
    return seen_at_.load(std::memory_order_relaxed);
  }
  /// Whether `deadline` has passed. Reads the clock only if `deadline` is at most 1 ms after
  /// seen_at(): reading costs more than the rest of starting a sleep. Without a reading it returns
  /// false. That is wrong only if seen_at() is more than 1 ms old and `deadline` has passed since.
  /// This is rare, as tasks are short. A later poll() then fires the timer.
  [[nodiscard]] bool has_passed(std::int64_t deadline) noexcept {
    constexpr std::int64_t surely_later_ns = 1'000'000;
    return deadline <= seen_at() + surely_later_ns && deadline <= now();
  }
  [[nodiscard]] std::size_t pending() const noexcept { return pending_; }
  /// Any thread. How many operations and timers have ended, and how often the driver was asked.
  [[nodiscard]] std::uint64_t ended() const noexcept { return ended_.load(); }
  [[nodiscard]] std::uint64_t polls() const noexcept { return polls_.load(); }

 private:
  void start_timer(Operation& operation) noexcept;
  [[nodiscard]] Started refuse(Operation& operation) noexcept;
  void file(Timer& timer, std::int64_t deadline, std::int64_t period) noexcept {
    timer.deadline = deadline;
    timer.period_ = period;
    wheel_.insert(timer);
    // Relaxed: the caller orders this use of the timer and the next one.
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
    // While its callback runs, the timer's destructor must find this reactor. Relaxed: as in
    // file().
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
  std::size_t pending_ = 0;  // operations, timers included, started and not ended
  Counter ended_;            // operations ended since the beginning
  Counter polls_;
  Atomic<std::int64_t> seen_at_{0};  // of the clock; written by the owner and remote threads
  bool wake_owed_ = false;           // a remote poll consumed the owner's wake
  BiasedLock lock_;                  // guards all of the above but the atomics
  // A stack of hooks: any thread pushes, the thread that holds the reactor takes all of it.
  Atomic<CancelMessage*> messages_{nullptr};
};

}  // namespace weft::inline v0_1::detail
