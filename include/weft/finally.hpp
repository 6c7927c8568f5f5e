// finally(): a body and a cleanup that may wait, which runs on every path: value, exception,
// cancel.
//
//   Connection connection = co_await pool.take();
//   co_await weft::finally(use(connection), [&] { return pool.give_back(connection); });
//
// What destructors cannot do, as they cannot wait. From a fiber: weft::await(weft::finally(…)),
// with fiber() for a body in the blocking style.
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

namespace weft {

namespace detail {

/// The non-template part: the body, and after it the cleanup, as one group.
class FinallyGroup : public ChildGroup {
 public:
  static constexpr std::size_t body_index = 0;
  static constexpr std::size_t cleanup_index = 1;
  void on_child_end(std::size_t index, bool cancelled, bool failed) noexcept;

 protected:
  FinallyGroup() noexcept = default;
  ~FinallyGroup() = default;
  /// The body has ended, and still counts.
  virtual void start_cleanup() noexcept = 0;
  /// To the runtime's handler of failures that nobody awaits.
  static void report(std::exception_ptr error) noexcept;
};

}  // namespace detail

/// How a cleanup for a body that gives T is called, and what it gives.
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

/// What a cleanup that waits leads to; nothing for one that does not.
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
      if (parent().cancel_requested()) {  // the body is not begun
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
      const ContextScope scope(context);  // what calls it may have something else bound
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
  /// Any thread. The cleanup is not told.
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

 private:
  B body_;
  C cleanup_;
};

/// Awaits `body`, an awaitable or something to call that gives one; then, however that ended, calls
/// `cleanup()`, or `cleanup(const Outcome<T>&)` to be told how, and awaits what it gives (if it
/// gives nothing, its call is all). Then gives the body's result, or rethrows what it has thrown.
///
/// Cancel: cancels the body, not the cleanup; then the task ends as cancelled. If the body had got
/// its result nevertheless, that is delivered. If a cancel was asked for before, the body is not
/// begun, but the cleanup is. The cleanup has to end by itself: give it a timeout(). A shutdown
/// waits for it. Within it there is no deadline but those that are set there.
///
/// A cleanup that throws: its exception is what is thrown here, in place of the body's value, or of
/// the task's end as cancelled (the cancel stays asked for). If the body has thrown, too, that
/// exception is thrown, and the cleanup's goes to the runtime's failure handler.
///
/// By the time the cleanup begins, the body's frame is gone. If what finally() gives is dropped
/// without being awaited, neither of them runs.
template <class B, class C>
  requires(std::is_invocable_v<B&> || Awaitable<B>)
Finally<B, C> finally(B body, C cleanup) {
  return Finally<B, C>(std::move(body), std::move(cleanup));
}

}  // namespace weft
