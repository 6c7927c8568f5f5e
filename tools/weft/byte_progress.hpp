// How many bytes of one transfer have come: a line on standard error, only if that is a terminal;
// at most ten redraws a second. Not thread-safe: one task at a time counts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace weft::tool {

class ByteProgress {
 public:
  /// `label`: the text before the numbers. `wanted`: false: nothing is drawn.
  ByteProgress(std::string label, bool wanted);
  /// Erases the line.
  ~ByteProgress();
  ByteProgress(const ByteProgress&) = delete;
  ByteProgress& operator=(const ByteProgress&) = delete;

  /// The next bytes come behind the first `bytes`: the rate counts from here.
  void begin(std::uint64_t bytes) noexcept;
  /// There are `bytes` now, of `total` if that is known. Draws if the last picture is old, or if
  /// these are all.
  void show(std::uint64_t bytes, std::optional<std::uint64_t> total);

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_;
  bool is_shown_;
  bool drawn_ = false;
  std::uint64_t first_ = 0;
  Clock::time_point begin_;
  Clock::time_point next_draw_;
};

/// Returns the line: "label 1.5 MiB of 3.0 MiB (50%), 10.0 MiB/s".
[[nodiscard]] std::string progress_line(const std::string& label, std::uint64_t bytes,
                                        std::optional<std::uint64_t> total, std::uint64_t new_bytes,
                                        std::chrono::nanoseconds time);

}  // namespace weft::tool
