// Fibers: tasks written in the blocking style, each on a stack of its own.
//
//   int lines = runtime.block_on(weft::fiber([] {
//     weft::StreamSocket stream = weft::await(weft::StreamSocket::connect("127.0.0.1:7777"));
//     return count_lines(stream);          // an ordinary function; it may call weft::await() too
//   }));
//   weft::spawn(weft::fiber(weft::FiberOptions().name("session"), session, std::move(stream)));
//
// fiber() gives an awaitable: a fiber is spawned, awaited, joined, cancelled, put into scopes,
// select() and timeout() as a Task is, and converts to one. Inside, weft::await() takes the place
// of co_await, in the fiber's function and in all that it calls.
//
// Where it runs: a fiber that has not started may be started by any worker; then it stays with that
// worker, since compilers remember the addresses of thread_local objects, errno among them, across
// a switch (on a current_thread runtime the worker is the thread in block_on(): there, do not count
// on thread_local objects across an await). What belongs to one fiber is a FiberLocal
// (<weft/fiber_local.hpp>).
//
// Cancel: the await that the fiber waits in ends as the cancelled leaf does, and the stack is
// unwound: destructors run, and the fiber has ended as cancelled. The unwinding is an exception
// that has no name: catch (...) sees it and must pass it on by `throw;`. A handler that swallows it
// does not stop the end: every further await throws it again. So an await in a destructor, or in a
// noexcept function, needs its own catch (...), as for any exception.
//
// Stacks: address space with a guard below, memory only where it was touched. To overflow one ends
// the process with a message that names the fiber (the first fiber installs handlers of SIGSEGV and
// SIGBUS for that, which pass on what is not theirs). One frame larger than the guard, 64 KiB,
// would step over it into the stack of another fiber: compile what runs on fibers with
// -fstack-clash-protection, as programs are that link weft by CMake. What a fiber awaits (a Task
// and all under it) runs on the worker's stack, except what happens within the await itself: the
// first part of the children of select(), when_all() and scope(), and the first poll of a future. A
// fiber's arguments, and a result that nothing takes, are destroyed on its own stack.
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
#include <tuple>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// A fiber's name and the size of its stack.
///
///   weft::FiberOptions().name("parser").stack_bytes(std::size_t{1} << 20)
///
/// A value: set by one thread at a time, copied freely.
class FiberOptions {
 public:
  static constexpr std::size_t usual_stack_bytes = std::size_t{256} << 10;

  FiberOptions() noexcept {}

  /// For messages and dumps; see this_fiber::name().
  FiberOptions& name(std::string name) noexcept {
    name_ = std::move(name);
    return *this;
  }
  /// How deep its calls may go. Rounded up to a power of two; at most 64 MiB: more is the fiber's
  /// failure. Memory is taken only where the stack was touched.
  FiberOptions& stack_bytes(std::size_t bytes) noexcept {
    stack_bytes_ = bytes;
    return *this;
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::size_t stack_bytes() const noexcept { return stack_bytes_; }

 private:
  std::string name_;
  std::size_t stack_bytes_ = usual_stack_bytes;
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

/// A function with its arguments, to be called on a stack of its own: what fiber() gives. It is
/// used once: awaited, spawned, or converted to a Task; by one thread at a time. Nothing runs, and
/// no stack is taken, before that. A Fiber that is dropped before drops its function.
template <class Options, class F, class... Args>
class [[nodiscard]] Fiber {
 public:
  using value_type = detail::FiberResult<F, Args...>;

  Fiber(Options options, F function, Args... args)
      : options_(std::move(options)), function_(std::move(function)), args_(std::move(args)...) {}

  /// Runs the fiber and waits for its result; rethrows its exception; throws IoError if there is no
  /// memory for a stack. Cancel: see above.
  typename Task<value_type>::Awaiter operator co_await() && {
    return std::move(*this).task().operator co_await();
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;
  /// The fiber as a Task, for what takes or keeps one. Throws std::bad_alloc.
  operator Task<value_type>() && { return std::move(*this).task(); }

 private:
  template <class O, class G, class... A>
  friend auto detail::launch_fiber(const detail::Placement& placement, Fiber<O, G, A...> fiber)
      -> JoinHandle<detail::FiberResult<G, A...>>;

  Task<value_type> task() && {
    return std::apply(
        [this](Args&... args) {
          return detail::fiber_task<Options, F, Args...>(std::move(options_), std::move(function_),
                                                         std::move(args)...);
        },
        args_);
  }

  [[no_unique_address]] Options options_;
  [[no_unique_address]] F function_;
  [[no_unique_address]] std::tuple<Args...> args_;
};

/// `function(args…)` on a stack of its own, where await() may be called: to be spawned, awaited, or
/// used as any Task is. The function and its arguments move into the task; its result is the
/// task's, and so is what it throws. The task fails with IoError if there is no memory for a stack,
/// or a larger one than 64 MiB is asked for.
/// spawn() of a fiber makes one block of memory, stack aside.
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
auto fiber(F function, Args... args) -> Fiber<detail::DefaultFiberOptions, F, Args...> {
  return {detail::DefaultFiberOptions(), std::move(function), std::move(args)...};
}
/// The same with a name, or another size of stack.
template <class F, class... Args>
  requires std::is_invocable_v<F&, Args...>
auto fiber(FiberOptions options, F function, Args... args) -> Fiber<FiberOptions, F, Args...> {
  return {std::move(options), std::move(function), std::move(args)...};
}

/// A fiber as a Task: without a coroutine around it.
template <class Options, class F, class... Args>
Task<detail::FiberResult<F, Args...>> as_task(Fiber<Options, F, Args...> fiber) {
  return fiber;
}

namespace detail {

/// One await of the running fiber: see await().
class FiberWait {
 public:
  /// Awaiters take the handle for its promise alone, and never resume through it.
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

namespace detail {

/// For await() of a handle: runs what has just been spawned before anything waits for it, if it is
/// a fiber and would run next. Whether it has ended.
[[nodiscard]] bool run_ahead_of_join(SpawnedTask& task, std::source_location site);

}  // namespace detail

/// The same for the end of a spawned task, by a shorter way where that has only just been spawned.
template <class T>
T await(JoinHandle<T>&& handle, std::source_location site = std::source_location::current()) {
  if (!detail::run_ahead_of_join(handle.task(), site)) {
    return await(std::move(handle).operator co_await(), site);
  }
  const JoinHandle<T> ended(std::move(handle));
  ended.task().note_taken();
  return ended.task().outcome().take();
}
/// The same for yield_now().
void await(detail::YieldAwaiter yield, std::source_location site = std::source_location::current());

}  // namespace weft::inline v0_1
