// A histogram of latencies with a bounded relative error, after Gil Tene's HdrHistogram
// (https://hdrhistogram.org): buckets that double, each cut into the same number of linear steps,
// so that every value is known to one part in 1,024. Not thread-safe: use one per recorder, then
// merge().
#pragma once

#include <cstdint>
#include <vector>

namespace weft::tool {

/// Counts non-negative values (here: nanoseconds). Memory grows with the largest value: 8 KiB per
/// doubling.
class Histogram {
 public:
  void record(std::uint64_t value);
  /// Adds the counts of `other`.
  void merge(const Histogram& other);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// The exact extremes; 0 when nothing was recorded.
  [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  [[nodiscard]] double mean() const noexcept;
  /// Returns the smallest recorded value (to the histogram's error, never above max()) that at
  /// least `percent` per cent of the values do not exceed; 0 when nothing was recorded. 0 < percent
  /// <= 100.
  [[nodiscard]] std::uint64_t percentile(double percent) const noexcept;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t min_ = UINT64_MAX;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace weft::tool
