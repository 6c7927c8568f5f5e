// Fairness: what a worker's loop is due to look at, and when.
#include "exec/fairness.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace weft::fairness_test {
namespace {

using detail::Fairness;

class FairnessTest : public ::testing::Test {
 protected:
  void rounds(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) fairness.begin_round(0);
  }
  /// Looks into the injector until low priority is due; how many that were.
  std::uint32_t looks_until_low_is_due() {
    std::uint32_t looks = 0;
    while (!fairness.low_is_due()) {
      rounds(Fairness::injector_interval);
      EXPECT_TRUE(fairness.take_injector_due());
      ++looks;
    }
    return looks;
  }
  /// A timed run of that length, which comes back for more at its end.
  bool long_run(std::int64_t ns) {
    fairness.run_begins(now);
    now += ns;
    const bool found = fairness.charge_long_run(now);
    fairness.run_ended();
    return found;
  }

  std::int64_t now = 1'000'000;
  Fairness fairness;
};

TEST_F(FairnessTest, TheInjectorAndTheParkAreDueAtTheirIntervals) {
  rounds(Fairness::injector_interval - 1);
  EXPECT_FALSE(fairness.anything_due());
  rounds(1);
  EXPECT_TRUE(fairness.anything_due());
  EXPECT_FALSE(fairness.take_poll_due());
  EXPECT_TRUE(fairness.take_injector_due());
  EXPECT_FALSE(fairness.take_injector_due()) << "until an interval later";
  rounds(Fairness::poll_interval - Fairness::injector_interval);
  EXPECT_TRUE(fairness.take_poll_due());
  EXPECT_FALSE(fairness.take_poll_due());
}

TEST_F(FairnessTest, RunsThatBypassTheLoopCount) {
  fairness.begin_round(Fairness::injector_interval - 2);
  EXPECT_FALSE(fairness.anything_due());
  EXPECT_TRUE(fairness.allows_direct_run());
  fairness.count_direct_run();
  EXPECT_TRUE(fairness.anything_due());
  EXPECT_FALSE(fairness.allows_direct_run());
  EXPECT_EQ(fairness.ticks(), Fairness::injector_interval);
}

TEST_F(FairnessTest, NothingBypassesTheLoopWhileRunsAreTimed) {
  EXPECT_EQ(fairness.direct_runs(), Fairness::direct_limit);
  fairness.demoted_taken();
  EXPECT_EQ(fairness.direct_runs(), 0U);
  EXPECT_FALSE(fairness.allows_direct_run());
}

TEST_F(FairnessTest, ALongRunIsChargedAndMakesThePollDue) {
  fairness.demoted_taken();
  EXPECT_FALSE(long_run(detail::SliceDetector::long_ns - 1));
  EXPECT_TRUE(fairness.share_is_due(now));
  fairness.demoted_taken();
  EXPECT_TRUE(long_run(detail::SliceDetector::long_ns));
  EXPECT_TRUE(fairness.take_poll_due());
  EXPECT_FALSE(fairness.share_is_due(now));
  EXPECT_TRUE(fairness.share_is_due(now + detail::SliceDetector::long_ns));
}

TEST_F(FairnessTest, LowPriorityIsDueAtSomeOfTheLooksIntoTheInjector) {
  EXPECT_EQ(looks_until_low_is_due(), Fairness::low_interval);
  fairness.low_taken();
  EXPECT_FALSE(fairness.low_is_due());
  EXPECT_EQ(looks_until_low_is_due(), Fairness::low_interval);
}

TEST_F(FairnessTest, ARunOfLowPriorityIsChargedAtItsEnd) {
  fairness.low_taken();
  ASSERT_TRUE(fairness.timed());
  fairness.run_begins(now);
  EXPECT_TRUE(fairness.charged_at_end());
  now += detail::SliceDetector::long_ns;
  fairness.charge_end(now);
  fairness.run_ended();
  EXPECT_FALSE(fairness.share_is_due(now));
  fairness.run_begins(now);
  EXPECT_FALSE(fairness.charged_at_end()) << "the next run is another's";
  fairness.run_ended();
}

TEST_F(FairnessTest, LowPriorityAndDemotedTasksTakeTurns) {
  EXPECT_TRUE(fairness.low_has_turn(true, true));
  EXPECT_FALSE(fairness.low_has_turn(true, true));
  EXPECT_TRUE(fairness.low_has_turn(true, true));
  EXPECT_TRUE(fairness.low_has_turn(true, false)) << "it waits alone";
  EXPECT_FALSE(fairness.low_has_turn(false, true));
}

TEST_F(FairnessTest, BoundDemotedTasksTakeTurnsWithTheOthers) {
  EXPECT_TRUE(fairness.bound_demoted_has_turn());
  EXPECT_FALSE(fairness.bound_demoted_has_turn());
  EXPECT_TRUE(fairness.bound_demoted_has_turn());
}

}  // namespace
}  // namespace weft::fairness_test
