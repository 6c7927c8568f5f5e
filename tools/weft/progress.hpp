// A progress bar on standard error, only when that is a terminal; at most ten redraws a second.
// Not thread-safe: the one task or thread that counts owns it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace weft::tool {

class Progress {
 public:
  /// `total` steps will come; `label` stands before the bar.
  Progress(std::string label, std::size_t total);
  /// Erases the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// One more step is done. Cheap: it looks at the clock, and draws when the last picture is old.
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
