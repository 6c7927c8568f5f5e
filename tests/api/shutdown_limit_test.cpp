// Runtime::shutdown() with a limit: complete, or told what is left, which goes on and ends later.
#include <weft/blocking.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/runtime.hpp>
#include <weft/shield.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "support/helpers.hpp"
#include "support/process_state.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::shutdown_limit_test {
namespace {

using namespace std::chrono_literals;

class ShutdownLimitTest : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Runtimes, ShutdownLimitTest,
                         ::testing::Values(std::size_t{0}, std::size_t{1}, std::size_t{4}),
                         worker_count_name);

/// Goes on through a cancel until the event is set.
Task<void> stubborn(ManualResetEvent& event, std::atomic<bool>& ended) {
  co_await shield(event.wait());
  ended = true;
}

TEST_P(ShutdownLimitTest, IsCompleteIfAllTasksEnd) {
  Runtime runtime(options_for(GetParam()));
  for (int i = 0; i < 10; ++i) runtime.spawn(sleep_for(1h)).detach();
  const ShutdownResult result = runtime.shutdown(1h);
  EXPECT_TRUE(result.complete);
  EXPECT_EQ(result.tasks, 0U);
  EXPECT_EQ(result.waits_for, "");
  EXPECT_EQ(runtime.live_tasks(), 0U);
  EXPECT_TRUE(runtime.shutdown(0s).complete);
  runtime.shutdown();
  EXPECT_THROW(runtime.spawn(yield_now()), std::logic_error);
}

TEST_P(ShutdownLimitTest, TellsWhatIsLeftAndEndsLater) {
  const ProcessState before = ProcessState::now();
  {
    ManualResetEvent event;
    std::atomic<bool> ended = false;
    Runtime runtime(options_for(GetParam()));
    std::atomic<bool> begun = false;
    runtime
        .spawn([&]() -> Task<void> {
          begun = true;
          co_await stubborn(event, ended);
        })
        .detach();
    runtime.spawn(sleep_for(1h)).detach();
    if (GetParam() != 0) {
      while (!begun) std::this_thread::yield();
    }
    for (const Nanoseconds limit : {Nanoseconds(0s), Nanoseconds(5ms)}) {
      const auto start = std::chrono::steady_clock::now();
      const ShutdownResult result = runtime.shutdown(limit);
      EXPECT_FALSE(result.complete);
      EXPECT_GE(std::chrono::steady_clock::now() - start, limit);
      EXPECT_GE(result.tasks, 1U);
      EXPECT_NE(result.waits_for.find("tasks that have not ended"), std::string::npos)
          << result.waits_for;
    }
    EXPECT_FALSE(ended);
    EXPECT_THROW(runtime.spawn(yield_now()), std::logic_error);
    event.set();
    const ShutdownResult result = runtime.shutdown(1h);
    EXPECT_TRUE(result.complete);
    EXPECT_TRUE(ended);
    EXPECT_EQ(runtime.live_tasks(), 0U);
  }
  EXPECT_EQ(settled(before).threads, before.threads);
}

TEST_P(ShutdownLimitTest, TheDestructorWaitsForTheRest) {
  ManualResetEvent event;
  std::atomic<bool> ended = false;
  std::thread setting;
  {
    Runtime runtime(options_for(GetParam()));
    runtime.spawn(stubborn, std::ref(event), std::ref(ended)).detach();
    EXPECT_FALSE(runtime.shutdown(1ms).complete);
    setting = std::thread([&] { event.set(); });
  }
  EXPECT_TRUE(ended);
  setting.join();
}

TEST_P(ShutdownLimitTest, NamesABlockingCall) {
  Turnstile turnstile;
  std::atomic<bool> begun = false;
  Runtime runtime(options_for(GetParam()));
  auto call = [&]() -> Task<void> {
    auto blocked = blocking([&] {
      begun = true;
      turnstile.pass();
    });
    co_await std::move(blocked);
  };
  auto handle = runtime.spawn(std::ref(call));
  if (GetParam() == 0) {
    while (!begun) static_cast<void>(runtime.poll());
  }
  while (!begun) std::this_thread::yield();
  const ShutdownResult result = runtime.shutdown(1ms);
  EXPECT_FALSE(result.complete);
  EXPECT_EQ(result.tasks, 1U);
  EXPECT_NE(result.waits_for.find("a blocking call"), std::string::npos) << result.waits_for;
  EXPECT_NE(result.waits_for.find("shutdown_limit_test.cpp"), std::string::npos);
  turnstile.open();
  EXPECT_TRUE(runtime.shutdown(1h).complete);
  std::move(handle).detach();
}

TEST_P(ShutdownLimitTest, KeepsItsLimitBesideAShutdownWithoutOne) {
  ManualResetEvent event;
  std::atomic<bool> ended = false;
  Runtime runtime(options_for(GetParam()));
  runtime.spawn(stubborn, std::ref(event), std::ref(ended)).detach();
  std::thread other([&] { runtime.shutdown(); });
  const ShutdownResult result = runtime.shutdown(5ms);
  EXPECT_FALSE(result.complete);
  EXPECT_EQ(result.tasks, 1U);
  event.set();
  other.join();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(runtime.shutdown(1h).complete);
}

TEST(ShutdownLimit, OfARuntimeThatAnotherThreadDrives) {
  ManualResetEvent event;
  std::atomic<bool> ended = false;
  std::atomic<bool> begun = false;
  Runtime runtime(options_for(0));
  std::thread driving([&] {
    runtime.block_on([&]() -> Task<void> {
      begun = true;
      co_await stubborn(event, ended);
    });
  });
  while (!begun) std::this_thread::yield();
  EXPECT_FALSE(runtime.shutdown(2ms).complete);
  event.set();
  driving.join();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(runtime.shutdown(1h).complete);
}

}  // namespace
}  // namespace weft::test::shutdown_limit_test
