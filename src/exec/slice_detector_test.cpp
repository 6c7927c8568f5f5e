// SliceDetector: when runs are timed, and which of them are long. FairShare: when a heavy user is
// due.
#include "exec/slice_detector.hpp"

#include <gtest/gtest.h>

namespace weft::slice_detector_test {
namespace {

constexpr std::int64_t us = 1'000;

class SliceDetectorTest : public ::testing::Test {
 protected:
  /// A window that takes so long.
  void window(std::int64_t ns) {
    now += ns;
    runs.window_ended(now);
  }
  /// A timed run; whether it was long at its end.
  bool run(std::int64_t ns) {
    runs.run_begins(now);
    now += ns;
    const std::int64_t found = runs.long_so_far(now);
    runs.run_ended();
    EXPECT_TRUE(found == 0 || found == ns);
    return found != 0;
  }
  /// How many runs are timed from now on, none of them long.
  int timed_runs() {
    int count = 0;
    for (; runs.timed(); ++count) EXPECT_FALSE(run(us));
    runs.interrupted();
    window(0);
    return count;
  }

  std::int64_t now = 1'000'000 * us;
  detail::SliceDetector runs;
};

TEST_F(SliceDetectorTest, NothingIsTimedAsLongAsNoWindowTakesLong) {
  for (int i = 0; i < 100; ++i) window(detail::SliceDetector::long_window_ns - 1);
  EXPECT_FALSE(runs.timed());
}

TEST_F(SliceDetectorTest, TheFirstWindowHasNoBeginning) {
  window(0);
  EXPECT_FALSE(runs.timed());
  window(detail::SliceDetector::long_window_ns);
  EXPECT_TRUE(runs.timed());
}

TEST_F(SliceDetectorTest, SleepIsNotTimeThatWasUsed) {
  window(0);
  runs.interrupted();
  window(detail::SliceDetector::long_window_ns);
  EXPECT_FALSE(runs.timed());
}

TEST_F(SliceDetectorTest, ALongRunIsFound) {
  window(0);
  window(detail::SliceDetector::long_window_ns);
  EXPECT_FALSE(run(detail::SliceDetector::long_ns - 1));
  EXPECT_TRUE(run(detail::SliceDetector::long_ns));
}

TEST_F(SliceDetectorTest, TimingGoesOnAsLongAsItFindsSomething) {
  runs.time_next();
  EXPECT_TRUE(run(detail::SliceDetector::long_ns));
  EXPECT_EQ(timed_runs(), static_cast<int>(detail::SliceDetector::timed_runs) - 1);
}

TEST_F(SliceDetectorTest, WhatIsTakenFromThoseSetBackIsTimed) {
  runs.time_next();
  EXPECT_EQ(timed_runs(), 1);
}

TEST_F(SliceDetectorTest, TimingThatFindsNothingBecomesRare) {
  window(0);
  int timed = 0;
  for (int i = 0; i < 1'000; ++i) {
    window(detail::SliceDetector::long_window_ns);
    if (timed_runs() != 0) ++timed;
  }
  EXPECT_GE(timed, 1'000 / static_cast<int>(detail::SliceDetector::most_ignored + 1));
  EXPECT_LE(timed, 25);
}

TEST_F(SliceDetectorTest, TimingIsFrequentAgainOnceItHasFoundSomething) {
  window(0);
  for (int i = 0; i < 100; ++i) {
    window(detail::SliceDetector::long_window_ns);
    timed_runs();
  }
  while (!runs.timed()) window(detail::SliceDetector::long_window_ns);
  EXPECT_TRUE(run(detail::SliceDetector::long_ns));
  timed_runs();
  window(detail::SliceDetector::long_window_ns);
  EXPECT_TRUE(runs.timed());
}

TEST_F(SliceDetectorTest, AWindowThatTakesLongNowAndThenIsLookedInto) {
  window(0);
  for (int i = 0; i < 100; ++i) {
    window(us);
    window(detail::SliceDetector::long_window_ns);
    EXPECT_TRUE(runs.timed());
    timed_runs();
  }
}

TEST(FairShare, IsDueAtOnceAndAfterAsMuchTimeAsWasUsed) {
  detail::FairShare share;
  EXPECT_TRUE(share.is_due(0));
  share.used(1'000 * us, 400 * us);
  EXPECT_FALSE(share.is_due(1'400 * us - 1));
  EXPECT_TRUE(share.is_due(1'400 * us));
}

TEST(FairShare, NobodyWaitsForEver) {
  detail::FairShare share;
  share.used(0, 3'600'000'000 * us);
  EXPECT_TRUE(share.is_due(detail::FairShare::most_owed_ns));
}

}  // namespace
}  // namespace weft::slice_detector_test
