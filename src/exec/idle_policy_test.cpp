// IdlePolicy: when a worker spins before it parks, and for how long. Spin. LifoPatience.
#include "exec/idle_policy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace weft::idle_policy_test {
namespace {

constexpr std::int64_t short_ns = detail::IdlePolicy::short_park_ns;

TEST(IdlePolicy, ParksAtOnceBeforeAParkHasShownThatSpinningPays) {
  detail::IdlePolicy policy(true);
  EXPECT_EQ(policy.spin_ns(), 0);
  policy.parked(short_ns, false);
  EXPECT_EQ(policy.spin_ns(), 0) << "ended by an event";
  policy.parked(0, true);
  EXPECT_EQ(policy.spin_ns(), 0) << "the clock stands still";
  policy.parked(short_ns + 1, true);
  EXPECT_EQ(policy.spin_ns(), 0) << "too long";
  policy.parked(short_ns, true);
  EXPECT_EQ(policy.spin_ns(), detail::IdlePolicy::most_spin_ns);
}

TEST(IdlePolicy, ASpinThatFindsWorkKeepsItSpinning) {
  detail::IdlePolicy policy(true);
  policy.parked(1, true);
  policy.spun(false);
  EXPECT_EQ(policy.spin_ns(), detail::IdlePolicy::most_spin_ns / 2);
  policy.spun(true);
  EXPECT_EQ(policy.spin_ns(), detail::IdlePolicy::most_spin_ns);
}

/// How long it spins in vain, in all, until it stops.
std::int64_t spent_in_vain(detail::IdlePolicy& policy) {
  std::int64_t spent_ns = 0;
  while (policy.spin_ns() != 0) {
    spent_ns += policy.spin_ns();
    policy.spun(false);
  }
  return spent_ns;
}

/// How many short parks in a row it takes until it spins again.
std::uint32_t signs_needed(detail::IdlePolicy& policy) {
  std::uint32_t signs = 0;
  while (policy.spin_ns() == 0) {
    policy.parked(1, true);
    ++signs;
  }
  return signs;
}

TEST(IdlePolicy, InVainItStopsSoonAndBeginsEverLater) {
  detail::IdlePolicy policy(true);
  std::uint32_t expected = 1;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(signs_needed(policy), expected);
    EXPECT_LT(spent_in_vain(policy), 2 * detail::IdlePolicy::most_spin_ns);
    expected = std::min(2 * expected, detail::IdlePolicy::most_signs);
  }
  // Until work is found.
  static_cast<void>(signs_needed(policy));
  policy.spun(true);
  static_cast<void>(spent_in_vain(policy));
  EXPECT_EQ(signs_needed(policy), 2U);
}

TEST(IdlePolicy, ShortParksMustComeInARow) {
  detail::IdlePolicy policy(true);
  policy.parked(1, true);
  static_cast<void>(spent_in_vain(policy));
  policy.parked(1, true);
  policy.parked(1, false);
  policy.parked(1, true);
  EXPECT_EQ(policy.spin_ns(), 0);
  policy.parked(1, true);
  EXPECT_NE(policy.spin_ns(), 0);
}

TEST(IdlePolicy, TimesParksWhileItDoesNotSpin) {
  detail::IdlePolicy policy(true);
  EXPECT_TRUE(policy.times_parks());
  policy.parked(1, true);
  EXPECT_FALSE(policy.times_parks());
  EXPECT_FALSE(detail::IdlePolicy(false).times_parks()) << "with one processor it never spins";
}

TEST(Spin, EndsWhenTheTimeIsOver) {
  detail::Spin spin(1'000, 200);
  EXPECT_TRUE(spin.begin_round());
  EXPECT_FALSE(spin.over(1'199));
  EXPECT_TRUE(spin.over(1'200));
}

TEST(Spin, EndsIfTheClockStandsStill) {
  detail::Spin spin(0, detail::IdlePolicy::most_spin_ns);
  int rounds = 0;
  for (; spin.begin_round(); ++rounds) ASSERT_FALSE(spin.over(0));
  EXPECT_GT(rounds, 0);
  EXPECT_LE(rounds, 1'000);
}

TEST(LifoPatience, IsSpent) {
  detail::LifoPatience patience(2);
  EXPECT_TRUE(patience.spend());
  EXPECT_TRUE(patience.spend());
  EXPECT_FALSE(patience.spend());
  EXPECT_FALSE(patience.spend());
}

}  // namespace
}  // namespace weft::idle_policy_test
