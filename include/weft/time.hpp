// TimePoint, Duration and now(): points in time of the steady clock, and lengths of time.
//
//   weft::TimePoint deadline = weft::deadline_after(2s);
//   while (weft::now() < deadline) co_await weft::sleep_for(10ms);
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <utility>

namespace weft::inline v0_1 {

using Nanoseconds = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Nanoseconds>;

/// A length of time in any unit, for parameters, whole or fractional: `2s`, `0.5s`,
/// `std::chrono::duration<double>(x)`. A length beyond the range of nanoseconds, 292 years, is
/// clamped to that: `std::chrono::hours::max()` means forever. A fraction of a nanosecond is
/// rounded up; what is not a number is zero.
class Duration {
 public:
  template <std::floating_point Rep, class Period>
  constexpr Duration(std::chrono::duration<Rep, Period> length) noexcept
      : length_(rounded_up(std::chrono::duration<long double, std::nano>(length).count())) {}
  template <std::integral Rep, class Period>
    requires std::convertible_to<std::chrono::duration<Rep, Period>, Nanoseconds>
  constexpr Duration(std::chrono::duration<Rep, Period> length) noexcept
      : length_(saturated(length)) {}

  constexpr operator Nanoseconds() const noexcept { return length_; }

 private:
  [[nodiscard]] static constexpr Nanoseconds rounded_up(long double length_ns) noexcept {
    constexpr auto most = static_cast<long double>(Nanoseconds::max().count());
    if (length_ns >= most) return Nanoseconds::max();
    if (length_ns <= -most) return Nanoseconds::min();
    if (length_ns != length_ns) return Nanoseconds::zero();
    const auto whole = static_cast<std::int64_t>(length_ns);  // towards zero
    return Nanoseconds(static_cast<long double>(whole) < length_ns ? whole + 1 : whole);
  }
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

/// Returns the time of the clock of the runtime that the calling thread works for; on other
/// threads, that of the system's steady clock. Any thread.
[[nodiscard]] TimePoint now() noexcept;

/// Returns the point `after` later than `point`, at most TimePoint::max().
[[nodiscard]] TimePoint later(TimePoint point, Nanoseconds after) noexcept;
/// Returns the point `after` from now, at most TimePoint::max().
[[nodiscard]] TimePoint deadline_after(Duration after) noexcept;

}  // namespace weft::inline v0_1
