// with_deadline(): a point in time for all that an awaitable leads to. What runs below can ask how much
// time is left, and need not be told by a parameter.
//
//   co_await weft::with_deadline(handle(request), 2s);
//   …
//   if (weft::remaining() < 100ms) co_return cached();          // anywhere below handle()
//
// timeout() is for one operation, and a matter of its caller alone. A deadline is inherited by all
// that inherits task-locals (<weft/task_local.hpp> says what that is); of several the earliest
// holds. What is below a shield(), or in the cleanup of a finally(), has none but those that are
// set there, since it runs through the cancel by which a deadline takes effect.
#pragma once

#include <weft/detail/task_context.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>
#include <weft/timeout.hpp>

#include <utility>

namespace weft {

/// The deadline of the code that calls this: the earliest of those that it inherits, or, if it has
/// none, the end of time: TimePoint::max().
[[nodiscard]] TimePoint current_deadline() noexcept;

/// How much time is left until current_deadline(): zero if it is over, Nanoseconds::max() if there
/// is none. By the clock of the runtime.
[[nodiscard]] Nanoseconds remaining() noexcept;

/// Awaits `awaitable` until `at`, as timeout_at() does, and tells all that runs below by
/// current_deadline(). When the time is over it is cancelled and its end awaited; if it had got its
/// result nevertheless, that is given. Else throws IoError (errc::timed_out), or gives
/// fail(errc::timed_out) for an awaitable that gives a Result. If a deadline that is inherited is
/// earlier, that one holds, and who set it is told that the time is over: this task is cancelled
/// then. Goes by the clock of the runtime, virtual or not. Cancel: cancels the awaitable.
template <Awaitable A>
[[nodiscard]] Task<AwaitResult<A>> with_deadline(A awaitable, TimePoint at) {
  return detail::run_with_deadline<detail::DeadlineBinding>(as_task(std::move(awaitable)), at,
                                                            "deadline");
}
/// The same, `after` from this call.
template <Awaitable A>
[[nodiscard]] Task<AwaitResult<A>> with_deadline(A awaitable, Duration after) {
  return with_deadline(std::move(awaitable), deadline_after(after));
}

}  // namespace weft
