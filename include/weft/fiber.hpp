// Fibers: tasks written in the blocking style, each on a stack of its own.
//
//   int lines = runtime.block_on(weft::fiber([] {
//     weft::TcpStream stream = weft::await(weft::connect("127.0.0.1:7777"));
//     return count_lines(stream);          // an ordinary function; it may call weft::await() too
//   }));
//
// fiber() gives a Task: a fiber is spawned, awaited, joined, cancelled, put into scopes, select()
// and timeout() as every task is. Inside, weft::await() takes the place of co_await, in the fiber's
// function and in all that it calls.
//
// Where it runs: a fiber that has not started may be started by any worker; then it stays with that
// worker, since compilers remember the addresses of thread_local objects, errno among them, across
// a switch (on a current_thread runtime the worker is whichever thread is in block_on(): there, do
// not count on thread_local objects across an await). What belongs to one fiber is a FiberLocal
// (<weft/fiber_local.hpp>).
//
// Cancel: the await that the fiber waits in ends as the cancelled leaf does, and the stack is
// unwound: destructors run, and the fiber has ended as cancelled. The unwinding is an exception
// that has no name: catch (...) sees it and must pass it on by `throw;`. Who swallows it does not
// stop the end: every further await throws it again. So an await in a destructor, or in a noexcept
// function, needs its own catch (...), as for any exception.
//
// Stacks: address space with a guard below, memory only where it was touched. To overflow one ends
// the process with a message that names the fiber (the first fiber installs handlers of SIGSEGV and
// SIGBUS for that, which pass on what is not theirs). What a fiber awaits (a Task and all under it)
// runs on the worker's stack, except what happens within the await itself: the first part of the
// children of select(), when_all() and scope(), and the first poll of a future.
//
// Exceptions in flight are per fiber; signal masks are not.
#pragma once

#include <weft/spawn.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weft {

class FiberCore;
class FiberHub;
struct FiberStack;

struct FiberOptions {
  /// For messages and dumps.
  std::string name;
  /// How deep its calls may go. Rounded up to a power of two; at most 64 MiB. Only what is used
  /// costs memory.
  std::size_t stack_bytes = std::size_t{256} << 10;
};

/// Those of a fiber that was given none.
[[nodiscard]] const FiberOptions& default_fiber_options() noexcept;

/// Whether the caller runs on a fiber, and may call await().
[[nodiscard]] bool in_fiber() noexcept;

/// The fiber that is running. Each throws std::logic_error where there is none.
namespace this_fiber {
/// Its name; empty if it was given none. Valid until the fiber ends.
[[nodiscard]] std::string_view name();
/// How many bytes of stack are left for calls from here.
[[nodiscard]] std::size_t stack_left();
}  // namespace this_fiber

/// The part of a fiber that lives in its task's frame and needs no template. As a Runnable it
/// starts the fiber.
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

  /// Goes on with the fiber until it waits, or has ended. Throws IoError if there is no stack for
  /// it, and std::logic_error on a thread that works for no runtime.
  [[nodiscard]] Enter enter() noexcept { return Enter(*this); }
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// After the end: gives the stack back.
  void finish() noexcept;

 protected:
  using Function = void (*)(FiberBody&) noexcept;
  /// `call` runs on the fiber. What runs after it, on the loop's stack, is the drive, the coroutine
  /// that enters it; or, on what is left of the fiber's stack, `complete`.
  FiberBody(const FiberOptions& options, Function call, Function complete = nullptr) noexcept
      : Runnable(&FiberBody::run_start), options_(options), call_(call), complete_(complete) {}
  ~FiberBody() = default;
  /// Unwinds the fiber, if it has started and not ended: first thing in the destructor of what its
  /// stack refers to.
  void unwind_stack() noexcept;
  /// Whether it is being unwound, or has been.
  [[nodiscard]] bool stack_unwound() const noexcept { return unwinding_; }
  /// Goes on with it, started for `drive`, the coroutine that stands for it in its task. Gives whom
  /// to go on with then. Throws as enter().
  std::coroutine_handle<> enter_for(PromiseBase& drive);
  /// Who will be its drive, before it is scheduled to start.
  void driven_by(PromiseBase& drive) noexcept { drive_ = &drive; }

 private:
  friend class FiberCore;
  static void run_start(Runnable& self) noexcept;
  void start();
  [[nodiscard]] FiberCore* start_beside(FiberHub& hub) noexcept;
  void start_on(FiberStack& stack, FiberHub& hub) noexcept;

  const FiberOptions& options_;
  Function call_;
  Function complete_;
  PromiseBase* drive_ = nullptr;
  FiberCore* core_ = nullptr;  // on its stack, while it has one
  bool ended_ = false;
  bool unwinding_ = false;
};

template <class F, class... Args>
using FiberResult = std::invoke_result_t<F&, Args...>;

/// Calls `function(args…)`; what it gives is the outcome, unless `keep()` says otherwise.
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
  FiberCall(const FiberOptions& options, F& function, Args&... args) noexcept
      : FiberBody(options, &FiberCall::call), function_(function), args_(args...) {}
  ~FiberCall() { unwind_stack(); }
  [[nodiscard]] Outcome<T>& outcome() noexcept { return outcome_; }

 private:
  static void call(FiberBody& self) noexcept {
    auto& fiber = static_cast<FiberCall&>(self);
    try {
      call_for(fiber.outcome_, fiber.function_, fiber.args_, [] { return true; });
    } catch (...) {  // also how a cancelled fiber ends; nobody looks at its outcome
      fiber.outcome_.set_error(std::current_exception());
    }
  }

  F& function_;
  std::tuple<Args&...> args_;
  Outcome<T> outcome_;
};

/// A task that calls `function(args…)` on a stack of its own, where await() may be called. The
/// function and its arguments move into the task; its result is the task's, and so is what it
/// throws. Nothing runs, and no stack is taken, before the task is spawned or awaited. Then it
/// fails with IoError if there is no memory for a stack.
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
Task<FiberResult<F, Args...>> fiber(F function, Args... args) {
  FiberCall<FiberResult<F, Args...>, F, Args...> call(default_fiber_options(), function, args...);
  while (!call.ended()) co_await call.enter();
  call.finish();
  co_return call.outcome().take();
}
/// The same with a name, or another size of stack.
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
Task<FiberResult<F, Args...>> fiber(FiberOptions options, F function, Args... args) {
  FiberCall<FiberResult<F, Args...>, F, Args...> call(options, function, args...);
  while (!call.ended()) co_await call.enter();
  call.finish();
  co_return call.outcome().take();
}

struct DefaultFiberOptions {
  explicit(false) operator const FiberOptions&() const noexcept { return default_fiber_options(); }
};

template <class Promise>
struct SpawnedFiberFrame {
  using promise_type = Promise;
  std::coroutine_handle<Promise> frame;
};

/// A spawned fiber: the promise of a coroutine that is one block with header, function, arguments
/// and result. The coroutine is the fiber's drive, and runs only when something that the fiber
/// awaits hands over to it.
template <class T, class Options, class F, class... Args>
class SpawnedFiber final : public PromiseBase, public SpawnedResult<T>, private FiberBody {
 public:
  SpawnedFiber(Options& options, F& function, Args&... args)
      : PromiseBase(std::coroutine_handle<SpawnedFiber>::from_promise(*this)),
        SpawnedResult<T>(&SpawnedFiber::on_finish, &SpawnedFiber::destroy),
        FiberBody(options_, &SpawnedFiber::call, &SpawnedFiber::complete),
        options_(std::move(options)),
        work_(std::in_place, std::move(function), std::move(args)...) {
    driven_by(*this);
  }

  SpawnedFiberFrame<SpawnedFiber> get_return_object() noexcept {
    return {std::coroutine_handle<SpawnedFiber>::from_promise(*this)};
  }
  template <class A>
  A await_transform(A awaitable) const noexcept {
    return awaitable;  // the sites are those of the fiber's awaits
  }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  /// There is no stack; or its function has thrown.
  void unhandled_exception() noexcept {
    this->note_failure(site());
    this->outcome_.set_error(std::current_exception());
  }

  std::coroutine_handle<> go_on() { return this->enter_for(*this); }
  void launch_in(TaskSet& owner) { this->launch(*this, owner, static_cast<FiberBody&>(*this)); }

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
      if (!fiber.stack_unwound()) fiber.unhandled_exception();
    }
  }
  static void complete(FiberBody& self) noexcept {
    static_cast<SpawnedFiber&>(self).root_returned();
  }
  static void on_finish(TaskHeader& self, Ending) noexcept {
    auto& fiber = static_cast<SpawnedFiber&>(self);
    fiber.unwind_stack();
    fiber.work_.reset();  // before the end: whoever waits for it may own what it refers to
    fiber.end(fiber.outcome_.error(), fiber.outcome_.cancelled());
  }
  static void destroy(SpawnedTask& self) noexcept {
    // SAFETY: it has ended, so its frame is suspended for good, and nobody holds it any more.
    static_cast<SpawnedFiber&>(self).handle().destroy();
  }

  [[no_unique_address]] Options options_;
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

/// The promise takes what the arguments refer to, before this returns.
template <class T, class Options, class F, class... Args>
SpawnedFiberFrame<SpawnedFiber<T, Options, F, Args...>> make_fiber(Options&, F&, Args&...) {
  for (;;) co_await FiberDrive();
}

template <class Options, class F, class... Args>
JoinHandle<FiberResult<F, Args...>> launch_fiber(TaskSet& owner, Options options, F& function,
                                                 Args&... args) {
  using Result = FiberResult<F, Args...>;
  auto& fiber = make_fiber<Result, Options, F, Args...>(options, function, args...).frame.promise();
  try {
    fiber.launch_in(owner);
  } catch (...) {
    fiber.handle().destroy();
    throw;
  }
  return JoinHandle<Result>(fiber);
}

/// spawn() of a fiber, in one block: starts `function(args…)` as a fiber of the current runtime.
/// Throws as spawn() does. That there is no memory for a stack is the fiber's failure.
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
JoinHandle<FiberResult<F, Args...>> spawn_fiber(F function, Args... args) {
  return launch_fiber(TaskSet::current(), DefaultFiberOptions(), function, args...);
}
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
JoinHandle<FiberResult<F, Args...>> spawn_fiber(FiberOptions options, F function, Args... args) {
  return launch_fiber(TaskSet::current(), std::move(options), function, args...);
}
/// The same as a task of `owner`: a Runtime, a Scope or a TaskSet. From any thread.
template <class Owner, class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
JoinHandle<FiberResult<F, Args...>> spawn_fiber_in(Owner& owner, F function, Args... args) {
  return launch_fiber(task_set_of(owner), DefaultFiberOptions(), function, args...);
}
template <class Owner, class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
JoinHandle<FiberResult<F, Args...>> spawn_fiber_in(Owner& owner, FiberOptions options, F function,
                                                   Args... args) {
  return launch_fiber(task_set_of(owner), std::move(options), function, args...);
}

/// One await of the running fiber: see await().
class FiberWait {
 public:
  /// Awaiters take the handle for its promise alone: nobody resumes through it.
  using Handle = std::coroutine_handle<PromiseBase>;

  /// Throws std::logic_error where await() must not be called.
  explicit FiberWait(std::source_location site);
  ~FiberWait();
  FiberWait(const FiberWait&) = delete;
  FiberWait& operator=(const FiberWait&) = delete;

  [[nodiscard]] Handle handle() const noexcept;
  /// The leaf has been given the handle: waits for its end.
  void suspend();
  /// The same, while `child` goes on.
  void suspend_into(std::coroutine_handle<> child);
  /// What is awaited has ended: the user's code runs again, and may await.
  void over() noexcept;

 private:
  FiberCore& fiber_;
};

/// From a fiber: waits for anything that a coroutine could co_await, and gives its result. While it
/// waits, the worker does other things. Throws what the awaitable throws, and std::logic_error
/// where no fiber runs: in a coroutine write co_await, on a thread of your own block_on(). A fiber
/// that is cancelled is unwound from here: see above.
template <Awaitable A>
AwaitResult<A> await(A&& awaitable, std::source_location site = std::source_location::current()) {
  FiberWait wait(site);
  auto&& awaiter = get_awaiter(std::forward<A>(awaitable));
  if (!awaiter.await_ready()) {
    const FiberWait::Handle self = wait.handle();
    using Suspended = decltype(awaiter.await_suspend(self));
    if constexpr (std::is_void_v<Suspended>) {
      awaiter.await_suspend(self);
      wait.suspend();
    } else if constexpr (std::is_same_v<Suspended, bool>) {
      if (awaiter.await_suspend(self)) wait.suspend();
    } else {
      const std::coroutine_handle<> next = awaiter.await_suspend(self);
      if (next != self) wait.suspend_into(next);
    }
  }
  wait.over();
  return awaiter.await_resume();
}

/// The same for yield_now(), by a shorter way.
void await(YieldAwaiter yield, std::source_location site = std::source_location::current());

}  // namespace weft
