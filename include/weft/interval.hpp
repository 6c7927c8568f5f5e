// Interval: ticks at a fixed rate.
#pragma once

#include <weft/task.hpp>
#include <weft/time.hpp>

#include <cstdint>

namespace weft {

/// Ticks at a fixed rate: start, start + period, … Not thread-safe.
class Interval {
 public:
  /// What to do about ticks that were missed because the user came late.
  enum class Missed {
    burst,  ///< give them one after the other, at once
    skip,   ///< leave them out and keep to the grid
  };

  /// Throws std::invalid_argument unless `period` is positive.
  explicit Interval(Duration period, Missed missed = Missed::skip);

  /// Waits for the next tick and gives the time at which it was due. The first is one period after
  /// construction. Cancel: the tick is not used up.
  [[nodiscard]] Task<TimePoint> tick();

 private:
  TimePoint next_;
  Nanoseconds period_;
  Missed missed_;
};

[[nodiscard]] inline Interval interval(Duration period) { return Interval(period); }

}  // namespace weft
