// Where an exception that no task awaits goes: to the user's handler, which may throw, or to
// standard error.
#pragma once

#include <weft/spawn.hpp>

namespace weft::inline v0_1::detail {

/// Writes one line and the async backtrace to standard error. Any thread.
void report_failure(const UnhandledFailure& failure) noexcept;

/// Returns a handler that calls `handler`, and reports on standard error what that throws, together
/// with the failure; without one, report_failure(). It throws nothing, whatever it is called from.
/// Throws std::bad_alloc.
[[nodiscard]] FailureHandler guarded(FailureHandler handler);

}  // namespace weft::inline v0_1::detail
