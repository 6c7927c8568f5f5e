// shield(): what runs to its end although the one who waits for it is cancelled.
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

namespace weft {

namespace detail {

/// The part of a shield that needs no template: a leaf that no cancel reaches.
class ShieldLeaf {
 public:
  void on_child_end(std::size_t index, bool cancelled, bool failed) noexcept;

 protected:
  ShieldLeaf() noexcept = default;
  ~ShieldLeaf() = default;
  /// Suspends the task of `innermost`, which is the parent of a child to be started now.
  [[nodiscard]] TaskHeader& begin(PromiseBase& innermost) noexcept;
  /// The child was started. False: it has ended, go on at once.
  [[nodiscard]] bool wait() noexcept;

 private:
  TaskHeader* task_ = nullptr;
  Atomic<bool> one_done_{false};  // of the child's end and the wait
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

 private:
  Task<T> task_;
};

/// Awaits `awaitable` and gives its result, or throws what it throws, whether or not a cancel is
/// asked for: it is not told of one, and is begun even if one came before. The cancel is not
/// forgotten: the result is delivered, and the next wait of the task ends it. Below, there is no
/// deadline but those that are set there. So what is awaited has to end by itself: give it a
/// timeout() within the shield. A shutdown waits for it. (In a fiber that is being unwound nothing
/// can be awaited, so no shield either: what has to run then is the cleanup of a finally().)
template <Awaitable A>
Shield<AwaitResult<A>> shield(A awaitable) {
  return Shield<AwaitResult<A>>(as_task(std::move(awaitable)));
}

}  // namespace weft
