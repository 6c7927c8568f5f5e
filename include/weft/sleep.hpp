// sleep_for() and sleep_until(): wait for a point in time. never(): waits for a cancel.
//
//   co_await weft::sleep_for(100ms);
//
// A sleep is not an Operation: it needs only a node of the timer wheel, so a program may have
// millions of sleeping tasks.
#pragma once

#include <weft/extend/operation.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include <coroutine>

namespace weft::inline v0_1 {

namespace detail {

/// The leaf of a sleeping task: its node in the timer wheel of the worker on which the sleep began.
/// The same threads may access it as an OperationLeaf.
class SleepLeaf : private TimerNode, private CancelMessage {
 public:
  explicit SleepLeaf(TimePoint until) noexcept
      : TimerNode(Kind::sleep), CancelMessage(&SleepLeaf::on_cancel_request) {
    deadline = until.time_since_epoch().count();
  }
  /// Called within await_suspend(). Returns false if the deadline has passed: continue without
  /// suspending.
  [[nodiscard, gnu::noinline]] bool suspend(PromiseBase& innermost) noexcept;

 private:
  friend class Reactor;
  static void on_cancel_request(CancelHook& self) noexcept;
  /// The deadline has passed and the wheel has removed the node. The leaf may be destroyed when
  /// this returns.
  void over() noexcept { task_->leaf_ended(false); }

  TaskHeader* task_ = nullptr;
  Reactor* reactor_ = nullptr;
};

class SleepAwaiter final : private SleepLeaf {
 public:
  using SleepLeaf::SleepLeaf;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise());
  }
  void await_resume() const noexcept {}
};

}  // namespace detail

/// The awaitable of sleep_for() and sleep_until().
class [[nodiscard]] SleepOp {
 public:
  explicit SleepOp(TimePoint deadline) noexcept : deadline_(deadline) {}
  detail::SleepAwaiter operator co_await() const noexcept {
    return detail::SleepAwaiter(deadline_);
  }

 private:
  TimePoint deadline_;
};

/// Waits until `deadline`. Never ends early; on an idle worker it ends at most 0.2 ms late as a
/// rule. Returns immediately if `deadline` has passed. Cancel: ends immediately.
[[nodiscard]] inline SleepOp sleep_until(TimePoint deadline) noexcept { return SleepOp(deadline); }

/// Waits for `duration`, whole or fractional (0.5s), counted from this call; zero or less: does not
/// wait. See sleep_until().
[[nodiscard]] inline SleepOp sleep_for(Duration duration) noexcept {
  return sleep_until(deadline_after(duration));
}

namespace detail {

/// See never().
class NeverAwaiter final : private CancelHook {
 public:
  NeverAwaiter() noexcept : CancelHook(&NeverAwaiter::on_cancel_request) {}
  NeverAwaiter(const NeverAwaiter&) = delete;
  NeverAwaiter& operator=(const NeverAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  void await_suspend(std::coroutine_handle<P> innermost) noexcept {
    suspend(innermost.promise());
  }
  void await_resume() const noexcept {}

 private:
  void suspend(PromiseBase& innermost) noexcept;
  static void on_cancel_request(CancelHook& self) noexcept;

  TaskHeader* task_ = nullptr;
};

class [[nodiscard]] NeverOp {
 public:
  NeverOp() noexcept {}
  NeverAwaiter operator co_await() const noexcept { return NeverAwaiter(); }
};

}  // namespace detail

/// Waits for ever: for a cancel, that is. Takes no timer. For a task that keeps something alive
/// until it is cancelled, and for the side of a select() that must not win.
[[nodiscard]] inline detail::NeverOp never() noexcept { return {}; }

}  // namespace weft::inline v0_1
