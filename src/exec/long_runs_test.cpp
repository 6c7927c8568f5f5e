// LongRuns: when runs are timed, which of them are long, and when who made one is due.
#include "exec/long_runs.hpp"

#include <gtest/gtest.h>

namespace weft::long_runs_test {
namespace {

constexpr std::int64_t us = 1'000;

class LongRunsTest : public ::testing::Test {
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
  LongRuns runs;
};

TEST_F(LongRunsTest, NothingIsTimedAsLongAsNoWindowTakesLong) {
  for (int i = 0; i < 100; ++i) window(LongRuns::long_window_ns - 1);
  EXPECT_FALSE(runs.timed());
}

TEST_F(LongRunsTest, TheFirstWindowHasNoBeginning) {
  window(0);
  EXPECT_FALSE(runs.timed());
  window(LongRuns::long_window_ns);
  EXPECT_TRUE(runs.timed());
}

TEST_F(LongRunsTest, SleepIsNotTimeThatWasUsed) {
  window(0);
  runs.interrupted();
  window(LongRuns::long_window_ns);
  EXPECT_FALSE(runs.timed());
}

TEST_F(LongRunsTest, ALongRunIsFound) {
  window(0);
  window(LongRuns::long_window_ns);
  EXPECT_FALSE(run(LongRuns::long_ns - 1));
  EXPECT_TRUE(run(LongRuns::long_ns));
}

TEST_F(LongRunsTest, TimingGoesOnAsLongAsItFindsSomething) {
  runs.time_next();
  EXPECT_TRUE(run(LongRuns::long_ns));
  EXPECT_EQ(timed_runs(), static_cast<int>(LongRuns::timed_runs) - 1);
}

TEST_F(LongRunsTest, WhatIsTakenFromThoseSetBackIsTimed) {
  runs.time_next();
  EXPECT_EQ(timed_runs(), 1);
}

TEST_F(LongRunsTest, TimingThatFindsNothingBecomesRare) {
  window(0);
  int timed = 0;
  for (int i = 0; i < 1'000; ++i) {
    window(LongRuns::long_window_ns);
    if (timed_runs() != 0) ++timed;
  }
  EXPECT_GE(timed, 1'000 / static_cast<int>(LongRuns::most_ignored + 1));
  EXPECT_LE(timed, 25);
}

TEST_F(LongRunsTest, TimingIsFrequentAgainOnceItHasFoundSomething) {
  window(0);
  for (int i = 0; i < 100; ++i) {
    window(LongRuns::long_window_ns);
    timed_runs();
  }
  while (!runs.timed()) window(LongRuns::long_window_ns);
  EXPECT_TRUE(run(LongRuns::long_ns));
  timed_runs();
  window(LongRuns::long_window_ns);
  EXPECT_TRUE(runs.timed());
}

TEST_F(LongRunsTest, AWindowThatTakesLongNowAndThenIsLookedInto) {
  window(0);
  for (int i = 0; i < 100; ++i) {
    window(us);
    window(LongRuns::long_window_ns);
    EXPECT_TRUE(runs.timed());
    timed_runs();
  }
}

TEST(TimeShare, IsDueAtOnceAndAfterAsMuchTimeAsWasUsed) {
  TimeShare share;
  EXPECT_TRUE(share.is_due(0));
  share.used(1'000 * us, 400 * us);
  EXPECT_FALSE(share.is_due(1'400 * us - 1));
  EXPECT_TRUE(share.is_due(1'400 * us));
}

TEST(TimeShare, NobodyWaitsForEver) {
  TimeShare share;
  share.used(0, 3'600'000'000 * us);
  EXPECT_TRUE(share.is_due(TimeShare::most_owed_ns));
}

}  // namespace
}  // namespace weft::long_runs_test
