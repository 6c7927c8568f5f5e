// with_deadline(): a deadline for an awaitable and for all code that it runs. That code can ask for
// the remaining time, so no parameter is needed to pass it down.
//
//   co_await weft::with_deadline(handle(request), 2s);
//   …
//   if (weft::remaining() < 100ms) co_return cached();          // anywhere below handle()
//
// timeout() limits one operation, and only its caller sees the limit. A deadline is inherited like
// task-locals (see <weft/task_local.hpp>); the earliest inherited one applies. Code below a
// shield(), or in the cleanup of a finally(), inherits none: it runs in spite of the cancel by
// which a deadline takes effect. Deadlines set within that code apply.
#pragma once

#include <weft/detail/task_context.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>
#include <weft/timeout.hpp>

#include <string>
#include <utility>

namespace weft::inline v0_1 {

/// Returns the earliest deadline that the calling code inherits; TimePoint::max() if there is none.
[[nodiscard]] TimePoint current_deadline() noexcept;

/// Returns the time left until current_deadline(), by the runtime's clock: zero if it has passed,
/// Nanoseconds::max() if there is none.
[[nodiscard]] Nanoseconds remaining() noexcept;

/// Awaits `awaitable` until `at`, as timeout_at() does; current_deadline() returns the deadline to
/// all code run by it. After `at` the awaitable is cancelled and its end awaited. If it got its
/// result in spite of the cancel, that is returned. Otherwise throws IoError (errc::timed_out); for
/// an awaitable whose value is an IoResult or a Result, returns the error as that. An earlier
/// inherited deadline wins: this task is cancelled then and the outer with_deadline() reports the
/// timeout.
/// Uses the runtime's clock, virtual or not. Cancel: cancels the awaitable.
template <Awaitable A>
[[nodiscard]] Task<AwaitResult<A>> with_deadline(A awaitable, TimePoint at) {
  return detail::run_with_deadline<detail::DeadlineBinding>(as_task(std::move(awaitable)), at,
                                                            nullptr);
}
/// Does the same with the deadline `after` from this call.
template <Awaitable A>
[[nodiscard]] Task<AwaitResult<A>> with_deadline(A awaitable, Duration after) {
  return with_deadline(std::move(awaitable), deadline_after(after));
}
/// Do the same; `what` says in the error what was waited for, as of timeout().
template <Awaitable A>
[[nodiscard]] Task<AwaitResult<A>> with_deadline(A awaitable, TimePoint at, std::string what) {
  return detail::run_with_deadline<detail::DeadlineBinding>(as_task(std::move(awaitable)), at,
                                                            detail::wait_subject(std::move(what)));
}
template <Awaitable A>
[[nodiscard]] Task<AwaitResult<A>> with_deadline(A awaitable, Duration after, std::string what) {
  return with_deadline(std::move(awaitable), deadline_after(after), std::move(what));
}

}  // namespace weft::inline v0_1
