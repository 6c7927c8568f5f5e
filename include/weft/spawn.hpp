// spawn() and SpawnOptions: tasks of their own. JoinHandle: waiting for them. yield_now().
#pragma once

#include <weft/detail/spawned_task.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

class Runtime;
class Scope;
template <class Options, class F, class... Args>
class Fiber;
namespace detail {
class Placement;
}  // namespace detail

/// The result of a spawned task, to come. Move-only; used by one thread at a time. Dropping it
/// leaves the task running with its owner. It is empty once it was moved from, awaited or detached;
/// then all but the destructor, an assignment and operator bool abort with a message.
template <class T>
class JoinHandle {
 public:
  explicit JoinHandle(detail::SpawnedResult<T>& task) noexcept : task_(&task) {}
  JoinHandle(JoinHandle&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  /// Lets go of its task at once, as the destructor does.
  JoinHandle& operator=(JoinHandle&& other) noexcept {
    JoinHandle moved(std::move(other));
    std::swap(task_, moved.task_);
    return *this;
  }
  ~JoinHandle() {
    if (task_ != nullptr) task_->drop_handle();
  }

  /// Returns whether it has a task.
  [[nodiscard]] explicit operator bool() const noexcept { return task_ != nullptr; }
  /// Asks the task to cancel; returns at once. It ends as cancelled, unless it has its result.
  void cancel() const noexcept { task().cancel_by_holder(); }
  /// Whether the task has ended. Any thread.
  [[nodiscard]] bool ended() const noexcept { return task().ended(); }
  /// Lets go of the task, as the destructor does, and says so in the caller's code.
  void detach() && noexcept { JoinHandle dropped(std::move(*this)); }

  /// `Handle`: the handle, or a reference to it.
  template <bool AsOutcome, class Handle = JoinHandle>
  class Awaiter;
  class OutcomeOp;
  class JoinOp;

  /// Waits for the end and gives the value; rethrows the task's exception; throws IoError
  /// (errc::operation_canceled) if it was cancelled. A joining task that was asked to cancel, too,
  /// and ends by that error, ends as cancelled. Cancel: stops waiting; the task goes on with its
  /// owner.
  Awaiter<false> operator co_await() && noexcept { return Awaiter<false>(std::move(*this)); }
  detail::AwaitItWithStdMove operator co_await() const& = delete;
  /// Waits for the end and gives how it ended, without throwing.
  OutcomeOp outcome() && noexcept { return OutcomeOp(std::move(*this)); }
  /// The wait as an awaitable that leaves the handle where it is, for select(), timeout() and the
  /// like: if it loses, or is cancelled, the handle still has the task and its result. Once it has
  /// delivered, the handle is empty. The handle must stay in place until the wait has ended.
  ///
  ///   auto first = co_await weft::select(handle.join(), weft::sleep_for(1s));
  ///   if (!first.has<0>()) handle.cancel();
  [[nodiscard]] JoinOp join() & noexcept { return JoinOp(*this); }

  /// The task, for a wait without a coroutine.
  [[nodiscard]] detail::SpawnedResult<T>& task() const noexcept {
    if (task_ == nullptr) [[unlikely]]
      detail::misused("weft::JoinHandle",
                      "it has no task: it was moved from, awaited or detached before");
    return *task_;
  }

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
template <bool AsOutcome, class Handle>
class JoinHandle<T>::Awaiter {
 public:
  explicit Awaiter(Handle&& handle) noexcept : handle_(std::forward<Handle>(handle)) {}
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return leaf_.suspend(innermost.promise(), handle_.task());
  }
  std::conditional_t<AsOutcome, Outcome<T>, T> await_resume() {
    if constexpr (std::is_reference_v<Handle>) {
      JoinHandle ended(std::move(handle_));
      return result_of(ended);
    } else {
      return result_of(handle_);
    }
  }

 private:
  static std::conditional_t<AsOutcome, Outcome<T>, T> result_of(JoinHandle& ended) {
    ended.task_->note_taken();
    if constexpr (AsOutcome) {
      return std::move(ended.task_->outcome());
    } else {
      return ended.task_->outcome().take();
    }
  }

  Handle handle_;
  detail::JoinLeaf leaf_;
};

/// See JoinHandle::join().
template <class T>
class [[nodiscard]] JoinHandle<T>::JoinOp {
 public:
  explicit JoinOp(JoinHandle& handle) noexcept : handle_(&handle) {}
  Awaiter<false, JoinHandle&> operator co_await() const noexcept {
    return Awaiter<false, JoinHandle&>(*handle_);
  }

 private:
  JoinHandle* handle_;
};

/// See JoinHandle::outcome().
template <class T>
class [[nodiscard]] JoinHandle<T>::OutcomeOp {
 public:
  explicit OutcomeOp(JoinHandle handle) noexcept : handle_(std::move(handle)) {}
  Awaiter<true> operator co_await() && noexcept { return Awaiter<true>(std::move(handle_)); }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  JoinHandle handle_;
};

/// Where a task runs, when it has its turn, and what owns it, for spawn() and whatever else starts
/// tasks: on_complete(), share(), streams::merge(), streams::buffered() and buffered_unordered().
///
///   weft::spawn(weft::SpawnOptions().local(), session, std::move(socket));
///   runtime.spawn(weft::SpawnOptions().on_worker(2), shard);
///   weft::spawn(weft::SpawnOptions().priority(weft::Priority::low), rebuild_index);
///   weft::share(weft::SpawnOptions().owner(scope), load_config);
///
/// A value: set by one thread at a time, copied freely, used any number of times; the owner must
/// live whenever it is used. Setters check nothing and never throw. The call that starts a task
/// reads the options, and throws
///  - std::invalid_argument for options that contradict each other: local() with on_worker(), each
///    of them with priority(), and owner() in owner.spawn(options, …) of another owner;
///  - std::out_of_range if the owner's runtime has no such worker;
///  - std::logic_error for local() on a thread that is no worker of the owner's runtime.
class SpawnOptions {
 public:
  SpawnOptions() noexcept {}

  /// The task belongs to `runtime`, from whatever thread it is spawned. The call throws
  /// std::logic_error once the runtime's shutdown() has begun. Without an owner the task belongs to
  /// the runtime that the calling thread works for.
  SpawnOptions& owner(Runtime& runtime) noexcept;
  /// The task is a child of `scope`, which waits for it.
  SpawnOptions& owner(Scope& scope) noexcept;

  /// The task runs on the calling worker alone, from its start to its end and its destruction, and
  /// so do the children that it waits for: it may hold what is not thread-safe. (The outcome is the
  /// handle's.) A long computation on this worker delays it, as no other worker can run it. On a
  /// current_thread runtime the worker is the thread in block_on().
  SpawnOptions& local() noexcept {
    local_ = true;
    return *this;
  }
  /// The task runs on worker `index` (from 0, below Runtime::workers()) of the owner's runtime
  /// alone: on a thread_per_core runtime as any other task there, else as with local(). spawn()
  /// calls the callable on the spawning thread, and its result runs on the worker; on_complete()
  /// and share() call it on the worker.
  SpawnOptions& on_worker(std::size_t index) noexcept {
    worker_ = index;
    return *this;
  }
  /// The task, and the children that it waits for, have `priority` (high, normal or low: see
  /// <weft/extend/executor.hpp>) among all that waits for a worker. No running task is interrupted.
  SpawnOptions& priority(Priority priority) noexcept {
    priority_ = priority;
    return *this;
  }
  /// The failure of a child of a scope concerns neither the scope nor the other children: it is the
  /// joiner's, or goes to the runtime's failure handler, as that of a task without a scope. For a
  /// server's connections, say, each of which may fail alone. A cancel of the scope, and the
  /// failure of another child, still cancel it.
  SpawnOptions& isolated() noexcept {
    isolated_ = true;
    return *this;
  }

 private:
  friend class detail::Placement;

  detail::OwnedTasks* owner_ = nullptr;  // null: of the current runtime
  bool owned_by_runtime_ = false;
  bool local_ = false;
  bool isolated_ = false;
  std::optional<std::size_t> worker_;
  std::optional<Priority> priority_;
};

namespace detail {

/// The result of an awaitable A; void, if it is none and an assertion has said so.
template <bool is_awaitable, class A>
struct ResultOrVoid {
  using Type = void;
};
template <class A>
struct ResultOrVoid<true, A> {
  using Type = AwaitResult<A>;
};

/// What `SpawnOptions` come to: the owner of a task, and its executor. Defined in
/// src/runtime/placement.cpp.
class Placement {
 public:
  /// For a task of the current runtime, without options. Throws std::logic_error outside a runtime.
  Placement() : owner_(OwnedTasks::current()) {}
  /// For a task of `owner`, without options.
  explicit Placement(OwnedTasks& owner) noexcept : owner_(owner) {}
  /// Throws as SpawnOptions says, and std::logic_error outside a runtime if there is no owner.
  explicit Placement(const SpawnOptions& options);
  Placement(OwnedTasks& owner, const SpawnOptions& options);

  [[nodiscard]] OwnedTasks& owner() const noexcept { return owner_; }
  /// Null: the owner's.
  [[nodiscard]] TaskExecutor* executor() const noexcept { return executor_; }
  [[nodiscard]] bool isolated() const noexcept { return isolated_; }

 private:
  [[nodiscard]] static OwnedTasks& owner_of(const SpawnOptions& options);
  [[nodiscard]] static TaskExecutor* executor_for(OwnedTasks& owner, const SpawnOptions& options);

  OwnedTasks& owner_;
  TaskExecutor* executor_ = nullptr;
  bool isolated_ = false;
};

/// What starting F with Args gives in the end: F is called with Args and gives an awaitable, or is
/// one itself, and there are none. If it can be neither, one assertion says so in words, and
/// `starts` is false, so that no further errors follow.
template <class F, class... Args>
struct SpawnTraits {
  static constexpr bool starts = sizeof...(Args) == 0 && Awaitable<F>;
  static_assert(starts || sizeof...(Args) != 0,
                "weft: this is neither awaitable nor can it be called without arguments: give a "
                "Task or another awaitable, or a callable that returns one");
  static_assert(starts || sizeof...(Args) == 0,
                "weft: the callable cannot be called with these arguments. They are moved into the "
                "task, and passed as rvalues: for a parameter that is a reference to an object of "
                "yours, which outlives the task, pass std::ref(object)");
  using Result = typename ResultOrVoid<starts, F>::Type;
};
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
struct SpawnTraits<F, Args...> {
  using Given = std::invoke_result_t<F&, Args...>;
  static constexpr bool starts = Awaitable<Given>;
  static_assert(starts,
                "weft: the callable returns nothing that can be awaited: make it a coroutine "
                "(-> weft::Task<T>, with co_return), or pass weft::fiber(f) for a function in the "
                "blocking style, or weft::blocking(f) for one that blocks its thread");
  using Result = typename ResultOrVoid<starts, Given>::Type;
};
template <class... Args>
struct SpawnTraits<SpawnOptions, Args...> {};  // for the overload with options

/// Whether F is a Fiber: its task is one block with its stack's function. See <weft/fiber.hpp>.
template <class F>
inline constexpr bool is_fiber = false;
template <class Options, class F, class... Args>
inline constexpr bool is_fiber<Fiber<Options, F, Args...>> = true;

/// spawn() as `placement` says.
template <class F, class... Args>
auto start_task(const Placement& placement, F callable, Args... args)
    -> JoinHandle<typename SpawnTraits<F, Args...>::Result> {
  if constexpr (!SpawnTraits<F, Args...>::starts) {
    std::abort();  // does not compile: SpawnTraits has said why
  } else if constexpr (is_fiber<F>) {
    return launch_fiber(placement, std::move(callable));  // found by its argument
  } else if constexpr (std::is_invocable_v<F&, Args...>) {
    using Result = typename SpawnTraits<F, Args...>::Result;
    return JoinHandle<Result>(SpawnedCall<Result, F, Args...>::make_on(
        placement.owner(), placement.executor(), placement.isolated(), std::move(callable),
        std::move(args)...));
  } else {
    return start_task(placement,
                      [work = std::move(callable)]() mutable { return std::move(work); });
  }
}

}  // namespace detail

/// What the handle of `spawn(F, Args…)` gives.
template <class F, class... Args>
using SpawnResult = typename detail::SpawnTraits<F, Args...>::Result;

/// Starts `callable(args…)`, which gives an awaitable (a Task, a fiber(), a blocking(), an
/// operation …), or an awaitable itself, as a task of the current runtime.
///
///   weft::JoinHandle<int> answer = weft::spawn(compute, 42);
///   weft::spawn(weft::fiber(session, std::move(socket))).detach();
///   int value = co_await std::move(answer);
///
/// The callable and its arguments move into the task and live until it has ended, so a lambda's
/// captures cannot dangle. The task inherits nothing that is bound for the caller (task-locals, a
/// deadline). It starts when the caller has suspended, or sooner on another worker. Tasks that one
/// task spawns start in that order. On one thread each runs until it waits before the next one
/// starts; several workers share them. Throws std::logic_error outside a runtime, std::bad_alloc,
/// and what calling `callable` throws.
template <class F, class... Args>
auto spawn(F callable, Args... args) -> JoinHandle<SpawnResult<F, Args...>> {
  return detail::start_task(detail::Placement(), std::move(callable), std::move(args)...);
}
/// The same as `options` say. Throws as they say, too. With an owner: from any thread.
template <class F, class... Args>
auto spawn(SpawnOptions options, F callable, Args... args) -> JoinHandle<SpawnResult<F, Args...>> {
  return detail::start_task(detail::Placement(options), std::move(callable), std::move(args)...);
}

namespace detail {

/// See yield_now().
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

/// Lets everything that is ready on this worker run first, and goes on then. No errors. Cancel:
/// ends here.
[[nodiscard]] inline detail::YieldAwaiter yield_now() noexcept { return {}; }

}  // namespace weft::inline v0_1
