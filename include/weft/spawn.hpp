// spawn() and JoinHandle: tasks of their own, and waiting for them. yield_now().
#pragma once

#include <weft/detail/spawned_task.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <type_traits>
#include <utility>

namespace weft {

/// The result of a spawned task, to come. Move-only; used by one thread at a time. Dropping it
/// leaves the task running with its owner.
template <class T>
class JoinHandle {
 public:
  explicit JoinHandle(detail::SpawnedResult<T>& task) noexcept : task_(&task) {}
  JoinHandle(JoinHandle&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  JoinHandle& operator=(JoinHandle&& other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~JoinHandle() {
    if (task_ != nullptr) task_->drop_handle();
  }

  /// Asks the task to cancel; returns at once. It ends as cancelled, unless it has its result.
  void cancel() const noexcept { task_->cancel_by_holder(); }
  [[nodiscard]] bool ended() const noexcept { return task_->ended(); }
  /// Lets go of the task, as the destructor does: for those who mean it.
  void detach() && noexcept { JoinHandle dropped(std::move(*this)); }

  template <bool AsOutcome>
  class Awaiter;
  class OutcomeOp;

  /// Waits for the end and gives the value; rethrows the task's exception; throws IoError
  /// (errc::operation_canceled) if it was cancelled. Cancel: stops waiting; the task goes on with
  /// its owner.
  Awaiter<false> operator co_await() && noexcept { return Awaiter<false>(std::move(*this)); }
  /// Waits for the end and gives how it ended, without throwing.
  OutcomeOp outcome() && noexcept { return OutcomeOp(std::move(*this)); }

  /// The task, for those who wait without a coroutine.
  [[nodiscard]] detail::SpawnedResult<T>& task() const noexcept { return *task_; }

 private:
  detail::SpawnedResult<T>* task_;
};

namespace detail {

/// The leaf that waits for a spawned task.
class JoinLeaf : private CancelHook, private JoinWaiter {
 public:
  JoinLeaf() noexcept;
  [[nodiscard]] bool suspend(PromiseBase& innermost, SpawnedTask& target) noexcept;

 private:
  static void on_end(JoinWaiter& self) noexcept;
  static void on_cancel_request(CancelHook& self) noexcept;

  TaskHeader* waiting_ = nullptr;
  SpawnedTask* target_ = nullptr;
};

}  // namespace detail

template <class T>
template <bool AsOutcome>
class JoinHandle<T>::Awaiter {
 public:
  explicit Awaiter(JoinHandle handle) noexcept : handle_(std::move(handle)) {}
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return leaf_.suspend(innermost.promise(), handle_.task());
  }
  std::conditional_t<AsOutcome, Outcome<T>, T> await_resume() {
    handle_.task().note_taken();
    if constexpr (AsOutcome) {
      return std::move(handle_.task().outcome());
    } else {
      return handle_.task().outcome().take();
    }
  }

 private:
  JoinHandle handle_;
  detail::JoinLeaf leaf_;
};

/// See JoinHandle::outcome().
template <class T>
class [[nodiscard]] JoinHandle<T>::OutcomeOp {
 public:
  explicit OutcomeOp(JoinHandle handle) noexcept : handle_(std::move(handle)) {}
  Awaiter<true> operator co_await() && noexcept { return Awaiter<true>(std::move(handle_)); }

 private:
  JoinHandle handle_;
};

namespace detail {

/// What starting F with Args gives in the end: F is called with Args and gives an awaitable, or is
/// one itself, and there are none.
template <class F, class... Args>
struct SpawnTraits {
  static_assert(sizeof...(Args) == 0 && Awaitable<F>,
                "weft: give something awaitable, or a callable that does");
  using Result = AwaitResult<F>;
};
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
struct SpawnTraits<F, Args...> {
  using Result = AwaitResult<std::invoke_result_t<F&, Args...>>;
};

}  // namespace detail
template <class F, class... Args>
using SpawnResult = typename detail::SpawnTraits<F, Args...>::Result;

/// spawn_in() on `executor`, which must outlive the task; null: the owner's.
template <class F, class... Args>
auto spawn_in_on(detail::OwnedTasks& owner, detail::TaskExecutor* executor, F callable,
                 Args... args) -> JoinHandle<SpawnResult<F, Args...>> {
  if constexpr (std::is_invocable_v<F&, Args...>) {
    using Spawned = detail::SpawnedCall<SpawnResult<F, Args...>, F, Args...>;
    return JoinHandle<SpawnResult<F, Args...>>(
        Spawned::make_on(owner, executor, std::move(callable), std::move(args)...));
  } else {
    return spawn_in_on(owner, executor,
                       [work = std::move(callable)]() mutable { return std::move(work); });
  }
}

/// Starts `callable(args…)`, which gives an awaitable (a Task, an operation …), or an awaitable
/// itself, as a task of `owner`.
template <class F, class... Args>
auto spawn_in(detail::OwnedTasks& owner, F callable, Args... args)
    -> JoinHandle<SpawnResult<F, Args...>> {
  return spawn_in_on(owner, nullptr, std::move(callable), std::move(args)...);
}

/// Starts `callable(args…)`, or an awaitable, as a task of the current runtime. The callable and
/// its arguments move into the task and live until it has ended, so a lambda's captures cannot
/// dangle; it inherits nothing that is bound for the caller (task-locals, a deadline). The task
/// starts at the latest when the caller suspends. Throws std::logic_error outside
/// a runtime, std::bad_alloc, and what calling `callable` throws.
template <class F, class... Args>
auto spawn(F callable, Args... args) -> JoinHandle<SpawnResult<F, Args...>> {
  return spawn_in(detail::OwnedTasks::current(), std::move(callable), std::move(args)...);
}

namespace detail {

/// Goes to the back of the queue: everything ready on this worker runs first. Cancel: ends here.
class YieldAwaiter {
 public:
  YieldAwaiter() noexcept {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> innermost) const noexcept {
    TaskHeader& task = innermost.promise().task();
    if (!task.suspended_to_begin(innermost.promise())) return std::noop_coroutine();
    return task.resume_after_others();
  }
  void await_resume() const noexcept {}
};

}  // namespace detail
[[nodiscard]] inline detail::YieldAwaiter yield_now() noexcept { return {}; }

}  // namespace weft
