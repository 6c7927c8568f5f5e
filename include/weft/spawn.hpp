// spawn() and JoinHandle: tasks of their own, their owners, and waiting for them. yield_now().
//
// Every spawned task belongs to a TaskSet (a scope's or the runtime's) that does not end before the
// task has. A task's block (header, callable, arguments, outcome) belongs to two, the running task
// and its JoinHandle: whichever of them comes second, the end or the dropping, destroys it.
#pragma once

#include <weft/task.hpp>

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weft {

class TaskSet;

/// Waits for one spawned task to end. `wake` is called once, on the thread on which it ended, and
/// must not block. Meanwhile the task's block is its handle's alone: it may go.
class JoinWaiter {
 public:
  using Wake = void (*)(JoinWaiter&) noexcept;
  explicit JoinWaiter(Wake how) noexcept : wake_(how) {}
  void wake() noexcept { wake_(*this); }

 protected:
  ~JoinWaiter() = default;

 private:
  Wake wake_;
};

/// The non-template part of a spawned task.
class SpawnedTask : public TaskHeader {
 public:
  /// Whether the task has ended, and its outcome may be read. Any thread.
  [[nodiscard]] bool ended() const noexcept;

  enum class Registered { waiting, ended, refused };
  /// Makes `waiter` the one to be woken at the end. `refused`: withdraw() came first.
  [[nodiscard]] Registered wait_with(JoinWaiter& waiter) noexcept;
  /// Takes the waiter back. True: it will not be woken. False: it is being woken.
  /// Before wait_with(): makes it refuse, and gives false.
  [[nodiscard]] bool withdraw(JoinWaiter& waiter) noexcept;

  /// The handle lets go of the task (it goes on). Reports a failure that nobody will see.
  void drop_handle() noexcept;
  void note_taken() noexcept { set_taken(); }

 protected:
  using Destroy = void (*)(SpawnedTask&) noexcept;
  SpawnedTask(Finish finish, Destroy destroy) noexcept : TaskHeader(finish), destroy_(destroy) {}
  ~SpawnedTask() = default;

  /// Binds the task to its owner and starts it by scheduling `first`; afterwards its block is the
  /// task's and the handle's. `executor`: null for the owner's. Throws std::logic_error, and has
  /// done nothing, if the owner is closed.
  void launch(PromiseBase& root, TaskSet& owner, Runnable& first, Executor* executor = nullptr);
  void launch(PromiseBase& root, TaskSet& owner) { launch(root, owner, *this); }
  /// The outcome is set, and is a failure: end() follows.
  void fail(std::exception_ptr error) noexcept;
  /// The outcome is set: tells the owner and the joiner, gives up the task's hold. The last touch
  /// of the task by its thread.
  void end(bool cancelled) noexcept;

 private:
  friend class TaskSet;
  void report_if_unseen() noexcept;
  friend class TaskHeader;
  void list() noexcept;
  [[nodiscard]] bool owner_cancelled() const noexcept;
  [[nodiscard]] std::uintptr_t end_joint() noexcept;

  Destroy destroy_;
  TaskSet* owner_ = nullptr;
  SpawnedTask* next_sibling_ = nullptr;      // guarded by the owner's mutex
  SpawnedTask* previous_sibling_ = nullptr;  // guarded by the owner's mutex
  Atomic<std::uintptr_t> joint_{0};  // between task and handle: the words are in spawned.cpp
};

[[noreturn]] void throw_shut_down();

/// The living tasks of one owner. Thread-safe.
class TaskSet {
 public:
  /// `context`: what its tasks inherit. `spreads`: each task is given executor.shared(), which need
  /// not be the same every time.
  explicit TaskSet(Executor& executor, const TaskContext* context = nullptr,
                   bool spreads = false) noexcept
      : executor_(&executor), context_(context), spreads_(spreads) {}
  virtual ~TaskSet() = default;
  TaskSet(const TaskSet&) = delete;
  TaskSet& operator=(const TaskSet&) = delete;

  /// The set of the runtime that the calling thread works for.
  /// Throws std::logic_error on a thread that works for none.
  [[nodiscard]] static TaskSet& current();
  /// As current(), but null instead of throwing.
  [[nodiscard]] static TaskSet* current_or_null() noexcept;
  static TaskSet* make_current(TaskSet* set) noexcept;

  /// Asks every living task to cancel, and every later one from its start on. Returns at once.
  void cancel_all() noexcept;
  [[nodiscard]] bool cancelled_all() const noexcept {
    return cancelled_.load(std::memory_order_relaxed);  // relaxed: as CancelSlot::requested()
  }
  [[nodiscard]] Executor& executor() const noexcept { return *executor_; }
  /// What its tasks inherit: it stays bound until the last of them has ended. May be null.
  [[nodiscard]] const TaskContext* context() const noexcept { return context_; }
  /// For a task that begins now.
  [[nodiscard]] Executor& executor_for_task() const noexcept {
    return spreads_ ? executor_->shared() : *executor_;
  }
  /// Who is told of a task's failure that nobody awaits, on the thread where that is noticed, maybe
  /// when the set is no more. Null: nobody needs to be, as failures reach the owner itself. Any
  /// thread.
  [[nodiscard]] virtual std::shared_ptr<const FailureHandler> failure_handler() const noexcept {
    return nullptr;
  }

 protected:
  /// A task is being added, before it starts: to be counted. Throws, and has done nothing, if the
  /// set takes none any more.
  virtual void added() = 0;
  /// A task has ended as cancelled; removed() follows.
  virtual void cancelled() noexcept {}
  /// A task has failed: to be noted; removed() follows. Nobody has been told of the end yet.
  virtual void failed(const std::exception_ptr& /*error*/) noexcept {}
  /// A task has ended, and counts no more; nobody has been told of the end yet. False: removed()
  /// need not be called, and this was the task's last touch of the set.
  [[nodiscard]] virtual bool ended() noexcept = 0;
  /// … and whoever waited for it is woken. The task's last touch of the set.
  virtual void removed(bool failed) noexcept = 0;

 private:
  friend class SpawnedTask;
  friend class GuestStay;
  friend class TimerCalls;
  void list(SpawnedTask& task) noexcept;
  void unlist(SpawnedTask& task) noexcept;

  Executor* executor_;
  const TaskContext* context_;
  const bool spreads_;
  ThreadMutex mutex_;
  SpawnedTask* first_ = nullptr;   // of those that have suspended and not ended; guarded by mutex_
  Atomic<bool> cancelled_{false};  // written with the mutex held
};

/// The set that tasks of `owner` belong to: a TaskSet, or something that has one (Runtime, Scope).
template <class Owner>
[[nodiscard]] TaskSet& task_set_of(Owner& owner) {
  if constexpr (std::is_base_of_v<TaskSet, Owner> && std::is_convertible_v<Owner*, TaskSet*>) {
    return owner;
  } else {
    return owner.tasks();
  }
}

template <class T>
class SpawnedResult : public SpawnedTask {
 public:
  [[nodiscard]] Outcome<T>& outcome() noexcept { return outcome_; }

 protected:
  using SpawnedTask::SpawnedTask;
  /// The last touch of the task by its thread.
  void end_with_outcome() noexcept {
    if (outcome_.failed()) [[unlikely]]
      fail(outcome_.error());
    end(outcome_.cancelled());
  }
  Outcome<T> outcome_;
};

/// The result of a spawned task, to come. Move-only; used by one thread at a time. Dropping it
/// leaves the task running with its owner.
template <class T>
class JoinHandle {
 public:
  explicit JoinHandle(SpawnedResult<T>& task) noexcept : task_(&task) {}
  JoinHandle(JoinHandle&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  JoinHandle& operator=(JoinHandle&& other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~JoinHandle() {
    if (task_ != nullptr) task_->drop_handle();
  }

  /// Asks the task to cancel; returns at once. It ends as cancelled, unless it has its result.
  void cancel() const noexcept { task_->cancel(); }
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
  [[nodiscard]] SpawnedResult<T>& task() const noexcept { return *task_; }

 private:
  SpawnedResult<T>* task_;
};

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
  JoinLeaf leaf_;
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
template <class F, class... Args>
using SpawnResult = typename SpawnTraits<F, Args...>::Result;

/// One spawned task: header, callable, arguments and outcome in one block.
template <class T, class F, class... Args>
class SpawnedCall final : public SpawnedResult<T> {
 public:
  /// `executor`: null for the owner's.
  static SpawnedCall& make_on(TaskSet& owner, Executor* executor, F&& callable, Args&&... args) {
    void* memory = allocate_frame(sizeof(SpawnedCall));
    SpawnedCall* call = nullptr;
    try {
      call = ::new (memory) SpawnedCall(std::move(callable), std::move(args)...);
      Task<T> root = call->invoke();
      call->launch(root.promise(), owner, *call, executor);
      root.frame().release();  // on_finish() destroys it
    } catch (...) {
      if (call != nullptr) {
        std::destroy_at(&call->call_);
        call->~SpawnedCall();
      }
      deallocate_frame(memory, sizeof(SpawnedCall));
      throw;
    }
    return *call;
  }

 private:
  explicit SpawnedCall(F&& callable, Args&&... args)
      : SpawnedResult<T>(&SpawnedCall::on_finish, &SpawnedCall::destroy),
        call_(std::move(callable), std::move(args)...) {}
  ~SpawnedCall() {}  // on_finish() has destroyed the call

  struct Call {
    explicit Call(F&& f, Args&&... a) : callable(std::move(f)), args(std::move(a)...) {}
    [[no_unique_address]] F callable;
    [[no_unique_address]] std::tuple<Args...> args;
  };

  Task<T> invoke() {
    return as_task(std::apply(
        [this](Args&... args) -> decltype(auto) {
          return std::invoke(call_.callable, std::move(args)...);
        },
        call_.args));
  }

  static void on_finish(TaskHeader& self, Ending ending) noexcept {
    auto& call = static_cast<SpawnedCall&>(self);
    auto& root = static_cast<TaskPromise<T>&>(*call.innermost());  // SAFETY: it is from invoke()
    if (ending == Ending::returned) call.outcome_.take_over(root.outcome());
    // The frame first: its locals may refer to the callable's captures and the arguments.
    root.handle().destroy();
    std::destroy_at(&call.call_);
    call.end_with_outcome();
  }
  static void destroy(SpawnedTask& self) noexcept {
    auto& call = static_cast<SpawnedCall&>(self);
    call.~SpawnedCall();
    deallocate_frame(&call, sizeof(SpawnedCall));
  }

  union {
    Call call_;  // until the task has ended; its handle may keep the block for long
  };
};

/// spawn_in() on `executor`, which must outlive the task; null: the owner's.
template <class F, class... Args>
auto spawn_in_on(TaskSet& owner, Executor* executor, F callable, Args... args)
    -> JoinHandle<SpawnResult<F, Args...>> {
  if constexpr (std::is_invocable_v<F&, Args...>) {
    using Spawned = SpawnedCall<SpawnResult<F, Args...>, F, Args...>;
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
auto spawn_in(TaskSet& owner, F callable, Args... args) -> JoinHandle<SpawnResult<F, Args...>> {
  return spawn_in_on(owner, nullptr, std::move(callable), std::move(args)...);
}

/// Starts `callable(args…)`, or an awaitable, as a task of the current runtime. The callable and
/// its arguments move into the task and live until it has ended, so a lambda's captures cannot
/// dangle; it inherits nothing that is bound for the caller (task-locals, a deadline). The task
/// starts at the latest when the caller suspends. Throws std::logic_error outside
/// a runtime, std::bad_alloc, and what calling `callable` throws.
template <class F, class... Args>
auto spawn(F callable, Args... args) -> JoinHandle<SpawnResult<F, Args...>> {
  return spawn_in(TaskSet::current(), std::move(callable), std::move(args)...);
}

/// Goes to the back of the queue: everything ready on this worker runs first. Cancel: ends here.
class YieldAwaiter {
 public:
  YieldAwaiter() noexcept {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> innermost) const noexcept {
    TaskHeader& task = innermost.promise().task();
    task.suspended_at(innermost.promise());
    if (!task.cancel_requested()) return task.resume_after_others();
    task.leaf_ended(true);
    return std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};
[[nodiscard]] inline YieldAwaiter yield_now() noexcept { return {}; }

}  // namespace weft
