// resume_on(): the task goes on on another runtime.
//
//   weft::Runtime storage(options);
//   …
//   co_await weft::resume_on(storage);   // a worker of `storage` runs what follows
//   Row row = read_row(key);
//   co_await weft::resume_on(front);     // and back
//
// Where a task begins is up to weft::SpawnOptions (<weft/spawn.hpp>).
#pragma once

#include <weft/runtime.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>

#include <exception>
#include <utility>

namespace weft::inline v0_1 {

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

/// Goes on on a worker of `runtime`, and stays there, whatever the task waits for, until the next
/// resume_on(). Its owner stays the same, waits for it and can cancel it. `runtime` waits for it as
/// well: while the task is there it counts among the live_tasks() of `runtime`, and shutdown()
/// waits until the task has left or ended, and does not cancel it. A spawn() there starts a task of
/// `runtime`. On a current_thread runtime the task goes on when a thread is in block_on() or poll()
/// of that runtime.
///
/// Throws std::logic_error, and stays where it is, if `runtime` is shutting down, or the task may
/// not leave its worker: a fiber, a task with SpawnOptions::local(), or one with on_worker() unless
/// its runtime is a thread_per_core one. Cancel: ends here, and switches no more.
[[nodiscard]] inline detail::ResumeOnAwaiter resume_on(Runtime& runtime) {
  return detail::ResumeOnAwaiter(detail::owned_tasks_of(runtime));
}

}  // namespace weft::inline v0_1
