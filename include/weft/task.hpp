// Task<T>: a lazy coroutine. Calling it allocates its frame from the frame pool and runs nothing.
// Awaiting it, or passing it to spawn() or block_on(), starts it. attempt() makes errors values.
//
//   weft::Task<int> answer() { co_return 42; }
//   weft::Task<void> program() { int x = co_await answer(); … }
//
// Awaiting transfers control directly, on constant stack: after a bounded number of transfers in a
// row, the next one goes through the run queue. A task that is destroyed before it was awaited
// never runs.
//
// Cancel: a request, by JoinHandle::cancel(), by a timeout(), a scope() or select(), or by the
// runtime's shutdown. It reaches what the task waits for, through all that it awaits. What is ready
// by then is delivered, and the next wait begins nothing. Where a wait ends by the cancel, nothing
// is thrown: the frames are destroyed, innermost first, and the task has ended as cancelled, which
// is neither a value nor an exception. So
//  - no `catch` sees a cancel, and std::uncaught_exceptions() is zero in the destructors that run.
//    A guard that commits unless an exception is in flight would commit: let the code say that it
//    is done (`guard.commit()`), or use finally() (<weft/finally.hpp>), which sees every outcome;
//  - a task that awaits only what completes at once (tasks that return, an async generator that
//    never waits) ends, too, at the beginning of an await, within some hundred awaits. Code that
//    awaits nothing is not interrupted.
#pragma once

#include <weft/detail/attempt.hpp>
#include <weft/detail/foreign_awaiter.hpp>
#include <weft/detail/future_awaiter.hpp>
#include <weft/detail/misuse.hpp>
#include <weft/extend/awaitable.hpp>
#include <weft/extend/task_header.hpp>
#include <weft/outcome.hpp>

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

template <class T = void>
class Task;

/// A promise whose coroutine weft's awaiters can suspend.
template <class P>
concept WeftPromise = std::derived_from<P, PromiseBase>;

namespace detail {

template <class T>
class TaskPromiseBase : public PromiseBase {
 public:
  using PromiseBase::PromiseBase;

  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept {
    task().note_failure(site());
    outcome_.set_error(std::current_exception());
  }
  [[nodiscard]] Returned<T>& outcome() noexcept { return outcome_; }

 private:
  Returned<T> outcome_;
};

template <class T>
class TaskPromise final : public TaskPromiseBase<T> {
 public:
  TaskPromise() noexcept
      : TaskPromiseBase<T>(std::coroutine_handle<TaskPromise>::from_promise(*this)) {}
  Task<T> get_return_object() noexcept;
  template <class U = T>
    requires std::convertible_to<U&&, T>
  void return_value(U&& value) {
    this->outcome().set_value(std::forward<U>(value));
  }
};

template <>
class TaskPromise<void> final : public TaskPromiseBase<void> {
 public:
  TaskPromise() noexcept
      : TaskPromiseBase<void>(std::coroutine_handle<TaskPromise>::from_promise(*this)) {}
  Task<void> get_return_object() noexcept;
  void return_void() { outcome().set_value(); }
};

}  // namespace detail

/// A coroutine that has not started yet; see the top of this header. Move-only. Used by one thread
/// at a time.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using value_type = T;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  explicit Task(Handle frame) noexcept : frame_(frame) {}

  /// Returns whether there is a coroutine to await: false after a move, or once awaited.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(frame_); }
  /// Returns its promise, to start the coroutine. Aborts with a message if there is none. For
  /// authors of headers that build on this one.
  [[nodiscard]] promise_type& promise_to_start() const noexcept {
    if (!frame_) [[unlikely]]
      misuse();
    return promise();
  }
  /// Does the same without a check, for a coroutine that was started.
  [[nodiscard]] promise_type& promise() const noexcept {
    // SAFETY: frame_ was made from a Handle of this promise type.
    return Handle::from_address(frame_.get().address()).promise();
  }

  /// Returns the owner of its frame. For authors of headers that build on this one.
  [[nodiscard]] detail::FrameOwner& frame() noexcept { return frame_; }

  class Awaiter {
   public:
    explicit Awaiter(detail::FrameOwner frame) noexcept : frame_(std::move(frame)) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <WeftPromise P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) noexcept {
      promise().awaited_by(parent.promise(), frame_);
      // Counts against the budget, as a return does: without guaranteed tail calls a deep chain
      // would consume stack on its way down.
      return parent.promise().task().transfer_down_to(promise());
    }
    T await_resume() { return promise().outcome().take(); }

   private:
    promise_type& promise() const noexcept {
      return Handle::from_address(frame_.get().address()).promise();
    }
    detail::FrameOwner frame_;
  };

  /// Starts it, waits for its result and returns that; rethrows its exception. Awaiting an lvalue
  /// does not compile, as a task can be awaited once. Aborts with a message if it is empty. Cancel:
  /// see the top of this header.
  Awaiter operator co_await() && noexcept {
    if (!frame_) [[unlikely]]
      misuse();
    return Awaiter(std::move(frame_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  [[noreturn]] static void misuse() noexcept {
    detail::misused("weft::Task",
                    "it has no coroutine to start: it was made empty, moved from, or awaited "
                    "before; call the coroutine function again");
  }

  detail::FrameOwner frame_;
};

template <class T>
Task<T> detail::TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> detail::TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

template <class A>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

/// Wraps any awaitable in a Task, so that it can be a child of its own. Returns a Task unchanged.
template <Awaitable A>
Task<AwaitResult<A>> as_task(A awaitable) {
  if constexpr (std::is_void_v<AwaitResult<A>>) {
    co_await std::move(awaitable);
  } else {
    decltype(auto) value = co_await std::move(awaitable);
    co_return static_cast<AwaitResult<A>&&>(value);
  }
}
template <class T>
Task<T> as_task(Task<T> task) {
  return task;
}

/// Awaits `awaitable`, a Task too, and returns IoResult<T> instead of T: an IoError that it throws
/// is the result's error, with its operation and its object. An operation makes its error without
/// an exception; a Task throws it up to here. Exceptions that are no IoError are thrown. Cancel: as
/// of the awaitable; it is not an error.
template <class A>
auto attempt(A awaitable) {
  if constexpr (requires { std::move(awaitable).attempt(); }) {
    return std::move(awaitable).attempt();
  } else {
    static_assert(Awaitable<A>, "weft::attempt: this is nothing that can be awaited");
    return detail::Attempt<A>(std::move(awaitable));
  }
}

}  // namespace weft::inline v0_1
