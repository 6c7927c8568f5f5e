// Time: a sleep never ends early, and sleeps end in order; intervals keep to their grid; many
// timers at once.
#include <weft/deadline.hpp>
#include <weft/interval.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::time_test {
namespace {

using namespace std::chrono_literals;

class TimeTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(TimeTest);

TEST_P(TimeTest, ASleepNeverEndsEarly) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(::testing::Message() << "WEFT_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::vector<Nanoseconds> durations{-1h, 0ns, 1ns, 999ns, 1us, 131071ns, 131072ns, 131073ns, 1ms};
  for (int i = 0; i < 200; ++i) durations.emplace_back(random() % 20'000'000);
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      for (const Nanoseconds duration : durations) {
        s.spawn([duration]() -> Task<void> {
          const auto start = std::chrono::steady_clock::now();
          co_await sleep_for(duration);
          EXPECT_GE(std::chrono::steady_clock::now() - start, duration);
        });
      }
      co_return;
    });
  });
}

TEST_P(TimeTest, DeadlinesFireInOrder) {
  if (GetParam() > 1) GTEST_SKIP() << "an order is promised only on one worker";
  std::vector<int> order;
  for (bool in_time = false; !in_time;) {  // that all sleep before the first is due
    order.clear();
    run([&]() -> Task<void> {
      const TimePoint start = now();
      co_await scope([&](Scope& s) -> Task<void> {
        for (const int step : {7, 1, 5, 3, 6, 2, 4, 0}) {
          s.spawn([&, step]() -> Task<void> {
            in_time = now() < start + 5ms;
            co_await sleep_until(start + 5ms + step * 1ms);
            order.push_back(step);
          });
        }
        co_return;
      });
    });
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_P(TimeTest, APastDeadlineEndsAtOnce) {
  run([]() -> Task<void> {
    co_await sleep_until(TimePoint());
    co_await sleep_until(TimePoint::min());
    co_await sleep_for(Nanoseconds::min());
    const Result<void> result = co_await attempt(sleep_for(-1s));
    EXPECT_TRUE(result.has_value());
  });
}

TEST_P(TimeTest, TheEndOfTimeIsADeadlineLikeOthers) {
  run([]() -> Task<void> {
    EXPECT_EQ(deadline_after(Nanoseconds::max()), TimePoint::max());
    auto sleeper = []() -> Task<void> { co_await sleep_for(Nanoseconds::max()); };
    auto handle = spawn(sleeper);
    co_await sleep_for(1ms);
    EXPECT_FALSE(handle.ended());
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
}

TEST_P(TimeTest, WhatIsLongerThanTimeIsForEver) {
  run([]() -> Task<void> {
    auto waits = [](Duration duration) -> Task<bool> {
      const auto first = co_await select(sleep_for(duration), sleep_for(1ms));
      co_return first.index() == 1;
    };
    const bool seconds = co_await waits(std::chrono::seconds::max());
    const bool hours = co_await waits(std::chrono::hours::max());
    const bool years = co_await waits(std::chrono::years(300));
    const bool past = co_await waits(std::chrono::hours::min());
    EXPECT_TRUE(seconds && hours && years);
    EXPECT_FALSE(past);
    co_await timeout(sleep_for(1ms), std::chrono::seconds::max());
    co_await with_deadline(sleep_for(1ms), std::chrono::years(1'000'000));
  });
}

static_assert(Nanoseconds(Duration(std::chrono::milliseconds(3))) == 3ms);
static_assert(Nanoseconds(Duration(std::chrono::hours::min())) == Nanoseconds::min());
static_assert(Nanoseconds(Duration(std::chrono::duration<std::uint64_t>(UINT64_MAX))) ==
              Nanoseconds::max());
static_assert(Nanoseconds(Duration(std::chrono::duration<std::uint8_t>(9))) == 9s);

TEST(TimeDuration, FractionsAreRoundedUpAndClamped) {
  const auto length = [](Duration duration) { return Nanoseconds(duration); };
  EXPECT_EQ(length(0.5s), 500ms);
  EXPECT_EQ(length(std::chrono::duration<double>(1.5)), 1500ms);
  EXPECT_EQ(length(std::chrono::duration<float, std::milli>(0.25F)), 250us);
  EXPECT_EQ(length(std::chrono::duration<double, std::nano>(0.1)), 1ns) << "a sleep ends not early";
  EXPECT_EQ(length(std::chrono::duration<double, std::nano>(-0.1)), 0ns);
  EXPECT_EQ(length(std::chrono::duration<double>(1e300)), Nanoseconds::max());
  EXPECT_EQ(length(std::chrono::duration<double>(-1e300)), Nanoseconds::min());
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(length(std::chrono::duration<double>(infinity)), Nanoseconds::max());
  constexpr double no_number = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(length(std::chrono::duration<double>(no_number)), 0ns);
}

TEST(TimeDuration, FractionsOfSecondsAreSlept) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    const TimePoint start = now();
    co_await sleep_for(0.25s);
    EXPECT_GE(now() - start, 250ms);
    EXPECT_LT(now() - start, 300ms);
    EXPECT_GE(deadline_after(0.5s) - now(), 490ms);
  });
}

TEST_P(TimeTest, AHundredThousandTimersAtOnce) {
  constexpr int count = 100'000;
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(::testing::Message() << "WEFT_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::atomic<int> early{0};
  std::atomic<int> fired{0};
  run([&]() -> Task<void> {
    std::vector<JoinHandle<void>> to_cancel;
    co_await scope([&](Scope& s) -> Task<void> {
      for (int i = 0; i < count; ++i) {
        const TimePoint deadline = now() + Nanoseconds(random() % 300'000'000);
        auto handle = s.spawn([&, deadline]() -> Task<void> {
          co_await sleep_until(deadline);
          if (now() < deadline) ++early;
          ++fired;
        });
        if (i % 10 == 0) to_cancel.push_back(std::move(handle));
      }
      for (JoinHandle<void>& handle : to_cancel) handle.cancel();
      co_return;
    });
    int cancelled = 0;
    for (JoinHandle<void>& handle : to_cancel) {
      const Outcome<void> outcome = co_await std::move(handle).outcome();
      if (outcome.cancelled()) ++cancelled;
    }
    EXPECT_EQ(fired.load() + cancelled, count);
  });
  EXPECT_EQ(early.load(), 0);
}

TEST_P(TimeTest, AnIntervalTicksOnItsGrid) {
  run([]() -> Task<void> {
    const TimePoint start = now();
    Interval ticks = interval(2ms);
    TimePoint before = start;
    for (int i = 0; i < 5; ++i) {
      const TimePoint due = co_await ticks.tick();
      EXPECT_GE(now(), due);
      EXPECT_GE(due - before, 2ms);
      before = due;
    }
    EXPECT_GE(now() - start, 10ms);
  });
}

void come_late(Nanoseconds by) {  // the worker is busy: the one way to miss ticks for sure
  const TimePoint over = now() + by;
  while (now() < over) {
  }
}

TEST_P(TimeTest, MissedTicksAreGivenInABurst) {
  run([]() -> Task<void> {
    Interval ticks(1ms, Interval::Missed::burst);
    const TimePoint first = co_await ticks.tick();
    come_late(5ms);
    for (int i = 1; i <= 5; ++i) {
      const TimePoint due = co_await ticks.tick();
      EXPECT_EQ(due, first + i * 1ms);
    }
  });
}

TEST_P(TimeTest, MissedTicksAreSkipped) {
  run([]() -> Task<void> {
    Interval ticks(1ms, Interval::Missed::skip);
    for (int round = 0; round < 5; ++round) {
      const TimePoint before = co_await ticks.tick();
      come_late(3ms + 300us);
      const TimePoint late = now();
      const TimePoint missed = co_await ticks.tick();  // it was due when the previous one ended
      const TimePoint next = co_await ticks.tick();
      EXPECT_GT(next, late);
      EXPECT_GE(next - before, 4ms) << "the ticks between were left out";
      EXPECT_EQ((missed - before) % Nanoseconds(1ms), 0ns);
      EXPECT_EQ((next - before) % Nanoseconds(1ms), 0ns);
    }
  });
}

TEST_P(TimeTest, ACancelledTickIsNotUsedUp) {
  run([]() -> Task<void> {
    Interval ticks = interval(20ms);
    const TimePoint start = now();
    auto tick = [&]() -> Task<void> { co_await ticks.tick(); };
    auto handle = spawn(tick);
    co_await yield_now();
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    if (!outcome.cancelled()) co_return;  // this machine was slower than the tick
    const TimePoint due = co_await ticks.tick();
    EXPECT_LE(due, start + 20ms);
  });
}

TEST(TimeErrors, AnIntervalNeedsAPositivePeriod) {
  EXPECT_THROW(Interval(0ns), std::invalid_argument);
  EXPECT_THROW(Interval(-1ns), std::invalid_argument);
  EXPECT_NO_THROW(Interval(1ns));
}

TEST(TimeOutside, NowIsTheSteadyClockWithoutARuntime) {
  const auto before = std::chrono::steady_clock::now();
  const TimePoint present = now();
  const auto after = std::chrono::steady_clock::now();
  EXPECT_GE(present, before);
  EXPECT_LE(present, after);
}

}  // namespace
}  // namespace weft::test::time_test
