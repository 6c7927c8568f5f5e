// TimePoint, Duration and now(): points in time of the steady clock, and lengths of time.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <utility>

namespace weft {

using Nanoseconds = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Nanoseconds>;

/// A length of time in any unit, as a parameter. What is longer than nanoseconds can say, 292
/// years, counts as that: `std::chrono::hours::max()` is a way to say "for ever".
class Duration {
 public:
  template <std::integral Rep, class Period>
    requires std::convertible_to<std::chrono::duration<Rep, Period>, Nanoseconds>
  constexpr Duration(std::chrono::duration<Rep, Period> length) noexcept
      : length_(saturated(length)) {}

  constexpr operator Nanoseconds() const noexcept { return length_; }

 private:
  template <class Rep, class Period>
  [[nodiscard]] static constexpr Nanoseconds saturated(
      std::chrono::duration<Rep, Period> length) noexcept {
    using InUnits = std::chrono::duration<std::int64_t, Period>;
    constexpr std::int64_t most = std::chrono::duration_cast<InUnits>(Nanoseconds::max()).count();
    if (std::cmp_greater(length.count(), most)) return Nanoseconds::max();
    if (std::cmp_less(length.count(), -most)) return Nanoseconds::min();
    return length;
  }

  Nanoseconds length_;
};

/// Now, by the clock of the runtime that this thread works for (or the system's steady clock).
/// Thread-safe.
[[nodiscard]] TimePoint now() noexcept;

/// `after` from `point`, at most the end of time.
[[nodiscard]] TimePoint later(TimePoint point, Nanoseconds after) noexcept;
/// `after` from now, at most the end of time.
[[nodiscard]] TimePoint deadline_after(Nanoseconds after) noexcept;

}  // namespace weft
