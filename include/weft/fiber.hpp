// Fibers: tasks written in the blocking style, each on a stack of its own.
//
//   int lines = runtime.block_on(weft::fiber([] {
//     weft::StreamSocket stream = weft::await(weft::connect("127.0.0.1:7777"));
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
// children of select(), when_all() and scope(), and the first poll of a future. A fiber's
// arguments, and a result that nobody takes, are destroyed on its own stack.
//
// Exceptions in flight are per fiber; signal masks are not.
#pragma once

#include <weft/detail/fiber_body.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weft {

struct FiberOptions {
  /// For messages and dumps.
  std::string name;
  static constexpr std::size_t usual_stack_bytes = std::size_t{256} << 10;
  /// How deep its calls may go. Rounded up to a power of two; at most 64 MiB. Only what is used
  /// costs memory.
  std::size_t stack_bytes = usual_stack_bytes;
};

/// Whether the caller runs on a fiber, and may call await().
[[nodiscard]] bool in_fiber() noexcept;

/// The fiber that is running. Each throws std::logic_error where there is none.
namespace this_fiber {
/// Its name; empty if it was given none. Valid until the fiber ends.
[[nodiscard]] std::string_view name();
/// How many bytes of stack are left for calls from here.
[[nodiscard]] std::size_t stack_left();
}  // namespace this_fiber

/// A task that calls `function(args…)` on a stack of its own, where await() may be called. The
/// function and its arguments move into the task; its result is the task's, and so is what it
/// throws. Nothing runs, and no stack is taken, before the task is spawned or awaited. Then it
/// fails with IoError if there is no memory for a stack.
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
Task<detail::FiberResult<F, Args...>> fiber(F function, Args... args) {
  detail::FiberCall<detail::FiberResult<F, Args...>, F, Args...> call(nullptr, function, args...);
  while (!call.ended()) co_await call.enter();
  call.finish();
  co_return call.outcome().take();
}
/// The same with a name, or another size of stack.
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
Task<detail::FiberResult<F, Args...>> fiber(FiberOptions options, F function, Args... args) {
  detail::FiberCall<detail::FiberResult<F, Args...>, F, Args...> call(&options, function, args...);
  while (!call.ended()) co_await call.enter();
  call.finish();
  co_return call.outcome().take();
}

template <class Options, class F, class... Args>
JoinHandle<detail::FiberResult<F, Args...>> launch_fiber(detail::OwnedTasks& owner, Options options,
                                                         F& function, Args&... args) {
  using Result = detail::FiberResult<F, Args...>;
  auto& fiber =
      detail::make_fiber<Result, Options, F, Args...>(options, function, args...).frame.promise();
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
JoinHandle<detail::FiberResult<F, Args...>> spawn_fiber(F function, Args... args) {
  return launch_fiber(detail::OwnedTasks::current(), detail::DefaultFiberOptions(), function,
                      args...);
}
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
JoinHandle<detail::FiberResult<F, Args...>> spawn_fiber(FiberOptions options, F function,
                                                        Args... args) {
  return launch_fiber(detail::OwnedTasks::current(), std::move(options), function, args...);
}
/// The same as a task of `owner`: a Runtime, a Scope or a OwnedTasks. From any thread.
template <class Owner, class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
JoinHandle<detail::FiberResult<F, Args...>> spawn_fiber_in(Owner& owner, F function, Args... args) {
  return launch_fiber(detail::owned_tasks_of(owner), detail::DefaultFiberOptions(), function,
                      args...);
}
template <class Owner, class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
JoinHandle<detail::FiberResult<F, Args...>> spawn_fiber_in(Owner& owner, FiberOptions options,
                                                           F function, Args... args) {
  return launch_fiber(detail::owned_tasks_of(owner), std::move(options), function, args...);
}

namespace detail {

/// One await of the running fiber: see await().
class FiberWait {
 public:
  /// Awaiters take the handle for its promise alone: nobody resumes through it.
  using Handle = std::coroutine_handle<PromiseBase>;

  /// Throws std::logic_error where await() must not be called.
  [[nodiscard]] static FiberWait begin(std::source_location site);
  ~FiberWait() { waiting_ = false; }
  FiberWait(const FiberWait&) = delete;
  FiberWait& operator=(const FiberWait&) = delete;

  [[nodiscard]] Handle handle() const noexcept { return Handle::from_promise(drive_); }
  /// The leaf has been given the handle: waits for its end.
  void suspend();
  /// The same, while `child` goes on.
  void suspend_into(std::coroutine_handle<> child);
  /// What is awaited has ended: the user's code runs again, and may await.
  void over() noexcept { waiting_ = false; }

 private:
  friend class FiberCore;
  FiberWait(FiberCore& fiber, PromiseBase& drive, bool& waiting) noexcept
      : fiber_(fiber), drive_(drive), waiting_(waiting) {}

  FiberCore& fiber_;
  PromiseBase& drive_;
  bool& waiting_;
};

}  // namespace detail

/// From a fiber: waits for anything that a coroutine could co_await, and gives its result. While it
/// waits, the worker does other things. Throws what the awaitable throws, and std::logic_error
/// where no fiber runs: in a coroutine write co_await, on a thread of your own block_on(). A fiber
/// that is cancelled is unwound from here: see above.
template <Awaitable A>
AwaitResult<A> await(A&& awaitable, std::source_location site = std::source_location::current()) {
  detail::FiberWait wait = detail::FiberWait::begin(site);
  auto&& awaiter = get_awaiter(std::forward<A>(awaitable));
  if (!awaiter.await_ready()) {
    const detail::FiberWait::Handle self = wait.handle();
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

/// For await() of a handle: runs what has just been spawned before anybody waits for it, if it is a
/// fiber and would run next. Whether it has ended.
[[nodiscard]] bool run_ahead_of_join(detail::SpawnedTask& task, std::source_location site);

/// The same for the end of a spawned task, by a shorter way where that has only just been spawned.
template <class T>
T await(JoinHandle<T>&& handle, std::source_location site = std::source_location::current()) {
  if (!run_ahead_of_join(handle.task(), site)) {
    return await(std::move(handle).operator co_await(), site);
  }
  const JoinHandle<T> ended(std::move(handle));
  ended.task().note_taken();
  return ended.task().outcome().take();
}
/// The same for yield_now().
void await(detail::YieldAwaiter yield, std::source_location site = std::source_location::current());

}  // namespace weft
