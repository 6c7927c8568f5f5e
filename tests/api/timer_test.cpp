// Timer: callbacks at a point of time, armed, armed anew and disarmed on their worker.
#include <weft/notify.hpp>
#include <weft/semaphore.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>
#include <weft/timer.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/timer_fixture.hpp"

namespace weft::test::timer_test {
namespace {

using namespace std::chrono_literals;

WEFT_ON_ALL_RUNTIMES(TimerTest);

// Firing

TEST_P(TimerTest, CallsOnceAndNeverEarly) {
  run_bound([]() -> Task<void> {
    Counted counted;
    const TimePoint before = now();
    EXPECT_FALSE(counted.timer.arm_after(2ms));
    co_await counted.wait();
    EXPECT_GE(now() - before, 2ms);
    EXPECT_EQ(counted.calls, 1);
    EXPECT_FALSE(counted.timer.disarm());
    co_await sleep_for(5ms);
    EXPECT_EQ(counted.calls, 1);
  });
}

TEST_P(TimerTest, APastDeadlineIsCalledSoonButNotWithinTheCall) {
  run_bound([]() -> Task<void> {
    for (const TimePoint at : {TimePoint(), TimePoint::min(), now()}) {
      Counted counted;
      counted.timer.arm_at(at);
      EXPECT_EQ(counted.calls, 0);
      co_await counted.wait();
    }
    Counted counted;
    counted.timer.arm_after(Nanoseconds::min());
    co_await counted.wait();
  });
}

TEST_P(TimerTest, TheEndOfTimeIsADeadlineLikeOthers) {
  run_bound([]() -> Task<void> {
    Counted counted;
    counted.timer.arm_after(Nanoseconds::max());
    co_await sleep_for(1ms);
    EXPECT_TRUE(counted.timer.arm_at(TimePoint::max()));
    co_await sleep_for(1ms);
    EXPECT_TRUE(counted.timer.disarm());
    EXPECT_EQ(counted.calls, 0);
  });
}

TEST_P(TimerTest, IsCalledOnTheWorkerThatArmedIt) {
  run_bound([]() -> Task<void> {
    const std::thread::id here = std::this_thread::get_id();
    std::thread::id there;
    Notify called;
    Timer timer([&] {
      there = std::this_thread::get_id();
      called.notify_one();
    });
    timer.arm_after(1ms);
    co_await called.wait();
    EXPECT_EQ(there, here);
  });
}

TEST_P(TimerTest, ManyAreCalledInTheOrderOfTheirDeadlines) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(::testing::Message() << "WEFT_SEED=" << seed);
  run_bound([seed]() -> Task<void> {
    constexpr std::size_t count = 20'000;
    std::mt19937_64 random(seed);
    std::vector<TimePoint> called;
    Semaphore done(0);
    std::deque<Timer> timers;
    const TimePoint start = now();
    std::size_t early = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const TimePoint at = start + 20ms + Nanoseconds(random() % 100'000'000);
      timers.emplace_back([&called, &done, &early, at] {
        if (now() < at) ++early;
        called.push_back(at);
        if (called.size() == count) done.release();
      });
      timers.back().arm_at(at);
    }
    const TimePoint armed = now();  // timers due by then are called in the order of arming
    const Permit permit = co_await done.acquire();
    EXPECT_EQ(early, 0U);
    // Ticks are 65.5 µs.
    std::size_t disordered = 0;
    for (std::size_t i = 1; i < count; ++i) {
      if (called[i - 1] > armed && called[i] + 66us < called[i - 1] && called[i] > armed)
        ++disordered;
    }
    EXPECT_EQ(disordered, 0U);
  });
}

// Disarming

TEST_P(TimerTest, DisarmedBeforeItIsDueItIsNotCalled) {
  run_bound([]() -> Task<void> {
    Counted counted;
    EXPECT_FALSE(counted.timer.disarm());
    counted.timer.arm_after(1ms);
    EXPECT_TRUE(counted.timer.disarm());
    EXPECT_FALSE(counted.timer.disarm());
    co_await sleep_for(3ms);
    EXPECT_EQ(counted.calls, 0);
    counted.timer.arm_after(1ms);
    co_await counted.wait();
  });
}

// Both are due at once. The first to be called disarms the second, which waits for its turn.
TEST_P(TimerTest, DisarmedWhenItIsDueItIsNotCalled) {
  run_bound([]() -> Task<void> {
    Counted second;
    Notify called;
    bool disarmed = false;
    Timer first([&] {
      disarmed = second.timer.disarm();
      called.notify_one();
    });
    const TimePoint at = now() + 1ms;
    first.arm_at(at);
    second.timer.arm_at(at);
    co_await called.wait();
    EXPECT_TRUE(disarmed);
    co_await sleep_for(2ms);
    EXPECT_EQ(second.calls, 0);
  });
}

TEST_P(TimerTest, ArmedAnewWhenItIsDueItIsCalledOnceAndLater) {
  run_bound([]() -> Task<void> {
    Counted second;
    TimePoint until;
    Timer first([&] {
      until = now() + 3ms;
      EXPECT_TRUE(second.timer.arm_at(until));
    });
    const TimePoint at = now() + 1ms;
    first.arm_at(at);
    second.timer.arm_at(at);
    co_await second.wait();
    EXPECT_GE(now(), until);
    co_await sleep_for(2ms);
    EXPECT_EQ(second.calls, 1);
  });
}

TEST_P(TimerTest, DestroyedWhileItIsArmedItIsNotCalled) {
  run_bound([]() -> Task<void> {
    int calls = 0;
    std::optional<Timer> far;
    far.emplace([&] { ++calls; });
    far->arm_after(1h);
    far.reset();
    std::optional<Timer> near;
    near.emplace([&] { ++calls; });
    Timer first([&] { near.reset(); });
    const TimePoint at = now() + 1ms;
    first.arm_at(at);
    near->arm_at(at);
    co_await sleep_for(3ms);
    EXPECT_FALSE(near.has_value());
    EXPECT_EQ(calls, 0);
  });
}

// Arming anew

TEST_P(TimerTest, ArmedAnewItKeepsTheLastDeadlineOnly) {
  run_bound([]() -> Task<void> {
    Counted counted;
    counted.timer.arm_after(1h);
    EXPECT_TRUE(counted.timer.arm_after(1ms));  // earlier
    co_await counted.wait();
    counted.timer.arm_after(1ms);
    const TimePoint until = now() + 4ms;
    EXPECT_TRUE(counted.timer.arm_at(until));  // later
    co_await counted.wait();
    EXPECT_GE(now(), until);
    counted.timer.arm_after(1ms);
    EXPECT_TRUE(counted.timer.arm_after(1h));
    co_await sleep_for(3ms);
    EXPECT_EQ(counted.calls, 2);
    EXPECT_TRUE(counted.timer.disarm());
  });
}

TEST_P(TimerTest, AnIdleTimeoutThatIsMovedOnForEverIsNotCalled) {
  run_bound([]() -> Task<void> {
    Counted counted;
    const TimePoint end = now() + 20ms;
    TimePoint at = now() + 10ms;
    while (now() < end) {
      counted.timer.arm_at(at = now() + 10ms);
      co_await yield_now();
    }
    co_await counted.wait();
    EXPECT_GE(now(), at);
    EXPECT_EQ(counted.calls, 1);
  });
}

TEST_P(TimerTest, ArmsItselfWithinItsCallback) {
  run_bound([]() -> Task<void> {
    int calls = 0;
    Notify done;
    std::optional<Timer> timer;
    timer.emplace([&] {
      if (++calls == 5) return done.notify_one();
      EXPECT_FALSE(timer->arm_after(100us));
    });
    timer->arm_after(1ms);
    co_await done.wait();
    EXPECT_EQ(calls, 5);
  });
}

// Always already due when it is armed: other tasks must have their turns all the same.
TEST_P(TimerTest, ArmingItselfForThePastKeepsNobodyWaiting) {
  run_bound([]() -> Task<void> {
    std::atomic<int> calls{0};
    std::optional<Timer> timer;
    timer.emplace([&] {
      ++calls;
      timer->arm_at(TimePoint());
    });
    timer->arm_at(TimePoint());
    co_await sleep_for(2ms);
    for (int i = 0; i < 1000; ++i) co_await yield_now();
    EXPECT_TRUE(timer->disarm());
    EXPECT_GT(calls, 0);
  });
}

TEST_P(TimerTest, DestroysItselfWithinItsCallback) {
  run_bound([]() -> Task<void> {
    Notify gone;
    std::unique_ptr<Timer> once;
    once = std::make_unique<Timer>([&once, &gone] {
      Notify& to_tell = gone;  // the captures are destroyed with the timer
      once.reset();
      to_tell.notify_one();
    });
    once->arm_after(1ms);
    co_await gone.wait();
    EXPECT_EQ(once, nullptr);
    std::unique_ptr<Timer> periodic;
    periodic = std::make_unique<Timer>([&periodic, &gone] {
      Notify& to_tell = gone;
      periodic.reset();
      to_tell.notify_one();
    });
    periodic->arm_every(1ms);
    co_await gone.wait();
    co_await sleep_for(3ms);
  });
}

// Periods

TEST_P(TimerTest, APeriodKeepsToItsGridUntilItIsDisarmed) {
  run_bound([]() -> Task<void> {
    Counted counted;
    const TimePoint start = now();
    counted.timer.arm_every(1ms);
    for (int i = 1; i <= 5; ++i) {
      co_await counted.wait();
      EXPECT_GE(now() - start, i * 1ms);
    }
    EXPECT_TRUE(counted.timer.disarm());
    const int calls = counted.calls;
    co_await sleep_for(3ms);
    EXPECT_EQ(counted.calls, calls);
    EXPECT_THROW(counted.timer.arm_every(0ns), std::invalid_argument);
    EXPECT_THROW(counted.timer.arm_every(-1s), std::invalid_argument);
  });
}

TEST_P(TimerTest, APeriodEndsWithinItsCallback) {
  run_bound([]() -> Task<void> {
    int calls = 0;
    Notify done;
    std::optional<Timer> timer;
    timer.emplace([&] {
      if (++calls < 3) return;
      EXPECT_EQ(timer->disarm(), calls == 3);
      done.notify_one();
    });
    timer->arm_every(500us);
    co_await done.wait();
    co_await sleep_for(3ms);
    EXPECT_EQ(calls, 3);
    // Armed once, it is no longer periodic.
    timer->arm_every(1h);
    EXPECT_TRUE(timer->arm_after(1ms));
    co_await done.wait();
    EXPECT_EQ(calls, 4);
    EXPECT_FALSE(timer->disarm());
  });
}

// Callbacks

TEST_P(TimerTest, ACallbackSpawnsAndFails) {
  allow_failures();
  run_bound([]() -> Task<void> {
    Notify spawned;
    Timer spawning(
        [&] { spawn([&]() -> Task<void> { co_return spawned.notify_one(); }).detach(); });
    spawning.arm_after(1ms);
    co_await spawned.wait();
    Counted counted;
    Timer failing([] { throw std::runtime_error("of a timer"); });
    const TimePoint at = now() + 1ms;
    failing.arm_at(at);
    counted.timer.arm_at(at);
    co_await counted.wait();
    EXPECT_FALSE(failing.disarm());
  });
  ASSERT_EQ(failures().size(), 1U);
  EXPECT_EQ(failures()[0].what, "of a timer");
}

TEST_P(TimerTest, WhatACallbackHasCapturedGoesWithTheTimer) {
  Log log;
  {
    const std::array<char, 100> padding{};
    const Timer large([logged = Logged(log, "large"), padding] { return padding.front(); });
  }
  {
    auto shared = std::make_shared<Logged>(log, "small");
    const Timer small([shared = std::move(shared)] {});
  }
  EXPECT_EQ(log.words(), (std::vector<std::string>{"large", "small"}));
}

// Virtual time

TEST(TimerWithVirtualTime, AnHourPassesAtOnceAndExactly) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    const TimePoint start = now();
    Counted hour;
    Counted minute;
    hour.timer.arm_after(1h);
    minute.timer.arm_every(1min);
    co_await hour.wait();
    EXPECT_EQ(now() - start, 1h);
    EXPECT_GE(minute.calls, 59);
    EXPECT_LE(minute.calls, 60);
    hour.timer.arm_after(1h);
    hour.timer.arm_after(2h);
    co_await hour.wait();
    EXPECT_EQ(now() - start, 3h);
  });
}

// Only the timer holds virtual time back, and it is no task.
TEST(TimerWithVirtualTime, FiresWhileATaskSleeps) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    const TimePoint start = now();
    TimePoint at;
    Timer timer([&] { at = now(); });
    timer.arm_after(30min);
    co_await sleep_for(1h);
    EXPECT_EQ(at - start, 30min);
    EXPECT_EQ(now() - start, 1h);
  });
}

}  // namespace
}  // namespace weft::test::timer_test
