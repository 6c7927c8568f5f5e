// FiberBody, FiberCall and SpawnedFiber: the implementation of the Fiber of
// <weft/fiber.hpp>. A FiberBody is the part of a fiber that lives in its task's frame: the function
// with its arguments, and how the fiber is started and ended. The part on the fiber's own stack is
// FiberCore (src/fiber/scheduler.hpp).
//
// The drive of a fiber is the coroutine that stands for it in its task: it enters the fiber's
// stack, and ends the task when the fiber has ended.
// Thread-safety: everything on the worker on which the fiber started.
#pragma once

#include <weft/outcome.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {
class FiberOptions;
}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

class FiberCore;
class FiberScheduler;
struct FiberStack;

/// The part of a fiber in its task's frame that needs no template. As a Runnable it starts the
/// fiber.
class FiberBody : public Runnable {
 public:
  FiberBody(const FiberBody&) = delete;
  FiberBody& operator=(const FiberBody&) = delete;

  class Enter {
   public:
    explicit Enter(FiberBody& body) noexcept : body_(body) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <WeftPromise P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> task) {
      return body_.enter_for(task.promise());
    }
    void await_resume() const noexcept {}

   private:
    FiberBody& body_;
  };

  /// Awaited: runs the fiber until it waits or has ended. Throws IoError if there is no stack for
  /// it, and std::logic_error on a thread that works for no runtime.
  [[nodiscard]] Enter enter() noexcept { return Enter(*this); }
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// Called after the end: gives the stack back.
  void finish() noexcept;

 protected:
  using Function = void (*)(FiberBody&) noexcept;
  /// Ends the task on the rest of the fiber's stack. False: the drive must do it.
  using Complete = bool (*)(FiberBody&) noexcept;
  /// `options` may be null. `call` runs on the fiber. Afterwards `complete` runs on the fiber's
  /// stack, if given; if it is null or returns false, the drive goes on, on the loop's stack.
  FiberBody(const FiberOptions* options, Function call, Complete complete = nullptr) noexcept
      : Runnable(&FiberBody::run_start), options_(options), call_(call), complete_(complete) {}
  ~FiberBody() = default;
  /// Unwinds the fiber if it has started and not ended. Must come first in the destructor of the
  /// objects that its stack refers to.
  void unwind_stack() noexcept;
  /// Whether the fiber is being unwound, or has been.
  [[nodiscard]] bool stack_unwound() const noexcept { return unwinding_; }
  /// Runs the fiber, which is started for `drive` if it has not been. Returns the handle to
  /// continue. Throws as enter().
  std::coroutine_handle<> enter_for(PromiseBase& drive);
  /// Called when the function has failed: sets the drive's await site to that of the fiber's last
  /// await.
  void publish_site() noexcept;
  /// Sets the drive. Called before the body is scheduled to start the fiber.
  void driven_by(PromiseBase& drive) noexcept { drive_ = &drive; }

 private:
  friend class FiberCore;
  static void run_start(Runnable& self) noexcept;
  [[nodiscard]] static bool starts(const Runnable& work, const Runnable* task) noexcept;
  void start();
  [[nodiscard]] FiberCore* start_beside(FiberScheduler& scheduler) noexcept;
  void start_on(FiberStack& stack, FiberScheduler& scheduler) noexcept;

  [[nodiscard]] std::size_t stack_bytes() const noexcept;
  [[nodiscard]] std::string_view name() const noexcept;

  const FiberOptions* options_;
  Function call_;
  Complete complete_;
  PromiseBase* drive_ = nullptr;
  FiberCore* core_ = nullptr;  // on the fiber's stack, while it has one
  bool ended_ = false;
  bool unwinding_ = false;
};

template <class F, class... Args>
using FiberResult = std::invoke_result_t<F&, Args...>;

/// Calls `function(args…)` and stores its result in `outcome`, if `keep()` returns true then.
template <class T, class F, class Args, class Keep>
void call_for(Outcome<T>& outcome, F& function, Args& args, Keep keep) {
  const auto call = [&]() -> decltype(auto) {
    return std::apply(
        [&](auto&... each) -> decltype(auto) { return std::invoke(function, std::move(each)...); },
        args);
  };
  if constexpr (std::is_void_v<T>) {
    call();
    if (keep()) outcome.set_value();
  } else {
    decltype(auto) result = call();
    if (keep()) outcome.set_value(static_cast<decltype(result)&&>(result));
  }
}

/// A fiber's function with its arguments, which live in the task's frame, and its outcome.
template <class T, class F, class... Args>
class FiberCall final : public FiberBody {
 public:
  FiberCall(const FiberOptions* options, F& function, Args&... args) noexcept
      : FiberBody(options, &FiberCall::call), function_(function), args_(args...) {}
  ~FiberCall() { unwind_stack(); }
  [[nodiscard]] Outcome<T>& outcome() noexcept { return outcome_; }

 private:
  static void call(FiberBody& self) noexcept {
    auto& fiber = static_cast<FiberCall&>(self);
    try {
      call_for(fiber.outcome_, fiber.function_, fiber.args_, [] { return true; });
    } catch (...) {  // a cancelled fiber ends here, too; its outcome is not read
      fiber.publish_site();
      fiber.outcome_.set_error(std::current_exception());
    }
  }

  F& function_;
  std::tuple<Args&...> args_;
  Outcome<T> outcome_;
};

class DefaultFiberOptions {
 public:
  DefaultFiberOptions() noexcept {}
};

[[nodiscard]] inline const FiberOptions* as_options(const FiberOptions& own) noexcept {
  return &own;
}
[[nodiscard]] inline const FiberOptions* as_options(DefaultFiberOptions) noexcept {
  return nullptr;
}

/// A base class, so that it is initialized before the FiberBody that refers to it.
template <class Options>
struct FiberOptionsHolder {
  [[no_unique_address]] Options options;
};

template <class Promise>
struct SpawnedFiberFrame {
  using promise_type = Promise;
  std::coroutine_handle<Promise> frame;
};

/// A spawned fiber: the promise of a coroutine that is one block with header, function, arguments
/// and result. The coroutine is the fiber's drive. It runs only when something that the fiber
/// awaits transfers to it.
template <class T, class Options, class F, class... Args>
class SpawnedFiber final : public PromiseBase,
                           private FiberOptionsHolder<Options>,
                           public SpawnedResult<T>,
                           private FiberBody {
 public:
  SpawnedFiber(Options& own_options, F& function, Args&... args)
      : PromiseBase(std::coroutine_handle<SpawnedFiber>::from_promise(*this)),
        FiberOptionsHolder<Options>{std::move(own_options)},
        SpawnedResult<T>(&SpawnedFiber::on_finish),
        FiberBody(as_options(FiberOptionsHolder<Options>::options), &SpawnedFiber::call,
                  &SpawnedFiber::complete),
        work_(std::in_place, std::move(function), std::move(args)...) {
    driven_by(*this);
  }

  SpawnedFiberFrame<SpawnedFiber> get_return_object() noexcept {
    return {std::coroutine_handle<SpawnedFiber>::from_promise(*this)};
  }
  template <class A>
  A await_transform(A awaitable) const noexcept {
    return awaitable;  // the task's sites are those of the fiber's awaits
  }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  /// Called if there is no stack, or the function has thrown.
  void unhandled_exception() noexcept {
    this->note_failure(site());
    this->outcome_.set_error(std::current_exception());
  }

  /// Called by the drive: enters the fiber, or ends the task. Returns the handle to continue.
  std::coroutine_handle<> go_on() {
    if (!FiberBody::ended()) return this->enter_for(*this);
    this->finish();
    this->root_returned(*this);  // the frame may be destroyed now
    return std::noop_coroutine();
  }
  void launch_as(const Placement& placement) {
    this->launch(*this, placement.owner(), static_cast<FiberBody&>(*this), placement.executor(),
                 placement.isolated());
  }

 private:
  struct Work {
    explicit Work(F&& f, Args&&... a) : function(std::move(f)), args(std::move(a)...) {}
    F function;
    std::tuple<Args...> args;
  };

  static void call(FiberBody& self) noexcept {
    auto& fiber = static_cast<SpawnedFiber&>(self);
    try {
      call_for(fiber.outcome_, fiber.work_->function, fiber.work_->args,
               [&fiber] { return !fiber.stack_unwound(); });
    } catch (...) {
      if (!fiber.stack_unwound()) {
        fiber.publish_site();
        fiber.unhandled_exception();
      }
    }
  }
  /// False after a failure: its report may need more stack than the fiber has left.
  static bool complete(FiberBody& self) noexcept {
    auto& fiber = static_cast<SpawnedFiber&>(self);
    if (fiber.outcome_.failed()) return false;
    fiber.root_returned(fiber);
    return true;
  }
  static void on_finish(TaskHeader& self, Ending ending) noexcept {
    auto& fiber = static_cast<SpawnedFiber&>(self);
    // SAFETY: the task has ended, so its frame stays suspended; neither task nor handle holds it.
    if (ending == Ending::let_go) return fiber.handle().destroy();
    fiber.unwind_stack();
    fiber.work_.reset();  // before the end: the joiner may own what it refers to
    fiber.end_with_outcome();
  }

  std::optional<Work> work_;
};

class FiberDrive {
 public:
  FiberDrive() noexcept {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> drive) const {
    return drive.promise().go_on();
  }
  void await_resume() const noexcept {}
};

/// The promise moves out of what the arguments refer to, before this returns.
template <class T, class Options, class F, class... Args>
SpawnedFiberFrame<SpawnedFiber<T, Options, F, Args...>> make_fiber(Options&, F&, Args&...) {
  for (;;) co_await FiberDrive();
}

/// A Fiber as a task that is awaited.
template <class Options, class F, class... Args>
Task<FiberResult<F, Args...>> fiber_task(Options options, F function, Args... args) {
  FiberCall<FiberResult<F, Args...>, F, Args...> call(as_options(options), function, args...);
  while (!call.ended()) co_await call.enter();
  call.finish();
  co_return call.outcome().take();
}

/// A Fiber as a spawned task.
template <class Options, class F, class... Args>
auto launch_fiber(const Placement& placement, Fiber<Options, F, Args...> fiber)
    -> JoinHandle<FiberResult<F, Args...>> {
  using Result = FiberResult<F, Args...>;
  auto& spawned = std::apply(
                      [&fiber](Args&... args) {
                        return make_fiber<Result, Options, F, Args...>(fiber.options_,
                                                                       fiber.function_, args...);
                      },
                      fiber.args_)
                      .frame.promise();
  try {
    spawned.launch_as(placement);
  } catch (...) {
    spawned.handle().destroy();
    throw;
  }
  return JoinHandle<Result>(spawned);
}

}  // namespace weft::inline v0_1::detail
