#include "histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weft::tool {

namespace {

// Values below 2 * steps have a bucket each. Above, the range [2^k, 2^(k+1)) is cut into `steps`
// buckets.
constexpr unsigned step_bits = 10;
constexpr std::uint64_t steps = std::uint64_t{1} << step_bits;

unsigned shift_of(std::uint64_t value) {
  const auto bits = static_cast<unsigned>(std::bit_width(value));
  return bits > step_bits + 1 ? bits - (step_bits + 1) : 0;
}

std::size_t index_of(std::uint64_t value) {
  const unsigned shift = shift_of(value);
  return (value >> shift) + shift * steps;
}

// Returns the largest value that falls into the bucket: a percentile never understates.
std::uint64_t highest_in(std::size_t index) {
  if (index < 2 * steps) return index;
  const std::uint64_t shift = index / steps - 1;
  const std::uint64_t lowest = (index - shift * steps) << shift;
  return lowest + ((std::uint64_t{1} << shift) - 1);
}

}  // namespace

void Histogram::record(std::uint64_t value) {
  const std::size_t index = index_of(value);
  if (index >= buckets_.size()) buckets_.resize((index / steps + 1) * steps);
  ++buckets_[index];
  ++count_;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void Histogram::merge(const Histogram& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double Histogram::mean() const noexcept {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::uint64_t Histogram::percentile(double percent) const noexcept {
  // Multiplied first: 99.9 / 100 * 1000 would be above 999.
  const double share = std::clamp(percent, 0.0, 100.0) * static_cast<double>(count_) / 100;
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(highest_in(i), max_);
  }
  return max_;
}

}  // namespace weft::tool
