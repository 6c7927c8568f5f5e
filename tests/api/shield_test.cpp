// shield(): runs to its end through a cancel, which takes effect right after.
#include <weft/as_future.hpp>
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/shield.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::shield_test {
namespace {

using namespace std::chrono_literals;

class ShieldTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(ShieldTest);

Task<int> give_after(ManualEvent& event, int value) {
  co_await event;
  co_return value;
}

Task<int> fail_after(ManualEvent& event) {
  co_await event;
  throw std::runtime_error("shielded");
}

TEST_P(ShieldTest, GivesTheResultOfWhatItShields) {
  run([]() -> Task<void> {
    ManualEvent event;
    event.set();
    const int waited = co_await shield(give_after(event, 7));
    EXPECT_EQ(waited, 7);
    auto at_once = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(8); };
    const std::unique_ptr<int> moved = co_await shield(at_once());
    EXPECT_EQ(*moved, 8);
    co_await shield(yield_now());
  });
}

TEST_P(ShieldTest, ThrowsWhatIsThrown) {
  EXPECT_THROW(run([]() -> Task<void> {
                 ManualEvent event;
                 event.set();
                 (void)co_await shield(fail_after(event));
               }),
               std::runtime_error);
}

// The result is delivered. The wait after it ends the task.
TEST_P(ShieldTest, ACancelWaitsForTheEndAndTakesEffectAtTheNextWait) {
  run([]() -> Task<void> {
    ManualEvent event;
    std::atomic<int> got{0};
    std::atomic<bool> went_on{false};
    auto task = spawn([&]() -> Task<void> {
      got = co_await shield(give_after(event, 7));
      co_await yield_now();
      went_on = true;
    });
    co_await until([&] { return event.awaited(); });
    task.cancel();
    for (int i = 0; i < 10; ++i) co_await yield_now();
    EXPECT_TRUE(event.awaited());
    EXPECT_FALSE(task.ended());
    event.set();
    const Outcome<void> ended = co_await std::move(task).outcome();
    EXPECT_TRUE(ended.cancelled());
    EXPECT_EQ(got, 7);
    EXPECT_FALSE(went_on);
  });
}

TEST_P(ShieldTest, IsBegunEvenAfterTheCancel) {
  run([]() -> Task<void> {
    std::atomic<bool> ran{false};
    std::atomic<bool> go{false};
    std::atomic<bool> running{false};
    auto task = spawn([&]() -> Task<int> {
      running = true;
      while (!go) std::this_thread::yield();  // a computation during which the cancel comes
      auto commit = [&]() -> Task<void> {
        co_await yield_now();
        ran = true;
      };
      co_await shield(commit());
      co_return 5;
    });
    std::thread canceller([&] {
      while (!running) std::this_thread::yield();
      task.cancel();
      go = true;
    });
    co_await until([&] { return task.ended(); });
    canceller.join();
    const Outcome<int> ended = co_await std::move(task).outcome();
    EXPECT_TRUE(ran);
    EXPECT_TRUE(ended.has_value());  // it did not wait again
  });
}

TEST_P(ShieldTest, WhatIsInTheMiddleOfAnUnshieldedWaitIsCancelledThrough) {
  run([]() -> Task<void> {
    ManualEvent inner;
    ManualEvent outer;
    auto task = spawn([&]() -> Task<void> {
      auto both = [&]() -> Task<void> {
        co_await shield(give_after(inner, 1));
        co_await outer;
      };
      co_await timeout(both(), 1h);
    });
    co_await until([&] { return inner.awaited(); });
    task.cancel();
    inner.set();
    const Outcome<void> ended = co_await std::move(task).outcome();
    EXPECT_TRUE(ended.cancelled());
    EXPECT_FALSE(outer.awaited());
  });
}

TEST_P(ShieldTest, ATimeoutWithinStillHolds) {
  run([]() -> Task<void> {
    ManualEvent never;
    auto task = spawn([&]() -> Task<void> { co_await shield(timeout(never.wait(), 1ms)); });
    co_await until([&] { return never.awaited() || task.ended(); });
    task.cancel();
    const Outcome<void> ended = co_await std::move(task).outcome();
    EXPECT_TRUE(ended.failed());  // IoError: timed out
  });
}

TEST_P(ShieldTest, WorksFromAFiber) {
  run([]() -> Task<void> {
    ManualEvent event;
    std::atomic<int> got{0};
    std::atomic<bool> went_on{false};
    auto task = spawn(fiber([&] {
      got = await(shield(give_after(event, 9)));
      await(yield_now());
      went_on = true;
    }));
    co_await until([&] { return event.awaited(); });
    task.cancel();
    event.set();
    const Outcome<void> ended = co_await std::move(task).outcome();
    EXPECT_TRUE(ended.cancelled());
    EXPECT_EQ(got, 9);
    EXPECT_FALSE(went_on);
  });
}

TEST_P(ShieldTest, ADroppedFutureOfAShieldRunsToItsEnd) {
  run([]() -> Task<void> {
    ManualEvent event;
    std::atomic<bool> ran{false};
    auto commit = [&]() -> Task<void> {
      co_await event;
      ran = true;
    };
    {
      auto future = as_future(shield(commit()));
      const Waker waker;
      Context cx(waker);
      EXPECT_TRUE(future.poll(cx).is_pending());
      co_await until([&] { return event.awaited(); });
    }
    event.set();
    co_await until([&] { return ran.load(); });
  });
}

TEST_P(ShieldTest, AShutdownWaitsForIt) {
  ManualEvent event;
  std::atomic<bool> ran{false};
  run([&]() -> Task<void> {
    spawn([&]() -> Task<void> {
      auto commit = [&]() -> Task<void> {
        co_await event;
        ran = true;
      };
      co_await shield(commit());
    }).detach();
    co_await until([&] { return event.awaited(); });
  });
  std::thread late([&] { event.set(); });
  end_runtime();
  late.join();
  EXPECT_TRUE(ran);
}

// The cancel comes from another thread at any moment. The value always arrives.
TEST_P(ShieldTest, ACancelFromAnotherThreadAtAnyMomentLosesNothing) {
  for (int round = 0; round < 200; ++round) {
    ManualEvent event;
    std::atomic<int> got{0};
    auto task = runtime().spawn([&]() -> Task<void> {
      got = co_await shield(give_after(event, 3));
      co_await yield_now();
    });
    std::thread canceller([&] { task.cancel(); });
    std::thread setter([&] { event.set(); });
    run([&]() -> Task<void> { co_await until([&] { return task.ended(); }); });
    canceller.join();
    setter.join();
    ASSERT_TRUE(got == 3 || event.tokens() == 1) << "round " << round;
  }
}

}  // namespace
}  // namespace weft::test::shield_test
