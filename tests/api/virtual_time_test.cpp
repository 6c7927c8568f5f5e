// virtual_time: time passes when all tasks are idle, and then at once.
#include <weft/blocking.hpp>
#include <weft/interval.hpp>
#include <weft/net.hpp>
#include <weft/parallel.hpp>
#include <weft/promise.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::virtual_time_test {
namespace {

using namespace std::chrono_literals;

class VirtualTime : public ::testing::Test {
 protected:
  ~VirtualTime() override {
    EXPECT_LT(std::chrono::steady_clock::now() - began_, 30s) << "time was waited for";
  }
  Runtime runtime_{with_virtual_time()};

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

TEST_F(VirtualTime, AnHourPassesAtOnceAndExactly) {
  runtime_.block_on([]() -> Task<void> {
    const TimePoint before = now();
    co_await sleep_for(1h);
    EXPECT_EQ(now() - before, 1h);
    co_await sleep_for(8760h);
    EXPECT_EQ(now() - before, 8761h);
  });
}

TEST_F(VirtualTime, StandsStillWhileAnythingRuns) {
  runtime_.block_on([]() -> Task<void> {
    auto sleeper = spawn(sleep_for(1ns));
    const TimePoint before = now();
    for (int i = 0; i < 1000; ++i) co_await yield_now();
    EXPECT_EQ(now(), before);
    EXPECT_FALSE(sleeper.ended());
    co_await std::move(sleeper);
    EXPECT_EQ(now() - before, 1ns);
  });
}

TEST_F(VirtualTime, DeadlinesComeInTheirOrder) {
  Log log;
  runtime_.block_on(scope([&](Scope& children) -> Task<void> {
    const TimePoint start = now();
    for (const auto hours : {3, 1, 2}) {
      children
          .spawn([&log, start, hours]() -> Task<void> {
            co_await sleep_until(start + std::chrono::hours(hours));
            log.add(std::to_string(hours));
            co_await sleep_for(90min);
            log.add(std::to_string(hours) + "+");
            EXPECT_EQ(now() - start, std::chrono::hours(hours) + 90min);
          })
          .detach();
    }
    co_return;
  }));
  EXPECT_EQ(log.words(), (std::vector<std::string>{"1", "2", "1+", "3", "2+", "3+"}));
}

TEST_F(VirtualTime, WhatNeverEndsDoesNotMoveIt) {
  runtime_.block_on([]() -> Task<void> {
    const TimePoint before = now();
    auto promise = Promise<int>();
    SharedResult<int> future = promise.result();
    std::thread outside([promise = std::move(promise)]() mutable { promise.set_value(1); });
    auto first = co_await select(std::move(future), sleep_until(TimePoint::max()));
    outside.join();
    EXPECT_EQ(first.index(), 0U);
    EXPECT_EQ(now() - before, 0s);
    co_await sleep_for(1s);
    EXPECT_EQ(now() - before, 1s);
  });
}

TEST_F(VirtualTime, AnIntervalEndsWithTime) {
  runtime_.block_on([]() -> Task<void> {
    constexpr auto period = std::chrono::years(100);
    const TimePoint start = now();
    Interval interval(period);
    const TimePoint first = co_await interval.tick();
    const TimePoint second = co_await interval.tick();
    EXPECT_EQ(first - start, period);
    EXPECT_EQ(second - start, 2 * period);
    auto third = co_await select(interval.tick(), sleep_for(1h));
    EXPECT_EQ(third.index(), 1U);
  });
}

TEST_F(VirtualTime, ATimeoutOfAnHourTakesNoTime) {
  runtime_.block_on([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    StreamSocket client = co_await StreamSocket::connect(listener.local_endpoint());
    StreamSocket server = co_await listener.accept();
    std::array<std::byte, 10> buffer{};
    const TimePoint before = now();
    try {
      co_await timeout(client.read(buffer), 1h);
      ADD_FAILURE() << "nobody has written";
    } catch (const IoError& error) {
      EXPECT_EQ(error.code(), std::errc::timed_out);
    }
    EXPECT_EQ(now() - before, 1h);
    co_await server.write_all(std::as_bytes(std::span("ten bytes")));
    const std::size_t size = co_await timeout(client.read(buffer), 1h);
    EXPECT_EQ(size, 10U);
    EXPECT_EQ(now() - before, 1h) << "what is ready is not waited for";
  });
}

TEST_F(VirtualTime, BlockingCallsStopIt) {
  runtime_.block_on([]() -> Task<void> {
    for (int i = 0; i < 200; ++i) {
      const TimePoint before = now();
      auto sleeper = spawn(sleep_for(1h));
      auto call = blocking([i] { return i; });
      const int value = co_await std::move(call);
      EXPECT_EQ(value, i);
      EXPECT_EQ(now(), before) << "the clock has overtaken a call";
      co_await std::move(sleeper);
    }
  });
}

TEST_F(VirtualTime, ComputationsStopIt) {
  runtime_.block_on([]() -> Task<void> {
    for (int i = 0; i < 200; ++i) {
      const TimePoint before = now();
      auto sleeper = spawn(sleep_for(1h));
      auto call = parallel([i] { return i; });
      const int value = co_await std::move(call);
      EXPECT_EQ(value, i);
      EXPECT_EQ(now(), before);
      sleeper.cancel();
    }
  });
}

TEST_F(VirtualTime, AMillionSecondsOfTicks) {
  runtime_.block_on([]() -> Task<void> {
    Interval ticks = interval(1s);
    const TimePoint before = now();
    static constexpr int count = fewer_if_sanitized(100'000);
    for (int i = 0; i < count; ++i) co_await ticks.tick();
    EXPECT_EQ(now() - before, std::chrono::seconds(count));
  });
}

TEST_F(VirtualTime, PassesUnderAForeignLoop) {
  bool woken = false;
  auto task = runtime_.spawn([&]() -> Task<void> {
    co_await sleep_for(1h);
    woken = true;
  });
  for (int i = 0; i < 100 && !woken; ++i) runtime_.poll();
  EXPECT_TRUE(woken);
}

TEST(VirtualTimeOptions, NeedTheCurrentThread) {
  RuntimeOptions options;
  options.virtual_time = true;
  EXPECT_THROW(Runtime{options}, std::invalid_argument);
}

}  // namespace
}  // namespace weft::test::virtual_time_test
