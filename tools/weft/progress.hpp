// A progress bar on standard error, only if that is a terminal; at most ten redraws a second. Not
// thread-safe: owned by the one task or thread that counts.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace weft::tool {

class Progress {
 public:
  /// `total`: the number of steps; `label`: the text before the bar.
  Progress(std::string label, std::size_t total);
  /// Erases the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Counts one step. Cheap: it reads the clock, and draws if the last picture is old.
  void step(bool failed);

 private:
  using Clock = std::chrono::steady_clock;
  void draw();

  std::string label_;
  std::size_t total_;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  bool on_terminal_;
  bool drawn_ = false;
  Clock::time_point next_draw_;
};

}  // namespace weft::tool
