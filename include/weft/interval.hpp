// Interval: ticks at a fixed rate.
//
//   weft::Interval interval(1s);
//   for (;;) {
//     co_await interval.tick();
//     report();
//   }
#pragma once

#include <weft/task.hpp>
#include <weft/time.hpp>

#include <cstdint>

namespace weft::inline v0_1 {

/// Ticks at a fixed rate: start + period, start + 2 · period, … Not thread-safe.
class Interval {
 public:
  /// What happens to ticks that were missed because tick() was called late.
  enum class Missed {
    burst,  ///< they are delivered immediately, one after the other
    skip,   ///< they are skipped; later ticks stay on the grid
  };

  /// Starts now. Throws std::invalid_argument unless `period` is positive.
  explicit Interval(Duration period, Missed missed = Missed::skip);

  /// Waits for the next tick and returns the time at which it was due. The first is due one period
  /// after construction. Cancel: the tick is not consumed.
  [[nodiscard]] Task<TimePoint> tick();

  // Each moves the grid: the next tick is due then, and later ones by whole periods after it. A
  // tick that was due is dropped. Not while tick() is awaited.
  /// The next tick is due one period from now.
  void reset() noexcept;
  /// The next tick is due `after` from now; zero or less: at once.
  void reset_after(Duration after) noexcept;
  /// The next tick is due at `at`; if that has passed, at once.
  void reset_at(TimePoint at) noexcept { next_ = at; }
  [[nodiscard]] Nanoseconds period() const noexcept { return period_; }

 private:
  TimePoint next_;
  Nanoseconds period_;
  Missed missed_;
};

[[nodiscard]] inline Interval interval(Duration period) { return Interval(period); }

}  // namespace weft::inline v0_1
