// SleepOp: to wait until a point of time, as an awaitable. What sleep_for() and sleep_until() in
// this header give. It is no Operation: a node of the timer wheel is all that it needs, and a
// program may have millions of tasks that sleep.
#pragma once

#include <weft/extend/operation.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include <coroutine>
#include <type_traits>

namespace weft {

namespace detail {

/// The leaf of a task that sleeps: its node in the wheel of the worker where it began. Who may
/// touch it is as with an OperationLeaf.
class SleepLeaf : private TimerNode, private CancelMessage {
 public:
  explicit SleepLeaf(TimePoint until) noexcept
      : TimerNode(Kind::sleep), CancelMessage(&SleepLeaf::on_cancel_request) {
    deadline = until.time_since_epoch().count();
  }
  /// Within await_suspend. False: the deadline has passed, go on at once.
  [[nodiscard, gnu::noinline]] bool suspend(PromiseBase& innermost) noexcept;

 private:
  friend class Reactor;
  static void on_cancel_request(CancelHook& self) noexcept;
  /// The time has come; the wheel has it no more. It may be gone when this returns.
  void over() noexcept { task_->leaf_ended(false); }

  TaskHeader* task_ = nullptr;
  Reactor* reactor_ = nullptr;
};

/// `GivesResult`: for attempt().
template <bool GivesResult>
class SleepAwaiter final : private SleepLeaf {
 public:
  using SleepLeaf::SleepLeaf;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise());
  }
  std::conditional_t<GivesResult, Result<void>, void> await_resume() const noexcept {
    if constexpr (GivesResult) return {};
  }
};

}  // namespace detail

template <bool GivesResult = false>
class [[nodiscard]] SleepOp {
 public:
  explicit SleepOp(TimePoint deadline) noexcept : deadline_(deadline) {}
  detail::SleepAwaiter<GivesResult> operator co_await() const noexcept {
    return detail::SleepAwaiter<GivesResult>(deadline_);
  }
  /// The same as an operation that gives Result<void>: it never fails.
  [[nodiscard]] SleepOp<true> attempt() const noexcept { return SleepOp<true>(deadline_); }

 private:
  TimePoint deadline_;
};

/// Waits until `deadline`; never ends early, as a rule at most 0.2 ms late while the worker is
/// idle. A deadline that has passed ends at once. Cancel: ends at once.
[[nodiscard]] inline SleepOp<> sleep_until(TimePoint deadline) noexcept {
  return SleepOp<>(deadline);
}

/// Waits for `duration` (zero or less: not at all), counted from this call. See sleep_until.
[[nodiscard]] inline SleepOp<> sleep_for(Duration duration) noexcept {
  return sleep_until(deadline_after(duration));
}

}  // namespace weft
