#include "base/random.hpp"

#include <gtest/gtest.h>

#include <array>

namespace weft::random_test {
namespace {

TEST(Random, RepeatsFromItsSeedAndDiffersFromItsNeighbour) {
  detail::Random first(7), again(7), other(8);
  int equal = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t drawn = first();
    EXPECT_EQ(drawn, again());
    equal += drawn == other() ? 1 : 0;
  }
  EXPECT_EQ(equal, 0);
}

TEST(Random, BelowIsInRangeAndRoughlyUniform) {
  std::array<int, 5> hits{};
  detail::Random random(0);
  for (int i = 0; i < 50000; ++i) ++hits.at(random.below(5));
  for (const int count : hits) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace weft::random_test
