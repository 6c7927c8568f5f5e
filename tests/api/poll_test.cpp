// A runtime that a foreign loop runs: Runtime::poll() and native_handle().
#include <weft/fiber.hpp>
#include <weft/net.hpp>
#include <weft/runtime.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::poll_test {
namespace {

using namespace std::chrono_literals;
using Timeout = std::optional<std::chrono::nanoseconds>;

class PollTest : public ::testing::Test {
 protected:
  /// The foreign loop: polls, and waits as long as poll() told it, until `done()`.
  template <class Done>
  void loop_until(Done done) {
    for (int turns = 0; !done() && turns < 100'000; ++turns) {
      const Timeout next = runtime.poll();
      if (!done()) wait(next);
    }
    EXPECT_TRUE(done());
  }
  /// Waits at most `next`, as a loop would. Returns whether the handle was readable.
  bool wait(Timeout next) {
    pollfd watched{runtime.native_handle(), POLLIN, 0};
    timespec limit{};
    if (next) {
      limit.tv_sec = next->count() / 1'000'000'000;
      limit.tv_nsec = next->count() % 1'000'000'000;
    }
    ++waits;
    return ::ppoll(&watched, 1, next ? &limit : nullptr, nullptr) == 1;
  }

  Runtime runtime{options_for(0)};
  int waits = 0;
};

TEST_F(PollTest, RunsWhatIsReadyAndThenNeedsNoMoreCalls) {
  int ran = 0;
  runtime
      .spawn([&]() -> Task<void> {
        for (int i = 0; i < 10; ++i) co_await yield_now();
        ++ran;
      })
      .detach();
  EXPECT_EQ(runtime.poll(), std::nullopt);
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(runtime.live_tasks(), 0U);
}

TEST_F(PollTest, ComesBackFromATaskThatNeverEnds) {
  bool stop = false;
  auto spinner = runtime.spawn([&]() -> Task<void> {
    while (!stop) co_await yield_now();
  });
  EXPECT_EQ(runtime.poll(), 0ns);
  stop = true;
  loop_until([&] { return spinner.ended(); });
}

TEST_F(PollTest, SaysWhenTheNextTimerIsDue) {
  auto sleeper = runtime.spawn([]() -> Task<void> { co_await sleep_for(20ms); });
  const auto began = std::chrono::steady_clock::now();
  const Timeout next = runtime.poll();
  ASSERT_TRUE(next.has_value());
  if (std::chrono::steady_clock::now() - began < 20ms) {
    EXPECT_GT(*next, 0ns);
  }
  EXPECT_LE(*next, 21ms);
  loop_until([&] { return sleeper.ended(); });
  EXPECT_LT(waits, 50);  // it slept, rather than spun
}

TEST_F(PollTest, WhatAnotherThreadSpawnsMakesTheHandleReadable) {
  EXPECT_EQ(runtime.poll(), std::nullopt);
  for (int i = 0; i < 20; ++i) {
    int ran = 0;
    std::thread other([&] {
      runtime
          .spawn([&]() -> Task<void> {
            ++ran;
            co_return;
          })
          .detach();
    });
    EXPECT_TRUE(wait(std::nullopt));
    other.join();
    EXPECT_EQ(runtime.poll(), std::nullopt);
    EXPECT_EQ(ran, 1);
    EXPECT_FALSE(wait(0ns));
  }
}

TEST_F(PollTest, AFiberThatAnotherThreadWakesMakesTheHandleReadable) {
  ManualEvent event;
  auto fiber_task = runtime.spawn(fiber([&] {
    for (int i = 0; i < 20; ++i) await(event);
  }));
  EXPECT_EQ(runtime.poll(), std::nullopt);
  for (int i = 0; i < 20; ++i) {
    std::thread other([&] { event.set(); });
    EXPECT_TRUE(wait(std::nullopt));
    other.join();
    EXPECT_EQ(runtime.poll(), std::nullopt);
  }
  EXPECT_TRUE(fiber_task.ended());
}

TEST_F(PollTest, DoesIoBetweenTwoOfItsTasks) {
  const auto conversation = []() -> Task<std::size_t> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    auto client = spawn(
        [](Endpoint to) -> Task<void> {
          StreamSocket stream = co_await StreamSocket::connect(to);
          co_await sleep_for(1ms);
          co_await stream.write_all("hello");
        },
        listener.local_endpoint());
    StreamSocket stream = co_await listener.accept();
    std::array<std::byte, 5> buffer;
    co_await stream.read_exact(buffer);
    co_await std::move(client);
    co_return buffer.size();
  };
  auto handle = runtime.spawn(conversation);
  loop_until([&] { return handle.ended(); });
  EXPECT_EQ(runtime.block_on(std::move(handle)), 5U);
}

TEST_F(PollTest, TakesTurnsWithBlockOn) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(runtime.poll(), std::nullopt);
    EXPECT_EQ(runtime.block_on(fiber([i] { return i; })), i);
    std::thread other([&] { runtime.block_on(sleep_for(1ms)); });
    for (int k = 0; k < 100; ++k) runtime.poll();  // either of the two may run the tasks
    other.join();
    EXPECT_EQ(runtime.live_tasks(), 0U);
  }
}

TEST_F(PollTest, IsOnlyForACurrentThreadRuntimeAndOutsideItsTasks) {
  Runtime threads{options_for(1)};
  EXPECT_THROW(threads.poll(), std::logic_error);
  EXPECT_THROW(static_cast<void>(threads.native_handle()), std::logic_error);
  bool refused = false;
  runtime.block_on([&]() -> Task<void> {
    try {
      runtime.poll();
    } catch (const std::logic_error&) {
      refused = true;
    }
    co_return;
  });
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace weft::test::poll_test
