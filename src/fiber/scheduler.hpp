// FiberScheduler: the fibers of one worker: the flow of the worker's loop while a fiber runs, the
// running fiber, and the switches between them. FiberCore: one started fiber, at the top of its own
// stack. Used by the drives of fibers (<weft/detail/fiber_body.hpp>), and by await() on a fiber.
//
// The worker's loop runs a fiber by enter(), on the thread's stack; the fiber returns to it by
// leave(). A fiber that has to wait, or has ended, switches to another one that is ready, or that
// has just been spawned, by switch_to(), without the loop. Whichever fiber leaves, enter() returns
// in the loop what that fiber wants resumed there.
//
// Thread-safety: everything on the worker's thread, except what FiberCore does as an Executor.
// Invariants:
//  - a waiting fiber is entered only when its own leaf has ended: its task's innermost frame is
//    then its drive, the coroutine that stands for it in its task (see <weft/fiber.hpp>);
//  - only the fiber's worker enters it. So a fiber may still be on its way to suspend() when its
//    leaf ends on another thread: that thread only queues it, and it is entered only after it has
//    left its stack.
#pragma once

#include <weft/fiber.hpp>

#include <coroutine>
#include <cstdint>
#include <string_view>

#include "fiber/context.hpp"
#include "fiber/sanitizer.hpp"
#include "fiber/stack.hpp"
#include "os/bad_access.hpp"
#include "task/pinned_queue.hpp"

namespace weft::inline v0_1::detail {

class FiberScheduler;
struct FiberLocalNode;

/// What the C++ runtime keeps for each thread: the exceptions being handled, and the number in
/// flight. Laid out by the Itanium C++ ABI, "Exception Handling", 2.2.2.
struct ExceptionGlobals {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

/// A flow of control with everything that is switched along with it.
struct Flow {
  FlowContext context;
  ExceptionGlobals exceptions;
  [[no_unique_address]] SanitizerFlow sanitizer;
};

/// One started fiber. As a Runnable it resumes the fiber.
///
/// A switch and a yield touch only its first two cache lines: among a thousand fibers these lines
/// come from memory or a far cache each time.
class alignas(64) FiberCore final : public Runnable {
 public:
  FiberCore(FiberBody& body, FiberStack& stack, FiberScheduler& scheduler,
            PromiseBase& drive) noexcept;

  /// Called outside of the fiber: enters it if that is possible at once, else queues it. Returns
  /// the handle to continue.
  [[nodiscard]] std::coroutine_handle<> enter_or_schedule() noexcept;
  /// Makes the fiber unwind its stack; returns when it has ended.
  void unwind() noexcept;
  /// Called after its end: gives the task its former executor back.
  void hand_task_back() noexcept { task_.move_to(executor_.before); }
  /// Sets the drive's await site to that of the fiber's last await; a yield does not.
  void publish_site() noexcept { drive_.set_site(site_); }

  // Called on the fiber
  [[nodiscard]] FiberWait begin_wait(std::source_location site);
  void yield(FiberScheduler& scheduler, std::source_location site);
  [[nodiscard]] bool run_ahead(SpawnedTask& child, std::source_location site);
  void suspend();
  void suspend_into(std::coroutine_handle<> child);
  void complete() noexcept;

  [[nodiscard]] bool may_await() const noexcept { return !waiting_; }
  [[nodiscard]] PromiseBase& drive() const noexcept { return drive_; }
  [[nodiscard]] FiberStack& stack() const noexcept { return stack_; }
  [[nodiscard]] FiberScheduler& scheduler() const noexcept { return scheduler_; }
  /// Empty if it was given none, or has ended.
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] FiberLocalNode*& locals() noexcept { return locals_; }
  [[nodiscard]] Flow& flow() noexcept { return flow_; }

 private:
  /// The task's executor while the fiber runs. It replaces the task by the core in every schedule,
  /// so that the fiber can be entered without its coroutine.
  class FiberExecutor final : public TaskExecutor {
   public:
    FiberExecutor(FiberCore& core, TaskExecutor& task_was_on) noexcept
        : before(task_was_on), core_(core) {
      share_idle_hint(task_was_on);
    }
    void schedule(Runnable& work) noexcept override { core_.queue_.schedule(of_task(work)); }
    void defer(Runnable& work) noexcept override { core_.queue_.defer(of_task(work)); }
    void hold() noexcept override { core_.queue_.hold(); }
    void release() noexcept override { core_.queue_.release(); }
    // What the fiber begins is placed as its task was.
    [[nodiscard]] TaskExecutor& shared() noexcept override { return before.shared(); }
    [[nodiscard]] TaskExecutor& whole() noexcept override { return before.whole(); }
    [[nodiscard]] bool bound() const noexcept override { return true; }

    TaskExecutor& before;

   private:
    [[nodiscard]] Runnable& of_task(Runnable& work) const noexcept {
      return &work == &core_.task_ ? static_cast<Runnable&>(core_) : work;
    }
    FiberCore& core_;
  };

  static void run_fiber(Runnable& self) noexcept;
  static void entry(void* self) noexcept;
  [[nodiscard]] static FiberCore* enterable(Runnable* work) noexcept;
  static void prefetch_after(const FiberCore& other) noexcept;

  [[nodiscard]] bool enterable() const noexcept {
    return task_.innermost() == &drive_ && task_.resumes_refilled();
  }
  /// Whether its task has bindings: the loop makes them current when it enters the fiber; a switch
  /// from another fiber does not.
  [[nodiscard]] bool needs_loop() const noexcept { return task_.context() != nullptr; }
  [[nodiscard]] FiberCore* next_direct() noexcept;
  [[nodiscard]] FiberCore* start_fresh(const Runnable* task) noexcept;
  void go_on_with(FiberScheduler& scheduler, FiberCore& other, bool ends = false) noexcept;
  void resumed();

  Flow flow_;
  TaskHeader& task_;
  PromiseBase& drive_;
  FiberScheduler& scheduler_;
  PinnedQueue& queue_;
  std::source_location site_;  // of its last await; line 0: none yet
  bool waiting_ = false;
  bool unwinding_ = false;
  FiberBody& body_;
  FiberStack& stack_;
  std::string_view name_;  // in the body's options
  FiberLocalNode* locals_ = nullptr;
  FiberExecutor executor_;
};

class FiberScheduler {
 public:
  FiberScheduler() = default;  // throws std::bad_alloc
  FiberScheduler(const FiberScheduler&) = delete;
  FiberScheduler& operator=(const FiberScheduler&) = delete;

  /// The scheduler of the calling thread's worker, or null.
  [[nodiscard]] static FiberScheduler* current() noexcept;
  /// It has become the calling thread's, or is no longer: see exchange_context().
  void enter_thread() noexcept;
  void leave_thread() noexcept;

  [[nodiscard]] StackPool& stacks() noexcept { return stacks_; }
  /// The fiber whose stack is in use, or null.
  [[nodiscard]] FiberCore* running() const noexcept { return running_; }
  /// The queue of the worker's ready fibers. Valid after before_first_start().
  [[nodiscard]] PinnedQueue& queue() const noexcept { return *queue_; }
  /// Called on the worker before a fiber starts: prepares, once, the report of an overflow.
  void before_first_start() noexcept {
    if (queue_ == nullptr) [[unlikely]]
      get_ready();
  }

  /// Called on the loop's stack: runs `fiber`, until a fiber leaves. Returns what to resume.
  [[nodiscard]] std::coroutine_handle<> enter(FiberCore& fiber) noexcept;
  /// Called on a fiber: back to the loop, which resumes `next` (may be null).
  void leave(FiberCore& from, std::coroutine_handle<> next, bool ends = false) noexcept;
  /// The loop's own flow, while a fiber runs.
  [[nodiscard]] const FlowContext& loop() const noexcept { return loop_.context; }
  /// Called on a fiber: resumes `to`.
  [[gnu::always_inline]] void switch_to(FiberCore& from, FiberCore& to,
                                        bool ends = false) noexcept {
    running_ = &to;
    static_cast<void>(go(from.flow(), to.flow(), &to, ends));
  }
  /// Must be called first by a new flow.
  void arrived(FiberCore& fiber) noexcept {
    after_switch(fiber.flow().sanitizer, last_->sanitizer);
  }

 private:
  void get_ready() noexcept;
  // Inlined into its caller: a call between a switch and its caller is one more return that the
  // processor predicts wrongly.
  [[gnu::always_inline]] void* go(Flow& from, Flow& to, void* argument, bool ends) noexcept {
    from.exceptions = *globals_;
    *globals_ = to.exceptions;
    if constexpr (switches_are_told) last_ = &from;
    before_switch(from.sanitizer, to.sanitizer, ends);
    void* const given = from.context.suspend_and_go_on_inline(to.context, argument);
    if constexpr (switches_are_told) after_switch(from.sanitizer, last_->sanitizer);
    return given;
  }

  Flow loop_;
  Flow* last_ = nullptr;  // the flow that switched last, for sanitizers
  FiberCore* running_ = nullptr;
  PinnedQueue* queue_ = nullptr;
  ExceptionGlobals* globals_ = nullptr;  // of the thread
  StackPool stacks_;
  AlternateSignalStack signal_stack_;
};

}  // namespace weft::inline v0_1::detail
