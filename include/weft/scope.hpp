// scope: child tasks that cannot outlive a block of code.
//
//   co_await weft::scope([&](weft::Scope& s) -> weft::Task<void> {
//     s.spawn(fetch, first);
//     s.spawn(fetch, second);
//     co_return;
//   });   // both have ended here, on every path
#pragma once

#include <weft/extend/child_group.hpp>
#include <weft/spawn.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {
class AllEndedAwaiter;
class AllEndedOp;
class ScopeGroup;
}  // namespace detail

/// The children of one scope. Given to the scope's body; valid until the scope ends. Thread-safe.
class Scope : private detail::OwnedTasks {
 public:
  /// Starts `callable(args…)`, or an awaitable, as a child (see weft::spawn). A child that fails
  /// cancels its siblings and the body, whether or not it is joined. It inherits what was bound
  /// (task-locals, a deadline) where the scope was opened.
  template <class F, class... Args>
  auto spawn(F callable, Args... args) -> JoinHandle<SpawnResult<F, Args...>> {
    return detail::start_task(detail::Placement(*this), std::move(callable), std::move(args)...);
  }
  /// The same as `options` say. Throws as they say, too.
  template <class F, class... Args>
  auto spawn(SpawnOptions options, F callable, Args... args)
      -> JoinHandle<SpawnResult<F, Args...>> {
    return detail::start_task(detail::Placement(*this, options), std::move(callable),
                              std::move(args)...);
  }
  /// Asks every child, and those still to be spawned, to cancel; not the body. Returns at once. A
  /// scope whose children have ended by this, or by their handles' cancel(), has a result all the
  /// same.
  void cancel_children() noexcept;
  /// Waits until there are no children: those spawned meanwhile count, too. Children that the
  /// waiting task has itself spawned into other scopes do not. For the body, and what it awaits: a
  /// child would wait for itself. No errors; the failure of a child cancels the body. Cancel: stops
  /// waiting.
  ///
  ///   co_await s.all_ended();      // all of this round, before the next one
  [[nodiscard]] detail::AllEndedOp all_ended() noexcept;
  /// Children that have not ended. A moment later it may be another number.
  [[nodiscard]] std::size_t size() const noexcept {
    return static_cast<std::uint32_t>(
        counts_.load(std::memory_order_relaxed));  // relaxed: orders nothing
  }

 private:
  friend class detail::AllEndedAwaiter;
  friend class detail::ScopeGroup;
  friend detail::OwnedTasks& detail::owned_tasks_of(Scope& scope) noexcept;
  Scope(const TaskHeader& owner, class detail::ScopeGroup& group) noexcept
      : detail::OwnedTasks(owner.executor().shared(), owner.context()), group_(group) {}

  void added() noexcept override;
  void cancelled() noexcept override;
  void failed(const std::exception_ptr& error) noexcept override;
  [[nodiscard]] bool ended() noexcept override;
  void removed(bool failed) noexcept override;
  // No failure_handler(): a child's failure always reaches the scope itself (see failed).

  static constexpr std::uint64_t one_left = std::uint64_t{1} << 32;

  class detail::ScopeGroup& group_;
  /// Low half: children that have not ended. High half: those that still use the scope.
  Atomic<std::uint64_t> counts_{0};
};

namespace detail {

/// The leaf of a task that waits for the children of a scope to end. Touched by the task's thread,
/// by the thread on which the last child ends, and by one canceller.
class AllEndedAwaiter final : private CancelHook {
 public:
  explicit AllEndedAwaiter(Scope& scope) noexcept
      : CancelHook(&AllEndedAwaiter::on_cancel_request), scope_(scope) {}
  AllEndedAwaiter(const AllEndedAwaiter&) = delete;
  AllEndedAwaiter& operator=(const AllEndedAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise());
  }
  void await_resume() const noexcept {}

 private:
  friend class ScopeGroup;
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;
  static void on_cancel_request(CancelHook& self) noexcept;

  Scope& scope_;
  TaskHeader* task_ = nullptr;
  AllEndedAwaiter* next_ = nullptr;  // guarded by the group's mutex
  bool cancelled_ = false;           // as well
};

/// See Scope::all_ended().
class [[nodiscard]] AllEndedOp {
 public:
  explicit AllEndedOp(Scope& scope) noexcept : scope_(&scope) {}
  AllEndedAwaiter operator co_await() const noexcept { return AllEndedAwaiter(*scope_); }

 private:
  Scope* scope_;
};

/// The non-template part of a scope: body and children are one group.
class ScopeGroup : public ChildGroup {
 public:
  void on_child_end(std::size_t index, bool cancelled, bool failed) noexcept;

  // For AllEndedAwaiter
  /// Queues `waiter`, unless there are no children (ended) or it was withdrawn (refused).
  [[nodiscard]] SpawnedTask::Registered wait_with(AllEndedAwaiter& waiter) noexcept;
  /// Takes the waiter back. False: it is being woken, or wait_with() will refuse it.
  [[nodiscard]] bool withdraw(AllEndedAwaiter& waiter) noexcept;

 protected:
  ~ScopeGroup() = default;

  void open(const TaskHeader& owner) noexcept { scope_.emplace(Opener{owner, *this}); }
  [[nodiscard]] Scope& scope() noexcept { return *scope_; }
  [[nodiscard]] std::exception_ptr take_error() noexcept { return std::move(error_); }

  void cancel_children() noexcept override;
  [[nodiscard]] bool ended_as_cancelled() noexcept override;
  virtual void cancel_body() noexcept = 0;
  [[nodiscard]] virtual std::exception_ptr body_error() noexcept = 0;

 private:
  friend class weft::Scope;
  struct Opener {  // makes the immovable Scope in place, through its private constructor
    const TaskHeader& owner;
    ScopeGroup& group;
    operator Scope() const noexcept { return Scope(owner, group); }
  };

  void note_failure(const std::exception_ptr& error) noexcept;
  void cancel_rest() noexcept;
  void no_children_left() noexcept;

  std::optional<Scope> scope_;
  Atomic<bool> child_cancelled_{false};  // with the parent. Relaxed: the group's counter orders it
  Atomic<bool> dismissed_{false};        // all children, by the user, before the parent's cancel
  Atomic<bool> rest_cancelled_{false};   // because one has failed
  ThreadMutex mutex_;
  std::exception_ptr error_;            // the first; guarded by mutex_ until the group has ended
  AllEndedAwaiter* waiting_ = nullptr;  // guarded by mutex_
  bool body_cancelled_ = false;         // written by the body's end
};

template <class T, class F>
class ScopeAwaiter final : public ScopeGroup {
 public:
  explicit ScopeAwaiter(F&& body)
      : body_(std::move(body)), child_(static_cast<ScopeGroup&>(*this), 0U, Task<T>()) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    open(innermost.promise().task());
    return suspend(innermost.promise(), 1);
  }
  T await_resume() {
    if (std::exception_ptr error = take_error()) std::rethrow_exception(error);
    return child_.outcome().take();
  }

 private:
  // The body is called only now, when the group counts it: it need not be a coroutine, and may
  // spawn, and throw, before it gives its awaitable.
  void start_children() noexcept override {
    try {
      child_.start(parent(), as_task(std::invoke(body_, scope())));
    } catch (...) {
      child_.outcome().set_error(std::current_exception());
      on_child_end(0, false, true);
    }
  }
  void cancel_body() noexcept override { child_.cancel(); }
  [[nodiscard]] std::exception_ptr body_error() noexcept override {
    return child_.outcome().error();
  }

  F body_;
  Child<T, ScopeGroup> child_;
};

}  // namespace detail

inline detail::AllEndedOp Scope::all_ended() noexcept { return detail::AllEndedOp(*this); }

template <class F>
class [[nodiscard]] ScopeOp {
 public:
  using Value = AwaitResult<std::invoke_result_t<F&, Scope&>>;
  explicit ScopeOp(F body) : body_(std::move(body)) {}
  detail::ScopeAwaiter<Value, F> operator co_await() && {
    return detail::ScopeAwaiter<Value, F>(std::move(body_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  F body_;
};

/// Runs `body(Scope&)`, which gives an awaitable, and gives its result when it and all children
/// have ended. The first failure, of the body or a child, cancels all the others and is rethrown
/// when they have ended. Cancel: cancels the body and all children, and waits for them; if all had
/// got to their end nevertheless, or were cancelled by the user before, the result is delivered.
template <class F>
auto scope(F body) {
  if constexpr (!std::is_invocable_v<F&, Scope&>) {
    static_assert(std::is_invocable_v<F&, Scope&>,
                  "weft: a scope's body is called with a Scope&: "
                  "[&](weft::Scope& s) -> weft::Task<void> { … }");
  } else if constexpr (!Awaitable<std::invoke_result_t<F&, Scope&>>) {
    static_assert(Awaitable<std::invoke_result_t<F&, Scope&>>,
                  "weft: a scope's body returns something to await: make it a coroutine "
                  "(-> weft::Task<void>, with co_return)");
  } else {
    return ScopeOp<F>(std::move(body));
  }
}

}  // namespace weft::inline v0_1
