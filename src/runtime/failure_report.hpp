// What a runtime without a failure handler does with an exception that no task awaits.
#pragma once

#include <weft/spawn.hpp>

namespace weft::inline v0_1::detail {

/// Writes one line and the async backtrace to standard error. Any thread.
void report_failure(const UnhandledFailure& failure) noexcept;

}  // namespace weft::inline v0_1::detail
