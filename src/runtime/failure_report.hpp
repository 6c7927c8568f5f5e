// Where an exception that no task awaits goes: to the user's handler, which may throw, or to the
// log.
#pragma once

#include <weft/spawn.hpp>

#include "base/log.hpp"

namespace weft::inline v0_1::detail {

/// Writes the failure and its async backtrace to `log`. Any thread.
void report_failure(const Log& log, const UnhandledFailure& failure) noexcept;

/// Returns a handler that calls `handler`, and reports to `log` what that throws, together with the
/// failure; without one, report_failure(). It throws nothing, whatever it is called from. Throws
/// std::bad_alloc.
[[nodiscard]] FailureHandler guarded(FailureHandler handler, Log log);

}  // namespace weft::inline v0_1::detail
