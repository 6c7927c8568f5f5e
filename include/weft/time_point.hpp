// TimePoint: points of time of the steady clock, and now().
#pragma once

#include <chrono>

namespace weft {

using Nanoseconds = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Nanoseconds>;

/// Now, by the clock of the runtime that this thread works for (or the system's steady clock).
/// Thread-safe.
[[nodiscard]] TimePoint now() noexcept;

/// `after` from now, at most the end of time.
[[nodiscard]] TimePoint deadline_after(Nanoseconds after) noexcept;

}  // namespace weft
