// finally(): a body, and a cleanup that may wait and runs on every path: value, exception, cancel.
//
//   Connection connection = co_await pool.take();
//   co_await weft::finally(use(connection), [&] { return pool.give_back(connection); });
//
// For cleanups that a destructor cannot do, as destructors cannot wait. From a fiber:
// weft::await(weft::finally(…)), with fiber() for a body in the blocking style.
#pragma once

#include <weft/detail/task_context.hpp>
#include <weft/extend/child_group.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// The part that is not a template: the body, and after it the cleanup, as one group.
class FinallyGroup : public ChildGroup {
 public:
  static constexpr std::size_t body_index = 0;
  static constexpr std::size_t cleanup_index = 1;
  void on_child_end(std::size_t index, bool cancelled, bool failed) noexcept;

 protected:
  FinallyGroup() noexcept = default;
  ~FinallyGroup() = default;
  /// Called when the body has ended, while the group still counts it.
  virtual void start_cleanup() noexcept = 0;
  /// Reports a failure to the runtime's handler for failures that no task awaits.
  static void report(std::exception_ptr error) noexcept;
};

}  // namespace detail

/// The call of a cleanup for a body with result T, and the result of that call.
template <class T, class C>
decltype(auto) call_cleanup(C& cleanup, const Outcome<T>& outcome) {
  if constexpr (std::is_invocable_v<C&, const Outcome<T>&>) {
    return std::invoke(cleanup, outcome);
  } else {
    static_assert(std::is_invocable_v<C&>,
                  "weft::finally: the cleanup takes nothing, or const Outcome<T>&");
    return std::invoke(cleanup);
  }
}
namespace detail {

template <class T, class C>
using CleanupResult =
    decltype(call_cleanup<T>(std::declval<C&>(), std::declval<const Outcome<T>&>()));

/// The task of a cleanup that waits; empty for a cleanup that does not.
template <class R>
struct CleanupTask {
  using Value = AwaitResult<R>;
};
template <>
struct CleanupTask<void> {
  using Value = void;
};

template <class B, class C>
class FinallyAwaiter final : public FinallyGroup {
  using T = SpawnResult<B>;
  using Cleanup = CleanupResult<T, C>;
  static constexpr bool cleanup_waits = !std::is_void_v<Cleanup>;
  using Cleaned = typename CleanupTask<Cleanup>::Value;

 public:
  FinallyAwaiter(B&& body, C&& cleanup)
      : work_(std::move(body)),
        cleanup_(std::move(cleanup)),
        body_(*this, body_index, Task<T>()),
        cleaning_(*this, cleanup_index, Task<Cleaned>()) {}
  FinallyAwaiter(const FinallyAwaiter&) = delete;
  FinallyAwaiter& operator=(const FinallyAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend_regardless(innermost.promise(), 1);
  }
  T await_resume() {
    if (cleaning_.outcome().failed()) {
      if (!body_.outcome().failed()) std::rethrow_exception(cleaning_.outcome().error());
      report(cleaning_.outcome().error());
    }
    return body_.outcome().take();
  }

 private:
  void start_children() noexcept override {
    try {
      if (parent().cancel_requested()) {  // the body is not started
        on_child_end(body_index, true, false);
      } else if constexpr (std::is_invocable_v<B&>) {
        body_.start(parent(), as_task(std::invoke(work_)));
      } else {
        body_.start(parent(), as_task(std::move(work_)));
      }
    } catch (...) {
      body_.outcome().set_error(std::current_exception());
      on_child_end(body_index, false, true);
    }
  }
  void start_cleanup() noexcept override {
    const TaskContext* const context = without_deadline_.below(parent().context());
    try {
      const ContextScope scope(context);  // the calling code may have other bindings
      if constexpr (cleanup_waits) {
        Task<Cleaned> cleaning = as_task(call_cleanup<T>(cleanup_, body_.outcome()));
        add_child();
        cleaning_.set_context(context);
        cleaning_.start(parent(), std::move(cleaning));
      } else {
        call_cleanup<T>(cleanup_, body_.outcome());
      }
    } catch (...) {
      cleaning_.outcome().set_error(std::current_exception());
    }
  }
  /// Any thread. The cleanup is not cancelled.
  void cancel_children() noexcept override { body_.cancel(); }
  [[nodiscard]] bool ended_as_cancelled() noexcept override {
    return body_.outcome().cancelled() && !cleaning_.outcome().failed();
  }

  B work_;
  C cleanup_;
  WithoutDeadline without_deadline_;
  Child<T, FinallyGroup> body_;
  Child<Cleaned, FinallyGroup> cleaning_;
};

}  // namespace detail

template <class B, class C>
class [[nodiscard]] Finally {
 public:
  Finally(B&& body, C&& cleanup) : body_(std::move(body)), cleanup_(std::move(cleanup)) {}
  detail::FinallyAwaiter<B, C> operator co_await() && {
    return detail::FinallyAwaiter<B, C>(std::move(body_), std::move(cleanup_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  B body_;
  C cleanup_;
};

/// Awaits `body`, an awaitable or a callable that returns one. Then, however the body ended, calls
/// `cleanup()`, or `cleanup(const Outcome<T>&)` with the body's outcome, and awaits its result, if
/// it has one. Then returns the body's result, or rethrows its exception.
///
/// Cancel: cancels the body but not the cleanup; then the task ends as cancelled. If the body got
/// its result in spite of the cancel, that is delivered. If a cancel was requested before, the body
/// is not started, but the cleanup is. The cleanup must end by itself: give it a timeout(). A
/// shutdown waits for it. It inherits no deadline; deadlines set within it apply.
///
/// If the cleanup throws, its exception is thrown in place of the body's value, or of the task's
/// end as cancelled (the cancel stays requested). If the body threw, too, the body's exception is
/// thrown, and the cleanup's goes to the runtime's failure handler.
///
/// When the cleanup begins, the body's frame has been destroyed. If the result of finally() is
/// destroyed without being awaited, neither of them runs.
template <class B, class C>
  requires(std::is_invocable_v<B&> || Awaitable<B>)
Finally<B, C> finally(B body, C cleanup) {
  return Finally<B, C>(std::move(body), std::move(cleanup));
}

}  // namespace weft::inline v0_1
