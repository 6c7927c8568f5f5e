// TaskHeader and PromiseBase: the compiled, non-template core under Task<T>, and what authors of
// leaf awaiters work with.
//
// A task is one chain of coroutine frames: a root, what it awaits, what that awaits … the innermost
// one is suspended at a leaf (an operation, a join, a group of child tasks). The header is the
// chain's identity: it is what an executor runs, what is cancelled, and what a leaf resumes.
// Resuming goes straight to the innermost frame; no frame in between is touched.
//
// Invariants:
//  - a task runs on one thread at a time; all members but the cancel slot are written by that
//  thread,
//    or by the one event that ends the leaf it waits on;
//  - between suspended_at() and leaf_ended() it is suspended; exactly one leaf_ended() follows;
//  - a spawned task is in its owner's list from its first suspension on: what ends before that was
//    never there. Until then its owner's cancel counts as its own;
//  - a cancelled leaf is never resumed: its task's frames are destroyed, innermost first.
// Between the frames of a chain there may be ForkPoints (<weft/detail/fork_point.hpp>): a part of a fork
// runs as a frame of the task that forks, as long as no other thread asks for it.
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

namespace weft {

namespace detail {
class ForeignExecutor;
class ForkPoint;
class GivenPart;
}  // namespace detail

namespace detail {

class ForkPoint;

}  // namespace detail
class PromiseBase;
class TaskHeader;

/// How a task's chain of frames came to its end: the root returned (or threw), or was unwound.
/// `let_go` is the end of its block: only a SpawnedTask's has one, which nobody holds any more.
enum class Ending : std::uint8_t { returned, cancelled, let_go };

class TaskHeader : public Runnable {
 public:
  /// Called once when the task has ended, on its thread; it may destroy the root frame and the
  /// header. And, of a SpawnedTask, once more, by who lets go of its block: it must destroy that.
  using Finish = void (*)(TaskHeader&, Ending) noexcept;

  /// Inline continuations in a row before the task goes to the back of the queue. Bounds both the
  /// stack that a compiler without guaranteed tail calls may use, and how long one task keeps
  /// others waiting.
  static constexpr std::uint8_t full_budget = 255;
  /// Tasks started inline within each other (start_inline_in) before one goes through the queue:
  /// bounds the stack.
  static constexpr std::uint8_t most_nested = 32;

  explicit TaskHeader(Finish finish) noexcept : Runnable(&TaskHeader::run_task), finish_(finish) {}

  /// Makes `root` the chain's first frame. Before start, once.
  void bind(PromiseBase& root, detail::TaskExecutor& executor) noexcept;
  /// Puts the bound task into its executor's queue.
  void start() noexcept { executor_->schedule(*this); }
  /// Runs the bound task here and now, until it first suspends or ends, within its parent's
  /// await_suspend. Where tasks are nested too deep for that it goes into the queue. It inherits
  /// what is bound for the parent, unless it has a context of its own.
  void start_inline_in(const TaskHeader& parent) noexcept;

  // For leaf awaiters, on the task's thread
  /// First act of every await_suspend that may stay suspended.
  void suspended_at(PromiseBase& innermost) noexcept {
    deferred_at(innermost);
    if (pending_forks() != nullptr) [[unlikely]]
      share_forks();
  }
  /// The same for a task that waits for nothing but its next turn.
  void deferred_at(PromiseBase& innermost) noexcept {
    innermost_ = &innermost;
    unwind_ = false;
    run_ahead_ = false;
    if (unlisted_) [[unlikely]]
      list();
  }
  /// See CancelSlot::arm. False: a cancel was asked for, the leaf must end itself (leaf_ended is
  /// still due).
  [[nodiscard]] bool arm(CancelHook& hook) noexcept { return slot_.arm(hook); }
  /// suspended_at(), for a leaf that is about to begin something. False: a cancel was asked for, so
  /// nothing is begun; the leaf has ended, and may be gone.
  [[nodiscard]] bool suspended_to_begin(PromiseBase& innermost) noexcept {
    suspended_at(innermost);
    if (!cancel_requested()) [[likely]]
      return true;
    leaf_ended(true);
    return false;
  }
  /// suspended_at() and arm(), for a leaf that may be ended by another thread as soon as it has
  /// begun. False: as above.
  [[nodiscard]] bool suspended_and_armed(PromiseBase& innermost, CancelHook& hook) noexcept {
    suspended_at(innermost);
    if (arm(hook)) [[likely]]
      return true;
    leaf_ended(true);
    return false;
  }
  /// The leaf has ended: resumes the task through its executor, or unwinds it if `cancelled`. Any
  /// thread, once per suspension. Neither the leaf nor the task may be touched afterwards.
  void leaf_ended(bool cancelled) noexcept;
  /// As leaf_ended(false), from within await_suspend. True: go on at once (return false from
  /// await_suspend).
  [[nodiscard]] bool leaf_ended_inline() noexcept;
  /// As leaf_ended(), for a leaf that is itself being run by the executor. True: call run() at
  /// once.
  [[nodiscard]] bool leaf_ended_here(bool cancelled) noexcept;
  /// The one who asked for the cancel is done with the leaf. See CancelHook.
  void request_finished() noexcept;
  /// Puts the suspended task behind everything that is ready on this thread.
  void resume_later() noexcept { executor_->defer(*this); }
  /// Puts the suspended task into the queue, as if a leaf had ended: it may well be the next to
  /// run.
  void resume_soon() noexcept { executor_->schedule(*this); }
  /// The same within await_suspend: gives what to transfer to.
  [[nodiscard]] std::coroutine_handle<> resume_after_others() noexcept;
  /// For a task about to wait for `child`, which has been made runnable by its own executor: runs
  /// it until it first suspends, or ends, if it would be the next to run on this thread anyway.
  [[nodiscard]] bool run_ahead(TaskHeader& child) noexcept;
  /// It is about to be run, for the first time, on this thread, before somebody waits for it.
  void begins_ahead() noexcept { run_ahead_ = true; }

  // For what runs in a task's place, as a fiber does, on the task's thread
  /// From now on the task is resumed through `executor`. Not while it is suspended at a leaf.
  void move_to(detail::TaskExecutor& executor) noexcept { executor_ = &executor; }
  /// While it runs: what it goes on with when it is next entered, without having been suspended.
  void goes_on_at(PromiseBase& innermost) noexcept { innermost_ = &innermost; }
  /// What run() does, for a task whose executor has put something else into the queue.
  void resume() noexcept { run_task(*this); }
  /// Whether it is to be unwound when it is next run.
  [[nodiscard]] bool unwinding() const noexcept { return unwind_; }
  void refill_budget() noexcept { budget_ = full_budget; }

  // For what binds values and deadlines: see <weft/detail/task_context.hpp>
  /// What is bound for it; null: nothing. On the task's thread, or before it starts.
  [[nodiscard]] const detail::TaskContext* context() const noexcept { return context_; }
  void set_context(const detail::TaskContext* context) noexcept { context_ = context; }

  // For those who hold the task
  /// Asks for a cancel; returns at once. Any thread, while the header lives. Sticky.
  void cancel() noexcept;
  /// The same, by who holds the handle of a SpawnedTask.
  void cancel_by_holder() noexcept;
  /// On the task's thread, or when it is suspended and the caller ends that.
  [[nodiscard]] bool cancel_requested() const noexcept {
    return slot_.requested() || (unlisted_ && owner_cancelled());
  }

  [[nodiscard]] detail::TaskExecutor& executor() const noexcept { return *executor_; }
  /// The executor for new tasks that this one will wait for: of the runtime that it belongs to,
  /// even as another's guest.
  [[nodiscard]] detail::TaskExecutor& executor_for_parts() const noexcept {
    return on_foreign_ ? home_executor() : executor_->shared();
  }
  [[nodiscard]] PromiseBase* innermost() const noexcept { return innermost_; }
  [[nodiscard]] AsyncBacktrace* backtrace() const noexcept {
    return failure() != nullptr ? &failure_->backtrace : nullptr;
  }

  // For promises
  /// The handle to transfer to so that `frame` goes on: itself, or nothing when the budget is
  /// spent.
  [[nodiscard]] std::coroutine_handle<> transfer_to(PromiseBase& frame) noexcept;
  /// A part of the fork `at`, a frame of this chain, has returned: what to go on with.
  [[nodiscard]] std::coroutine_handle<> fork_part_ended(PromiseBase& at) noexcept;
  /// Whether the task may go on inline. Once it may not, it may not until it has been run anew.
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

  /// Before it runs: its owner will have it in its list from its first suspension on.
  void list_later() noexcept { unlisted_ = true; }
  [[nodiscard]] bool unlisted() const noexcept { return unlisted_; }
  /// Whether who will wait for this task, or has its handle, is waiting in run_ahead() on this
  /// thread.
  [[nodiscard]] bool runs_ahead() const noexcept { return run_ahead_; }
  /// Whether it was who holds the handle that asked for its cancel first.
  [[nodiscard]] bool cancelled_by_holder() const noexcept {
    return (cancel_reasons_.load(std::memory_order_relaxed) & by_holder) != 0;
  }
  /// Where a failure is kept; null if there is no memory.
  [[nodiscard]] detail::TaskFailure* keep_failure() noexcept;
  [[nodiscard]] detail::TaskFailure* failure() const noexcept {
    return keeps_failure_ ? failure_ : nullptr;
  }
  /// Nobody holds this SpawnedTask any more: ends its block.
  void end_block() noexcept { finish_(*this, Ending::let_go); }

  void set_failed() noexcept { failed_ = true; }
  [[nodiscard]] bool has_failed() const noexcept { return failed_; }
  void set_taken() noexcept { taken_ = true; }
  [[nodiscard]] bool is_taken() const noexcept { return taken_; }

 private:
  friend class detail::ForkPoint;
  friend class detail::GivenPart;
  static constexpr std::uint32_t from_outside = 1U << 31;
  static constexpr std::uint32_t given_part = 1U << 30;
  static constexpr std::uint32_t by_holder = 1U << 29;  // before anybody else from outside
  static constexpr std::uint32_t asking_forks = by_holder - 1;

  static void run_task(Runnable& self) noexcept;
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

  // What a wake-up touches comes first, so that it is in one cache line, or in two.
  detail::TaskExecutor* executor_ = nullptr;
  PromiseBase* innermost_ = nullptr;
  CancelSlot slot_;
  const detail::TaskContext* context_ =
      nullptr;  // what is bound: see <weft/detail/task_context.hpp>
  std::uint8_t budget_ = full_budget;
  std::uint8_t nested_ = 0;  // how many tasks were being started inline around this one's start
  bool unwind_ = false;      // what to do when next run; ordered by the executor's queue
  // The task's own, while it runs or before it starts:
  bool run_ahead_ : 1 = false;   // until it first suspends
  bool unlisted_ : 1 = false;    // it is a SpawnedTask that has not suspended yet
  bool on_foreign_ : 1 = false;  // its executor is a ForeignExecutor: see resume_on()
  bool failed_ : 1 = false;      // a SpawnedTask's
  bool taken_ : 1 = false;       // the same; its handle's holder's, after the end
  bool keeps_failure_ : 1 = false;
  /// Why a cancel was asked for: `from_outside`, and how many forks want their part ended. And,
  /// since it never changes, whether this is a GivenPart: other threads look at both.
  Atomic<std::uint32_t> cancel_reasons_{0};
  union {
    detail::ForkPoint* pending_forks_ = nullptr;  // the newest whose parts have not all begun
    detail::TaskFailure* failure_;                // owned; after a failure (keeps_failure_)
  };
  Finish finish_;
};

/// Where a co_await stands, as a default argument takes it to where it is kept. A pointer where the
/// compiler has one: g++ 12 keeps objects that are temporaries of a co_await in the frame, for
/// each co_await anew.
#if __has_builtin(__builtin_source_location)
using AwaitSite = const void*;
[[nodiscard]] constexpr AwaitSite await_site(
    AwaitSite here = __builtin_source_location()) noexcept {
  return here;
}
#else
using AwaitSite = std::source_location;
[[nodiscard]] constexpr AwaitSite await_site(
    AwaitSite here = std::source_location::current()) noexcept {
  return here;
}
#endif
static_assert(sizeof(AwaitSite) == sizeof(std::source_location));

/// What every weft coroutine's promise has in common.
class PromiseBase {
 public:
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept {
    deallocate_frame(frame, bytes);
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }

  /// Every `co_await` passes here: the place is noted, for dumps and backtraces. A future, or a
  /// foreign awaitable, becomes what awaits it.
  template <class A>
  A&& await_transform(A&& awaitable, AwaitSite site = await_site()) noexcept {
    site_ = site;
    return static_cast<A&&>(awaitable);
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
  /// Whether it is no coroutine's, but a ForkPoint between one and a part of it.
  [[nodiscard]] bool is_fork() const noexcept { return parent_ != nullptr && owner_ == nullptr; }
  /// Of its last co_await.
  [[nodiscard]] std::source_location site() const noexcept {
    return std::bit_cast<std::source_location>(site_);
  }
  /// For what stands for a coroutine: it awaits at `site`.
  void set_site(std::source_location site) noexcept { site_ = std::bit_cast<AwaitSite>(site); }

  /// Makes this coroutine the child that `parent` awaits; `owner`, in the parent's frame, holds its
  /// frame.
  void awaited_by(PromiseBase& parent, detail::FrameOwner& owner) noexcept {
    task_ = parent.task_;
    parent_ = &parent;
    owner_ = &owner;
  }

 protected:
  explicit PromiseBase(std::coroutine_handle<> self) noexcept : self_(self) {}
  ~PromiseBase() = default;

  /// Of a ForkPoint: it stands between `forking` and the first frame of a part.
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

  /// Whom to go on with after this coroutine has returned.
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
    std::coroutine_handle<> self_;  // until it is awaited; a root is not
    detail::FrameOwner* owner_;  // of what has a parent: in the parent's frame. Null: a ForkPoint
  };
  AwaitSite site_{};
};

inline std::coroutine_handle<> TaskHeader::transfer_to(PromiseBase& frame) noexcept {
  if (frame.is_fork()) [[unlikely]]
    return fork_part_ended(frame);
  if (spend_budget()) return frame.handle();
  deferred_at(frame);
  resume_later();
  return std::noop_coroutine();
}

/// For an await that need not wait: whether the task has to let others run first, and is suspended.
[[nodiscard]] inline bool suspended_for_others(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  if (task.spend_budget()) return false;
  task.suspended_at(innermost);
  task.resume_later();
  return true;
}

}  // namespace weft
