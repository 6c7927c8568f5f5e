// TaskHeader and PromiseBase: the compiled, non-template core of Task<T>. An executor runs a
// TaskHeader; promises and leaf awaiters call it; SpawnedTask, Child, GivenPart derive from it.
//
// A task is a chain of coroutine frames: a root, the frame it awaits, the frame that one awaits,
// and so on. The innermost frame is suspended at a leaf (an operation, a join, a group of child
// tasks). The header is the chain's identity: an executor runs it, a cancel targets it, a leaf
// resumes it. Resuming goes straight to the innermost frame; no frame in between is touched. A
// ForkPoint (<weft/detail/fork_point.hpp>) may stand between two frames: it runs a part of a fork
// as a frame of the forking task, unless another thread asks for that part.
//
// Invariants (thread-safety: a function is for the task's thread unless it says otherwise):
//  - a task runs on one thread at a time. All members but slot_ and cancel_reasons_, which are
//    atomic, are written by that thread or by the one event that ends the task's leaf;
//  - a task is suspended from suspended_at() until exactly one leaf_ended(), resume_later() or
//    resume_soon(), or until its await_suspend() returns false;
//  - a spawned task enters its owner's list at its first suspension: a task that never suspends is
//    never listed. Until then a cancel of the owner counts as the task's own;
//  - a cancelled leaf is never resumed: its task's frames are destroyed, innermost first, up to the
//    fork that asked for the cancel of its part, or all of them;
//  - a leaf begins nothing once a cancel was requested. A task that meets no leaf ends where its
//    budget does: on the way down, into what it awaits. On the way up, with a result, it goes on,
//    and ends at its next way down (NextRun::resume_spent).
#pragma once

#include <weft/detail/frame_owner.hpp>
#include <weft/detail/task_context.hpp>
#include <weft/detail/task_executor.hpp>
#include <weft/extend/awaitable.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/future.hpp>
#include <weft/task_failure.hpp>

#include <bit>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <source_location>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {
class ForeignExecutor;
class ForkPoint;
class GivenPart;
}  // namespace detail
class PromiseBase;
class TaskHeader;

/// How a chain of frames ended: the root returned (or threw), or was unwound. `let_go`: the block
/// of a SpawnedTask, which neither task nor handle holds any more, is to be destroyed.
enum class Ending : std::uint8_t { returned, cancelled, let_go };

/// What the next run of a task does. `resume_spent`: it resumes the task with its budget spent.
enum class NextRun : std::uint8_t { resume, unwind, resume_spent };

class TaskHeader : public Runnable {
 public:
  /// Called once on the task's thread, when the task has ended; may destroy the root frame and the
  /// header. Called a second time for a SpawnedTask (`let_go`); must then destroy its block.
  using Finish = void (*)(TaskHeader&, Ending) noexcept;

  /// Inline continuations in a row before the task goes to the back of the queue. Bounds the time
  /// that other tasks wait, and the stack where the compiler does not guarantee tail calls.
  static constexpr std::uint8_t full_budget = 255;
  /// Nesting of inline starts (start_inline_in) from which a task is queued: bounds the stack.
  static constexpr std::uint8_t most_nested = 32;

  explicit TaskHeader(Finish finish) noexcept : Runnable(&TaskHeader::run_task), finish_(finish) {}

  /// Makes `root` the first frame of the chain. Called once, before start().
  void bind(PromiseBase& root, detail::TaskExecutor& executor) noexcept;
  /// Queues the bound task in its executor.
  void start() noexcept { executor_->schedule(*this); }
  /// Runs the bound task at once, until it first suspends or ends, within its parent's
  /// await_suspend(). At `most_nested` levels it queues the task instead. The task inherits the
  /// parent's bindings unless it has a context of its own.
  void start_inline_in(const TaskHeader& parent) noexcept;

  // For leaf awaiters, on the task's thread
  /// Must be called first by each await_suspend() that may stay suspended.
  void suspended_at(PromiseBase& innermost) noexcept {
    deferred_at(innermost);
    if (pending_forks() != nullptr) [[unlikely]]
      share_forks();
  }
  /// As suspended_at(), for a task that waits for nothing but its next turn.
  void deferred_at(PromiseBase& innermost) noexcept {
    innermost_ = &innermost;
    next_run_ = NextRun::resume;
    run_ahead_ = false;
    if (unlisted_) [[unlikely]]
      list();
  }
  /// See CancelSlot::arm. False: a cancel was requested; the leaf must still call leaf_ended().
  [[nodiscard]] bool arm(CancelHook& hook) noexcept { return slot_.arm(hook); }
  /// suspended_at(), for a leaf about to begin something. False: a cancel was requested; the leaf
  /// must begin nothing, has ended, and may be destroyed already.
  [[nodiscard]] bool suspended_to_begin(PromiseBase& innermost) noexcept {
    suspended_at(innermost);
    if (!cancel_requested()) [[likely]]
      return true;
    leaf_ended(true);
    return false;
  }
  /// suspended_at() and arm(), for a leaf that another thread may end as soon as it has begun.
  /// False: as for suspended_to_begin().
  [[nodiscard]] bool suspended_and_armed(PromiseBase& innermost, CancelHook& hook) noexcept {
    suspended_at(innermost);
    if (arm(hook)) [[likely]]
      return true;
    leaf_ended(true);
    return false;
  }
  /// Ends the leaf: resumes the task through its executor, or unwinds it if `cancelled`. Any
  /// thread, once per suspension. The caller must not touch the leaf or the task afterwards.
  void leaf_ended(bool cancelled) noexcept;
  /// As leaf_ended(false), within await_suspend(). True: await_suspend() returns false at once.
  [[nodiscard]] bool leaf_ended_inline() noexcept;
  /// As leaf_ended(), for a leaf that the executor is running. True: the leaf calls run() at once.
  [[nodiscard]] bool leaf_ended_here(bool cancelled) noexcept;
  /// Called when the canceller no longer touches the leaf. Any thread. See CancelHook.
  void request_finished() noexcept;
  /// Queues the suspended task behind everything that is ready on this thread.
  void resume_later() noexcept { executor_->defer(*this); }
  /// Queues the suspended task as if a leaf had ended: it may be the next to run.
  void resume_soon() noexcept { executor_->schedule(*this); }
  /// As resume_later(), within await_suspend(): returns the handle to transfer to.
  [[nodiscard]] std::coroutine_handle<> resume_after_others() noexcept;
  /// For a task about to wait for `child`, which its own executor has queued: if the executor lets
  /// it claim `child`, runs that until it first suspends or ends. False: not run.
  [[nodiscard]] bool run_ahead(TaskHeader& child) noexcept;
  /// Marks the task before its first run, if that run begins on this thread before the joiner
  /// waits. The mark ends at the task's first suspension.
  void begins_ahead() noexcept { run_ahead_ = true; }

  // For code that runs in a task's place (a fiber), on the task's thread
  /// Makes `executor` resume the task from now on. Not while the task is suspended at a leaf.
  void move_to(detail::TaskExecutor& executor) noexcept { executor_ = &executor; }
  /// While the task runs: sets the frame of its next run, although it has not suspended.
  void goes_on_at(PromiseBase& innermost) noexcept { innermost_ = &innermost; }
  /// As run(), for a task whose executor queues another Runnable in its place.
  void resume() noexcept { run_task(*this); }
  /// Whether the next run unwinds the task.
  [[nodiscard]] bool unwinding() const noexcept { return next_run_ == NextRun::unwind; }
  /// Whether the next run resumes the task with a full budget.
  [[nodiscard]] bool resumes_refilled() const noexcept { return next_run_ == NextRun::resume; }
  void refill_budget() noexcept { budget_ = full_budget; }

  // For bindings of values and deadlines: see <weft/detail/task_context.hpp>
  /// The innermost binding, or null. On the task's thread, or before the task starts.
  [[nodiscard]] const detail::TaskContext* context() const noexcept { return context_; }
  void set_context(const detail::TaskContext* context) noexcept { context_ = context; }

  // For holders of the task
  /// Requests a cancel, and returns at once. Sticky. Any thread, while the header lives.
  void cancel() noexcept;
  /// As cancel(), called through the handle of a SpawnedTask.
  void cancel_by_holder() noexcept;
  /// On the task's thread, or on the thread that is about to end its suspension.
  [[nodiscard]] bool cancel_requested() const noexcept {
    return slot_.requested() || (unlisted_ && owner_cancelled());
  }

  [[nodiscard]] detail::TaskExecutor& executor() const noexcept { return *executor_; }
  /// The executor for tasks this task will wait for: its own runtime's, even at a foreign executor.
  [[nodiscard]] detail::TaskExecutor& executor_for_parts() const noexcept {
    return on_foreign_ ? home_executor() : executor_->shared();
  }
  [[nodiscard]] PromiseBase* innermost() const noexcept { return innermost_; }
  [[nodiscard]] AsyncBacktrace* backtrace() const noexcept {
    return failure() != nullptr ? &failure_->backtrace : nullptr;
  }

  // For promises
  /// For a frame that has returned, or yielded, to `frame`: returns the handle that continues it,
  /// or the no-op handle if the budget is spent.
  [[nodiscard]] std::coroutine_handle<> transfer_to(PromiseBase& frame) noexcept;
  /// For an await that begins `frame`, or continues it: the same. If the budget is spent and a
  /// cancel was requested, the task ends here, and `frame` does not run.
  [[nodiscard]] std::coroutine_handle<> transfer_down_to(PromiseBase& frame) noexcept;
  /// Called when a part of the fork `at` in this chain has returned. Returns the next handle.
  [[nodiscard]] std::coroutine_handle<> fork_part_ended(PromiseBase& at) noexcept;
  /// Whether the task may go on inline. Once false, it stays false until the next run.
  [[nodiscard]] bool spend_budget() noexcept { return budget_ != 0 && --budget_ != 0; }
  void root_returned(PromiseBase& root) noexcept {
    innermost_ = &root;
    conclude(Ending::returned);
  }
  void note_failure(std::source_location site) noexcept;

 protected:
  ~TaskHeader() {
    if (keeps_failure_) [[unlikely]]
      forget_failure();
  }

  /// Called before the task runs: its owner lists it at its first suspension.
  void list_later() noexcept { unlisted_ = true; }
  [[nodiscard]] bool unlisted() const noexcept { return unlisted_; }
  /// Whether the joiner, or holder of the handle, waits below on this thread's stack: run_ahead().
  [[nodiscard]] bool runs_ahead() const noexcept { return run_ahead_; }
  /// Whether the first cancel from outside came through the handle.
  [[nodiscard]] bool cancelled_by_holder() const noexcept {
    return (cancel_reasons_.load(std::memory_order_relaxed) & by_holder) != 0;
  }
  /// Returns the room for a failure; null if there is no memory.
  [[nodiscard]] detail::TaskFailure* keep_failure() noexcept;
  [[nodiscard]] detail::TaskFailure* failure() const noexcept {
    return keeps_failure_ ? failure_ : nullptr;
  }
  /// Ends the block of a SpawnedTask that neither task nor handle holds any more.
  void end_block() noexcept { finish_(*this, Ending::let_go); }

  void set_failed() noexcept { failed_ = true; }
  [[nodiscard]] bool has_failed() const noexcept { return failed_; }
  void set_isolated() noexcept { isolated_ = true; }
  [[nodiscard]] bool is_isolated() const noexcept { return isolated_; }
  void set_taken() noexcept { taken_ = true; }
  [[nodiscard]] bool is_taken() const noexcept { return taken_; }

 private:
  friend class detail::ForkPoint;
  friend class detail::GivenPart;
  static constexpr std::uint32_t from_outside = 1U << 31;
  static constexpr std::uint32_t given_part = 1U << 30;
  static constexpr std::uint32_t by_holder = 1U << 29;  // with from_outside: the handle was first
  static constexpr std::uint32_t asking_forks = by_holder - 1;

  static void run_task(Runnable& self) noexcept;
  [[nodiscard]] std::coroutine_handle<> defer_at(PromiseBase& frame) noexcept;
  [[nodiscard]] std::coroutine_handle<> defer_down_at(PromiseBase& frame) noexcept;
  void run_with_care() noexcept;
  void unwind() noexcept;
  void request_cancel() noexcept;
  void cancel_within() noexcept;
  void end_cancel_within() noexcept;
  void share_forks() noexcept;
  void give_fork() noexcept;
  [[nodiscard]] bool is_unwanted() const noexcept;
  [[nodiscard]] detail::ForkPoint*& pending_forks() noexcept {
    return keeps_failure_ ? failure_->pending_forks : pending_forks_;
  }
  void forget_failure() noexcept;
  void conclude(Ending ending) noexcept {
    if (on_foreign_) [[unlikely]]
      return conclude_on_foreign(ending);
    finish_(*this, ending);
  }
  void conclude_on_foreign(Ending ending) noexcept;
  [[nodiscard]] detail::TaskExecutor& home_executor() const noexcept;
  friend class detail::ForeignExecutor;
  void list() noexcept;
  [[nodiscard]] bool owner_cancelled() const noexcept;

  // The members that a wake-up touches come first, to share one cache line, or two.
  detail::TaskExecutor* executor_ = nullptr;
  PromiseBase* innermost_ = nullptr;
  CancelSlot slot_;
  const detail::TaskContext* context_ = nullptr;  // the innermost binding
  std::uint8_t budget_ = full_budget;
  std::uint8_t nested_ = 0;             // number of inline starts around this task's start
  NextRun next_run_ = NextRun::resume;  // ordered by the executor's queue
  // Used by the task's thread, while the task runs or before it starts:
  bool run_ahead_ : 1 = false;   // until its first suspension
  bool unlisted_ : 1 = false;    // a SpawnedTask that has not suspended yet
  bool on_foreign_ : 1 = false;  // its executor is a ForeignExecutor: see resume_on()
  bool failed_ : 1 = false;      // of a SpawnedTask
  bool isolated_ : 1 = false;    // of a SpawnedTask: its failure does not concern its owner
  bool taken_ : 1 = false;       // of a SpawnedTask; written by the handle's holder after the end
  bool keeps_failure_ : 1 = false;
  /// Why a cancel was requested: the number of forks that want their part ended, `from_outside` and
  /// `by_holder`; and the constant mark `given_part` of a GivenPart. Other threads read all of it.
  Atomic<std::uint32_t> cancel_reasons_{0};
  union {
    detail::ForkPoint* pending_forks_ = nullptr;  // the newest fork with parts that have not begun
    detail::TaskFailure* failure_;                // owned; valid after a failure (keeps_failure_)
  };
  Finish finish_;
};

/// The base of every weft coroutine's promise.
class PromiseBase {
 public:
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept {
    deallocate_frame(frame, bytes);
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }

  /// Called for each `co_await`: records its place for dumps and backtraces. Wraps a future or a
  /// foreign awaitable in the awaiter for it. A leaf that has a name is awaited in place.
  template <class A>
  decltype(auto) await_transform(A&& awaitable, AwaitSite site = await_site()) {
    site_ = site;
    return detail::in_place(static_cast<A&&>(awaitable));
  }
  template <PlainFuture F>
  detail::FutureAwaiter<F> await_transform(F&& future, AwaitSite site = await_site()) {
    site_ = site;
    return detail::FutureAwaiter<F>(static_cast<F&&>(future));
  }
  template <ForeignAwaitable A>
    requires(!PlainFuture<A>)
  detail::ForeignAwaiter<A> await_transform(A&& awaitable, AwaitSite site = await_site()) {
    site_ = site;
    return detail::ForeignAwaiter<A>(static_cast<A&&>(awaitable));
  }

  [[nodiscard]] TaskHeader& task() const noexcept { return *task_; }
  [[nodiscard]] PromiseBase* parent() const noexcept { return parent_; }
  [[nodiscard]] std::coroutine_handle<> handle() const noexcept {
    return parent_ == nullptr ? self_ : owner_->get();
  }
  /// Whether this is a ForkPoint, between a frame and a part of its fork, not a coroutine's.
  [[nodiscard]] bool is_fork() const noexcept { return parent_ != nullptr && owner_ == nullptr; }
  /// The place of the last co_await.
  [[nodiscard]] std::source_location site() const noexcept {
    return std::bit_cast<std::source_location>(site_);
  }
  /// Sets site(), for an object that awaits in place of a coroutine.
  void set_site(std::source_location site) noexcept { site_ = std::bit_cast<AwaitSite>(site); }

  /// Makes this coroutine the child that `parent` awaits. `owner` stands in the parent's frame and
  /// owns this coroutine's frame.
  void awaited_by(PromiseBase& parent, detail::FrameOwner& owner) noexcept {
    task_ = parent.task_;
    parent_ = &parent;
    owner_ = &owner;
  }

 protected:
  explicit PromiseBase(std::coroutine_handle<> self) noexcept : self_(self) {}
  ~PromiseBase() = default;

  /// For a ForkPoint: places it between `forking` and the first frame of a part.
  void placed_in(PromiseBase& forking) noexcept {
    task_ = forking.task_;
    parent_ = &forking;
    owner_ = nullptr;
  }

  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
      return self.promise().returned();
    }
    void await_resume() const noexcept {}
  };

  /// Returns the handle to continue after this coroutine has returned.
  std::coroutine_handle<> returned() noexcept {
    if (parent_ != nullptr) return task_->transfer_to(*parent_);
    task_->root_returned(*this);
    return std::noop_coroutine();
  }

 private:
  friend class TaskHeader;

  TaskHeader* task_ = nullptr;
  PromiseBase* parent_ = nullptr;
  union {
    std::coroutine_handle<> self_;  // of a root, and of a child before awaited_by()
    detail::FrameOwner* owner_;     // in the parent's frame; null: a ForkPoint
  };
  AwaitSite site_{};
};

inline std::coroutine_handle<> TaskHeader::transfer_to(PromiseBase& frame) noexcept {
  if (frame.is_fork()) [[unlikely]]
    return fork_part_ended(frame);
  if (spend_budget()) return frame.handle();
  return defer_at(frame);
}

inline std::coroutine_handle<> TaskHeader::transfer_down_to(PromiseBase& frame) noexcept {
  if (spend_budget()) return frame.handle();
  return defer_down_at(frame);
}

/// For an await that need not wait: true if the budget is spent; the task is then suspended and
/// queued behind others.
[[nodiscard]] inline bool suspended_for_others(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  if (task.spend_budget()) return false;
  task.suspended_at(innermost);
  task.resume_later();
  return true;
}

}  // namespace weft::inline v0_1
