#include "histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace weft::tool::histogram_test {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.min(), 0U);
  EXPECT_EQ(histogram.max(), 0U);
  EXPECT_EQ(histogram.percentile(99), 0U);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 1000; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile(50), 500U);
  EXPECT_EQ(histogram.percentile(99.9), 999U);
  EXPECT_EQ(histogram.percentile(100), 1000U);
  EXPECT_EQ(histogram.min(), 1U);
  EXPECT_DOUBLE_EQ(histogram.mean(), 500.5);
}

TEST(Histogram, OneValueIsEveryPercentile) {
  Histogram histogram;
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.percentile(0.1), UINT64_MAX);
  EXPECT_EQ(histogram.percentile(100), UINT64_MAX);
}

TEST(Histogram, PercentilesOfRandomValuesAreWithinOneInAThousand) {
  constexpr unsigned seed = 20'250'101;
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> latency(13.0, 3.0);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(latency(random)));
    histogram.record(values.back());
  }
  std::ranges::sort(values);
  for (const double percent : {1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(percent * 20'000 / 100));
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto found = static_cast<double>(histogram.percentile(percent));
    EXPECT_GE(found, exact) << percent;
    EXPECT_LE(found, exact * (1 + 1.0 / 1024) + 1) << percent;
  }
}

TEST(Histogram, MergeIsTheSameAsRecordingAll) {
  Histogram one;
  Histogram two;
  Histogram both;
  for (std::uint64_t value = 1; value < 5'000'000; value = value * 5 / 3 + 1) {
    (value % 2 == 0 ? one : two).record(value);
    both.record(value);
  }
  one.merge(two);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.min(), both.min());
  EXPECT_EQ(one.max(), both.max());
  for (double percent = 5; percent <= 100; percent += 5) {
    EXPECT_EQ(one.percentile(percent), both.percentile(percent));
  }
}

}  // namespace
}  // namespace weft::tool::histogram_test
