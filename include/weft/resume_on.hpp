// Where a task runs, and when it has its turn: spawn_local(), spawn_with(), resume_on().
//
//   weft::spawn_local(session, std::move(socket));              // never leaves this worker
//   weft::spawn_with(weft::Priority::low, rebuild_index);       // when nobody else wants to run
//   co_await weft::resume_on(storage);                          // goes on on the runtime `storage`
#pragma once

#include <weft/priority.hpp>
#include <weft/runtime.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>

#include <exception>
#include <utility>

namespace weft {

/// The executor of what never leaves the worker that the calling thread is. It lives as long as the
/// runtime. Throws std::logic_error on a thread that runs no tasks.
[[nodiscard]] detail::TaskExecutor& local_executor();

/// As spawn(), but the task runs on the calling worker alone, from its start to its end and its
/// destruction, and so do the children that it waits for: so it may hold what is not thread-safe.
/// (The outcome is the handle's.) Nobody else can run it when this worker computes for long. On a
/// current_thread runtime the worker is whichever thread is in block_on(). Throws std::logic_error
/// on a thread that runs no tasks.
template <class F, class... Args>
auto spawn_local(F callable, Args... args) {
  return spawn_in_on(detail::OwnedTasks::current(), &local_executor(), std::move(callable),
                     std::move(args)...);
}

/// As spawn(), with a priority among all that waits for a worker: for the task and the children
/// that it waits for. It does not interrupt what runs. What has none costs nothing more.
template <class F, class... Args>
auto spawn_with(Priority priority, F callable, Args... args) {
  detail::OwnedTasks& owner = detail::OwnedTasks::current();
  return spawn_in_on(owner, &owner.executor_for_task().of_priority(priority), std::move(callable),
                     std::move(args)...);
}
/// The same as a task of `owner`: a Runtime (from any thread), or a Scope.
template <class Owner, class F, class... Args>
  requires requires(Owner& owner) { detail::owned_tasks_of(owner); }
auto spawn_with_in(Owner& owner, Priority priority, F callable, Args... args) {
  detail::OwnedTasks& set = detail::owned_tasks_of(owner);
  return spawn_in_on(set, &set.executor_for_task().of_priority(priority), std::move(callable),
                     std::move(args)...);
}

namespace detail {

/// See resume_on().
class ResumeOnAwaiter {
 public:
  explicit ResumeOnAwaiter(OwnedTasks& host) noexcept : host_(&host) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise());
  }
  void await_resume() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
  }

 private:
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;

  OwnedTasks* host_;
  std::exception_ptr error_;
};

}  // namespace detail

/// Goes on on a worker of `runtime`, and stays there, whatever the task waits for, until it says so
/// again. Its owner is the same as before, waits for it and can cancel it; but `runtime` waits for
/// it as well: while the task is there it counts among its live_tasks(), and its shutdown() waits
/// until the task has left or ended (it does not cancel it: its owner does that). What is spawned
/// there, by spawn(), belongs to `runtime`. On a current_thread runtime it goes on when somebody is
/// in block_on() or poll() of that.
/// Throws std::logic_error, and stays where it is, if `runtime` is shutting down, or the task may
/// not leave its worker: a fiber, or one of spawn_local(). Cancel: ends here, and switches no more.
[[nodiscard]] inline detail::ResumeOnAwaiter resume_on(Runtime& runtime) {
  return detail::ResumeOnAwaiter(runtime.tasks());
}

}  // namespace weft
