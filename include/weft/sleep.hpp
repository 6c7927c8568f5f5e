// sleep_for() and sleep_until(): wait for a point in time.
//
//   co_await weft::sleep_for(100ms);
//
// A sleep is not an Operation: it needs only a node of the timer wheel, so a program may have
// millions of sleeping tasks.
#pragma once

#include <weft/extend/operation.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include <coroutine>
#include <type_traits>

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

/// `GivesResult` is set by attempt().
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

/// The awaitable of sleep_for() and sleep_until().
template <bool GivesResult = false>
class [[nodiscard]] SleepOp {
 public:
  explicit SleepOp(TimePoint deadline) noexcept : deadline_(deadline) {}
  detail::SleepAwaiter<GivesResult> operator co_await() const noexcept {
    return detail::SleepAwaiter<GivesResult>(deadline_);
  }
  /// Returns the same wait with a Result<void> as its value. It never fails.
  [[nodiscard]] SleepOp<true> attempt() const noexcept { return SleepOp<true>(deadline_); }

 private:
  TimePoint deadline_;
};

/// Waits until `deadline`. Never ends early; on an idle worker it ends at most 0.2 ms late as a
/// rule. Returns immediately if `deadline` has passed. Cancel: ends immediately.
[[nodiscard]] inline SleepOp<> sleep_until(TimePoint deadline) noexcept {
  return SleepOp<>(deadline);
}

/// Waits for `duration`, counted from this call; zero or less: does not wait. See sleep_until().
[[nodiscard]] inline SleepOp<> sleep_for(Duration duration) noexcept {
  return sleep_until(deadline_after(duration));
}

}  // namespace weft::inline v0_1
