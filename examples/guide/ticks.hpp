// A tick every 10 ms, how late each was, and a computation that keeps its thread for so long. For
// the guide's examples.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <vector>

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// [lateness]
constexpr milliseconds period(10);
constexpr int ticks = 40;

/// When the ticks are due, and how late they were.
class Ticks {
 public:
  [[nodiscard]] Clock::time_point due(int tick) const { return begin_ + tick * period; }
  void note(int tick) { late_.push_back(Clock::now() - due(tick)); }
  [[nodiscard]] double late_ms(std::size_t tick) const { return in_ms(late_.at(tick - 1)); }
  [[nodiscard]] double worst_ms() const { return in_ms(*std::ranges::max_element(late_)); }

 private:
  static double in_ms(Clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
  }

  Clock::time_point begin_ = Clock::now();
  std::vector<Clock::duration> late_;
};
// [/lateness]

// [compute]
/// Computes for so long: it looks at nothing but the clock.
inline void compute_for(Clock::duration time) {
  const Clock::time_point end = Clock::now() + time;
  while (Clock::now() < end) {
  }
}
// [/compute]
