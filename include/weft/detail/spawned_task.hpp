// SpawnedTask, OwnedTasks and SpawnedCall: what spawn() makes, and who owns it.
//
// Every spawned task belongs to a OwnedTasks (a scope's or the runtime's) that does not end before the
// task has. A task's block (header, callable, arguments, outcome) belongs to two, the running task
// and its JoinHandle: whichever of them comes second, the end or the dropping, destroys it.
#pragma once

#include <weft/task.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weft {
class TaskHeader;
}  // namespace weft

namespace weft::detail {

class OwnedTasks;

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
  using TaskHeader::TaskHeader;
  ~SpawnedTask() = default;

  /// Binds the task to its owner and starts it by scheduling `first`; afterwards its block is the
  /// task's and the handle's. `executor`: null for the owner's. Throws std::logic_error, and has
  /// done nothing, if the owner is closed.
  void launch(PromiseBase& root, OwnedTasks& owner, Runnable& first,
              TaskExecutor* executor = nullptr);
  void launch(PromiseBase& root, OwnedTasks& owner) { launch(root, owner, *this); }
  /// The outcome is set, and is a failure: end() follows.
  void fail(std::exception_ptr error) noexcept;
  /// The outcome is set: tells the owner and the joiner, gives up the task's hold. The last touch
  /// of the task by its thread.
  void end(bool cancelled) noexcept;

 private:
  friend class OwnedTasks;
  void report_if_unseen() noexcept;
  friend class weft::TaskHeader;
  void list() noexcept;
  [[nodiscard]] bool owner_cancelled() const noexcept;
  [[nodiscard]] std::uintptr_t end_joint() noexcept;

  OwnedTasks* owner_ = nullptr;
  SpawnedTask* next_sibling_ = nullptr;      // guarded by the owner's mutex
  SpawnedTask* previous_sibling_ = nullptr;  // guarded by the owner's mutex
  Atomic<std::uintptr_t> joint_{0};  // between task and handle: the words are in spawned.cpp
};

[[noreturn]] void throw_shut_down();

/// The living tasks of one owner. Thread-safe.
class OwnedTasks {
 public:
  /// `context`: what its tasks inherit. `spreads`: each task is given executor.shared(), which need
  /// not be the same every time.
  explicit OwnedTasks(TaskExecutor& executor, const TaskContext* context = nullptr,
                      bool spreads = false) noexcept
      : executor_(&executor), context_(context), spreads_(spreads) {}
  virtual ~OwnedTasks() = default;
  OwnedTasks(const OwnedTasks&) = delete;
  OwnedTasks& operator=(const OwnedTasks&) = delete;

  /// The set of the runtime that the calling thread works for.
  /// Throws std::logic_error on a thread that works for none.
  [[nodiscard]] static OwnedTasks& current();
  /// As current(), but null instead of throwing.
  [[nodiscard]] static OwnedTasks* current_or_null() noexcept;

  /// Asks every living task to cancel, and every later one from its start on. Returns at once.
  void cancel_all() noexcept;
  [[nodiscard]] bool cancelled_all() const noexcept {
    return cancelled_.load(std::memory_order_relaxed);  // relaxed: as CancelSlot::requested()
  }
  [[nodiscard]] TaskExecutor& executor() const noexcept { return *executor_; }
  /// What its tasks inherit: it stays bound until the last of them has ended. May be null.
  [[nodiscard]] const TaskContext* context() const noexcept { return context_; }
  /// For a task that begins now.
  [[nodiscard]] TaskExecutor& executor_for_task() const noexcept {
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
  /// A task has ended as cancelled, and not by who holds its handle; removed() follows.
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
  friend class ForeignExecutor;
  friend class TimerCalls;
  void list(SpawnedTask& task) noexcept;
  void unlist(SpawnedTask& task) noexcept;

  TaskExecutor* executor_;
  const TaskContext* context_;
  const bool spreads_;
  ThreadMutex mutex_;
  SpawnedTask* first_ = nullptr;   // of those that have suspended and not ended; guarded by mutex_
  Atomic<bool> cancelled_{false};  // written with the mutex held
};

/// The set that tasks of `owner` belong to: a OwnedTasks, or something that has one (Runtime, Scope).
template <class Owner>
[[nodiscard]] OwnedTasks& owned_tasks_of(Owner& owner) {
  if constexpr (std::is_base_of_v<OwnedTasks, Owner> &&
                std::is_convertible_v<Owner*, OwnedTasks*>) {
    return owner;
  } else {
    return owner.tasks();
  }
}

template <class T>
class SpawnedResult : public SpawnedTask {
 public:
  /// Once it has ended.
  [[nodiscard]] Outcome<T>& outcome() noexcept { return outcome_; }

 protected:
  explicit SpawnedResult(Finish finish) noexcept : SpawnedTask(finish), outcome_() {}
  ~SpawnedResult() { std::destroy_at(&outcome_); }

  /// The last touch of the task by its thread.
  void end_with_outcome() noexcept {
    if (outcome_.failed()) [[unlikely]]
      fail(outcome_.error());
    end(outcome_.cancelled());
  }

  union {
    Outcome<T> outcome_;  // its room may be lent until the end: see SpawnedCall
  };
};

/// One spawned task: header, callable, arguments and outcome in one block. The callable and its
/// arguments go when the task has ended, as its handle may keep the block for long. Until then they
/// have the outcome's room and what they need beyond it, unless that is large: it would be moved
/// once more, by way of the stack.
template <class T, class F, class... Args>
class SpawnedCall final : public SpawnedResult<T> {
 public:
  /// `executor`: null for the owner's.
  static SpawnedCall& make_on(OwnedTasks& owner, TaskExecutor* executor, F&& callable,
                              Args&&... args) {
    void* memory = allocate_frame(block_bytes);
    SpawnedCall* spawned = nullptr;
    try {
      spawned = ::new (memory) SpawnedCall(std::move(callable), std::move(args)...);
      Task<T> root = TaskContext::current() == owner.context()
                         ? spawned->invoke()
                         : spawned->invoke_below(owner.context());
      spawned->launch(root.promise(), owner, *spawned, executor);
      root.frame().release();  // on_finish() destroys it
    } catch (...) {
      if (spawned != nullptr) {
        spawned->end_call();
        spawned->~SpawnedCall();
      }
      deallocate_frame(memory, block_bytes);
      throw;
    }
    return *spawned;
  }

 private:
  struct Call {
    explicit Call(F&& f, Args&&... a) : callable(std::move(f)), args(std::move(a)...) {}
    [[no_unique_address]] F callable;
    [[no_unique_address]] std::tuple<Args...> args;
  };

  static constexpr std::size_t largest_moved = 128;
  static constexpr bool shares_room = sizeof(Outcome<T>) <= largest_moved;
  // The outcome is the last member, and no padding follows: it is as strictly aligned as the whole.
  static_assert(alignof(Outcome<T>) == alignof(SpawnedResult<T>));
  static constexpr std::size_t room_offset =
      sizeof(SpawnedResult<T>) - (shares_room ? sizeof(Outcome<T>) : 0);
  static constexpr std::size_t call_offset =
      (room_offset + alignof(Call) - 1) / alignof(Call) * alignof(Call);
  static constexpr std::size_t block_bytes =
      std::max(sizeof(SpawnedResult<T>), call_offset + sizeof(Call));
  static_assert(alignof(Call) <= kFrameGranule, "weft::spawn: captures are aligned to 64 at most");

  explicit SpawnedCall(F&& callable, Args&&... args) : SpawnedResult<T>(&SpawnedCall::on_finish) {
    if constexpr (shares_room) std::destroy_at(&this->outcome_);
    try {
      ::new (room()) Call(std::move(callable), std::move(args)...);
    } catch (...) {
      if constexpr (shares_room) std::construct_at(&this->outcome_);
      throw;
    }
  }
  ~SpawnedCall() = default;

  [[nodiscard]] void* room() noexcept { return reinterpret_cast<std::byte*>(this) + call_offset; }
  [[nodiscard]] Call& call() noexcept {
    // SAFETY: the constructor has made one there, in the block of make_on(); until end_call().
    return *std::launder(static_cast<Call*>(room()));
  }
  void end_call() noexcept {
    std::destroy_at(&call());
    if constexpr (shares_room) std::construct_at(&this->outcome_);
  }

  Task<T> invoke() {
    return as_task(std::apply(
        [this](Args&... args) -> decltype(auto) {
          return std::invoke(call().callable, std::move(args)...);
        },
        call().args));
  }

  /// What is bound for who spawns is not for the callable, be it a coroutine or not.
  Task<T> invoke_below(const TaskContext* context) {
    const ContextScope scope(context);
    return invoke();
  }

  static void on_finish(TaskHeader& self, Ending ending) noexcept {
    auto& spawned = static_cast<SpawnedCall&>(self);
    if (ending == Ending::let_go) {
      spawned.~SpawnedCall();
      return deallocate_frame(&spawned, block_bytes);
    }
    auto& root = static_cast<TaskPromise<T>&>(*spawned.innermost());  // SAFETY: from invoke()
    if constexpr (shares_room) {
      Outcome<T> outcome;
      if (ending == Ending::returned) outcome.take_over(root.outcome());
      end_all(spawned, root);
      spawned.outcome_.take_over(outcome);
    } else {
      if (ending == Ending::returned) spawned.outcome_.take_over(root.outcome());
      end_all(spawned, root);
    }
    spawned.end_with_outcome();
  }
  /// The frame first: its locals may refer to the callable's captures and the arguments.
  static void end_all(SpawnedCall& spawned, PromiseBase& root) noexcept {
    root.handle().destroy();
    spawned.end_call();
  }
};

}  // namespace weft::detail
