// SpawnedTask, OwnedTasks and SpawnedCall: the task that spawn() makes, and its owner. Called by
// spawn(), JoinHandle, Scope and Runtime. The joint between a task and its handle is in
// src/task/spawned.cpp.
//
// Invariants:
//  - every spawned task belongs to one OwnedTasks (a scope's or the runtime's), which ends after
//    the task has ended;
//  - a task's block (header, callable, arguments, outcome) has two holders, the running task and
//    its JoinHandle. The second of the task's end and the drop of the handle destroys the block.
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

namespace weft::inline v0_1 {
class Runtime;
class Scope;
class TaskHeader;
}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

class OwnedTasks;

/// Waits for one spawned task to end. `wake` is called once, on the thread on which the task ended,
/// and must not block. From then on the block belongs to the handle alone, which may destroy it.
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

/// The non-template part of a spawned task. Thread-safety: stated at each function; the others are
/// for the task's thread (protected) or for the handle's holder (public).
class SpawnedTask : public TaskHeader {
 public:
  /// Whether the task has ended; the outcome may then be read. Any thread.
  [[nodiscard]] bool ended() const noexcept;

  enum class Registered { waiting, ended, refused };
  /// Registers `waiter` to be woken at the end. `refused`: withdraw() came first.
  [[nodiscard]] Registered wait_with(JoinWaiter& waiter) noexcept;
  /// Unregisters the waiter. True: it will not be woken. False: it is being woken. Called before
  /// wait_with(): makes that refuse, and returns false.
  [[nodiscard]] bool withdraw(JoinWaiter& waiter) noexcept;

  /// Releases the handle's hold; the task goes on. Reports a failure that no joiner will see.
  void drop_handle() noexcept;
  void note_taken() noexcept { set_taken(); }

 protected:
  using TaskHeader::TaskHeader;
  ~SpawnedTask() = default;

  /// Binds the task to `owner` and starts it by scheduling `first`. Afterwards the task and the
  /// handle hold the block. `executor`: null for the owner's. `isolated`: the owner is not told of
  /// a failure. Throws std::logic_error, without effect, if the owner is closed.
  void launch(PromiseBase& root, OwnedTasks& owner, Runnable& first,
              TaskExecutor* executor = nullptr, bool isolated = false);
  void launch(PromiseBase& root, OwnedTasks& owner) { launch(root, owner, *this); }
  /// Called when the outcome is set to a failure, before end().
  void fail(std::exception_ptr error) noexcept;
  /// Called when the outcome is set: tells the owner and the joiner, and releases the task's hold.
  /// The task's thread must not touch the task afterwards.
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
  Atomic<std::uintptr_t> joint_{0};          // between task and handle: see spawned.cpp
};

[[noreturn]] void throw_shut_down();

/// The living tasks of one owner. Thread-safe, except where a function says otherwise.
class OwnedTasks {
 public:
  /// `context`: the bindings that its tasks inherit. `spreads`: each task gets executor.shared(),
  /// which need not be the same each time.
  explicit OwnedTasks(TaskExecutor& executor, const TaskContext* context = nullptr,
                      bool spreads = false) noexcept
      : executor_(&executor), context_(context), spreads_(spreads) {}
  virtual ~OwnedTasks() = default;
  OwnedTasks(const OwnedTasks&) = delete;
  OwnedTasks& operator=(const OwnedTasks&) = delete;

  /// The set of the runtime that the calling thread works for. Throws std::logic_error on a thread
  /// that works for none.
  [[nodiscard]] static OwnedTasks& current();
  /// As current(), but returns null instead of throwing.
  [[nodiscard]] static OwnedTasks* current_or_null() noexcept;

  /// Requests a cancel of every living task, and of every later one at its start. Returns at once.
  void cancel_all() noexcept;
  [[nodiscard]] bool cancelled_all() const noexcept {
    return cancelled_.load(std::memory_order_relaxed);  // relaxed: as CancelSlot::requested()
  }
  [[nodiscard]] TaskExecutor& executor() const noexcept { return *executor_; }
  /// The bindings that its tasks inherit, or null. They stay bound until the last task has ended.
  [[nodiscard]] const TaskContext* context() const noexcept { return context_; }
  /// The executor for a task that begins now.
  [[nodiscard]] TaskExecutor& executor_for_task() const noexcept {
    return spreads_ ? executor_->shared() : *executor_;
  }
  /// The handler of a task's failure that no joiner awaits. It is called on the thread that finds
  /// this out, maybe after the set has been destroyed. Null: no handler, since failures reach the
  /// owner itself. Any thread.
  [[nodiscard]] virtual std::shared_ptr<const FailureHandler> failure_handler() const noexcept {
    return nullptr;
  }
  /// The failure handler of the runtime that the calling thread works for; null outside of one.
  [[nodiscard]] static std::shared_ptr<const FailureHandler> current_failure_handler() noexcept;

 protected:
  /// Called before a task starts: counts it. Throws, without effect, if the set is closed.
  virtual void added() = 0;
  /// Called when a task has ended as cancelled, unless by the holder of its handle. removed()
  /// follows.
  virtual void cancelled() noexcept {}
  /// Called when a task has failed, before its joiner learns of the end. removed() follows.
  virtual void failed(const std::exception_ptr& /*error*/) noexcept {}
  /// Called when a task has ended, before its joiner learns of it: stops counting it. False:
  /// removed() must not be called, and this was the task's last touch of the set.
  [[nodiscard]] virtual bool ended() noexcept = 0;
  /// Called after ended(), when the joiner has been woken. The task's last touch of the set.
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
  SpawnedTask* first_ = nullptr;   // suspended once, not ended; guarded by mutex_
  Atomic<bool> cancelled_{false};  // written with the mutex held
};

/// The set that tasks of a runtime, or the children of a scope, belong to: for what is built on
/// them. Thread-safe. Of a runtime: throws std::logic_error once shutdown() has begun.
[[nodiscard]] OwnedTasks& owned_tasks_of(Runtime& runtime);
[[nodiscard]] OwnedTasks& owned_tasks_of(Scope& scope) noexcept;

template <class T>
class SpawnedResult : public SpawnedTask {
 public:
  /// Valid once the task has ended.
  [[nodiscard]] Outcome<T>& outcome() noexcept { return outcome_; }

 protected:
  explicit SpawnedResult(Finish finish) noexcept : SpawnedTask(finish), outcome_() {}
  ~SpawnedResult() { std::destroy_at(&outcome_); }

  /// Calls fail() if the outcome is a failure, then end(). The last touch of the task by its
  /// thread.
  void end_with_outcome() noexcept {
    if (outcome_.failed()) [[unlikely]] {
      if (this->cancel_requested() && is_cancelled_join(outcome_.error())) {
        outcome_ = Outcome<T>();
      } else {
        fail(outcome_.error());
      }
    }
    end(outcome_.cancelled());
  }

  union {
    Outcome<T> outcome_;  // SpawnedCall uses its room until the end
  };
};

/// One spawned task: header, callable, arguments and outcome in one block. The callable and its
/// arguments are destroyed when the task has ended, since the handle may hold the block for long.
/// Until then they occupy the outcome's room and what they need beyond it. A large outcome does not
/// share its room: sharing moves it once more, through the stack.
template <class T, class F, class... Args>
class SpawnedCall final : public SpawnedResult<T> {
 public:
  /// `executor`, `isolated`: see launch(). Aborts with a message if what the callable gives is an
  /// empty task.
  static SpawnedCall& make_on(OwnedTasks& owner, TaskExecutor* executor, bool isolated,
                              F&& callable, Args&&... args) {
    void* memory = allocate_frame(block_bytes);
    SpawnedCall* spawned = nullptr;
    try {
      spawned = ::new (memory) SpawnedCall(std::move(callable), std::move(args)...);
      Task<T> root = TaskContext::current() == owner.context()
                         ? spawned->invoke()
                         : spawned->invoke_below(owner.context());
      spawned->launch(root.promise_to_start(), owner, *spawned, executor, isolated);
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
  // The outcome is the last member and no padding follows: its alignment is that of the whole.
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
    // SAFETY: the constructor made a Call there, in the block of make_on(); it lives until
    // end_call().
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

  /// As invoke(), with `context` current: the spawner's bindings are not for the callable, whether
  /// that is a coroutine or not.
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
  /// Destroys the frame first: its locals may refer to the callable's captures and the arguments.
  static void end_all(SpawnedCall& spawned, PromiseBase& root) noexcept {
    root.handle().destroy();
    spawned.end_call();
  }
};

}  // namespace weft::inline v0_1::detail
