// shield(): runs an awaitable to its end even if the awaiting task is cancelled.
//
//   co_await weft::shield(commit(transaction));
//
// From a fiber: weft::await(weft::shield(…)). As a future: as_future(weft::shield(…)).
#pragma once

#include <weft/detail/task_context.hpp>
#include <weft/extend/child_group.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// The part of a shield that is not a template: a leaf that no cancel reaches.
class ShieldLeaf {
 public:
  void on_child_end(std::size_t index, bool cancelled, bool failed) noexcept;

 protected:
  ShieldLeaf() noexcept = default;
  ~ShieldLeaf() = default;
  /// Suspends the task of `innermost`, which becomes the parent of a child to be started now.
  [[nodiscard]] TaskHeader& begin(PromiseBase& innermost) noexcept;
  /// Called when the child was started. Returns false if it has ended: continue without suspending.
  [[nodiscard]] bool wait() noexcept;

 private:
  TaskHeader* task_ = nullptr;
  Atomic<bool> one_done_{false};  // the child's end, or the wait
};

template <class T>
class ShieldAwaiter final : private ShieldLeaf {
  friend class weft::Child<T, ShieldAwaiter>;

 public:
  explicit ShieldAwaiter(Task<T> task) noexcept : child_(*this, 0, std::move(task)) {}
  ShieldAwaiter(const ShieldAwaiter&) = delete;
  ShieldAwaiter& operator=(const ShieldAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    TaskHeader& task = begin(innermost.promise());
    child_.set_context(without_deadline_.below(task.context()));
    child_.start(task);
    return wait();
  }
  T await_resume() { return child_.outcome().take(); }

 private:
  WithoutDeadline without_deadline_;
  Child<T, ShieldAwaiter> child_;
};

}  // namespace detail

template <class T>
class [[nodiscard]] Shield {
 public:
  explicit Shield(Task<T> task) noexcept : task_(std::move(task)) {}
  detail::ShieldAwaiter<T> operator co_await() && noexcept {
    return detail::ShieldAwaiter<T>(std::move(task_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  Task<T> task_;
};

/// Awaits `awaitable` and returns its result, or throws what it throws, whether or not a cancel is
/// requested. A cancel does not reach it, and it is started even if a cancel came before. The
/// cancel is not forgotten: the result is delivered, and the task's next wait ends with the cancel.
/// The awaited code inherits no deadline; deadlines set within it apply. It must end by itself:
/// give it a timeout() within the shield. A shutdown waits for it. (In a fiber that is being
/// unwound nothing can be awaited, a shield included: use the cleanup of a finally() for code that
/// must run then.)
template <Awaitable A>
Shield<AwaitResult<A>> shield(A awaitable) {
  return Shield<AwaitResult<A>>(as_task(std::move(awaitable)));
}

}  // namespace weft::inline v0_1
