// Latch and Barrier: counts, rounds, leaders, and cancels that leave both right.
#include <weft/barrier.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/latch.hpp>
#include <weft/on_complete.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::latch_test {
namespace {

using namespace std::chrono_literals;

class LatchTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(LatchTest);
class BarrierTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(BarrierTest);

TEST(Latch, WithoutARuntime) {
  Latch none(0);
  EXPECT_TRUE(none.ready());
  none.blocking_wait();
  Latch latch(4);
  latch.count_down(2);
  latch.count_down(0);
  EXPECT_FALSE(latch.ready());
  latch.count_down();
  latch.blocking_arrive_and_wait();
  EXPECT_TRUE(latch.ready());
  latch.count_down(0);
}

TEST(LatchDeathTest, MistakesAreNamed) {
  EXPECT_DEATH(Latch(SIZE_MAX), "count so far");
  EXPECT_DEATH(
      {
        Latch latch(1);
        latch.count_down(2);
      },
      "below zero");
  EXPECT_DEATH(Barrier(0), "at least one");
}

TEST_P(LatchTest, AllGoOnAtZeroAndNotBefore) {
  run([]() -> Task<void> {
    Latch latch(3);
    std::atomic<int> gone_on = 0;
    std::vector<JoinHandle<void>> handles;
    for (std::size_t i = 0; i < 5; ++i) {
      handles.push_back(spawn([&]() -> Task<void> {
        co_await latch.wait();
        ++gone_on;
      }));
    }
    co_await until([&] { return latch.waiting() == 5; });
    latch.count_down();
    latch.count_down();
    for (int i = 0; i < 10; ++i) co_await yield_now();
    EXPECT_EQ(gone_on, 0);
    EXPECT_FALSE(latch.ready());
    latch.count_down();
    EXPECT_TRUE(latch.ready());
    for (auto& handle : handles) co_await std::move(handle);
    EXPECT_EQ(gone_on, 5);
    co_await latch.wait();
  });
}

TEST_P(LatchTest, WhatWasCountedStaysCountedThoughTheWaitIsCancelled) {
  run([]() -> Task<void> {
    Latch latch(2);
    auto arrives = [&]() -> Task<void> { co_await latch.arrive_and_wait(); };
    auto handle = spawn(arrives);
    co_await until([&] { return latch.waiting() == 1; });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    co_await latch.arrive_and_wait();
  });
}

TEST_P(LatchTest, ThoseWhoArriveSeeWhatAllDid) {
  constexpr std::size_t parties = 8;
  std::array<int, parties> done{};  // no atomics: the latch orders them
  run([&]() -> Task<void> {
    Latch latch(parties);
    co_await scope([&](Scope& s) -> Task<void> {
      for (std::size_t i = 0; i < parties; ++i) {
        s.spawn([&, i]() -> Task<void> {
          done[i] = 1;
          co_await latch.arrive_and_wait();
          for (const int other : done) EXPECT_EQ(other, 1);
        });
      }
      co_return;
    });
  });
}

// Barrier

TEST_P(BarrierTest, RoundsOfTasksFibersAndAThread) {
  constexpr int rounds = 100;
  constexpr std::size_t parties = 5;
  Barrier barrier(parties);
  std::array<int, parties> at{};  // no atomics: the barrier orders them
  std::atomic<int> leaders = 0;
  const auto check = [&](int round) {
    for (const int other : at) EXPECT_EQ(other, round);
  };
  std::thread thread([&] {
    for (int round = 1; round <= rounds; ++round) {
      at[0] = round;
      leaders += barrier.blocking_arrive_and_wait() ? 1 : 0;
      check(round);
      leaders += barrier.blocking_arrive_and_wait() ? 1 : 0;
    }
  });
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      for (std::size_t i = 1; i < parties - 1; ++i) {
        s.spawn([&, i]() -> Task<void> {
          for (int round = 1; round <= rounds; ++round) {
            at[i] = round;
            const bool first = co_await barrier.arrive_and_wait();
            check(round);
            const bool second = co_await barrier.arrive_and_wait();
            leaders += (first ? 1 : 0) + (second ? 1 : 0);
          }
        });
      }
      s.spawn(fiber([&] {
        for (int round = 1; round <= rounds; ++round) {
          at[parties - 1] = round;
          const bool first = await(barrier.arrive_and_wait());
          check(round);
          const bool second = await(barrier.arrive_and_wait());
          leaders += (first ? 1 : 0) + (second ? 1 : 0);
        }
      }));
      co_return;
    });
  });
  thread.join();
  EXPECT_EQ(leaders, 2 * rounds) << "one a round";
}

TEST_P(BarrierTest, ACancelTakesTheArrivalBack) {
  run([]() -> Task<void> {
    Barrier barrier(2);
    auto arrives = [&]() -> Task<bool> {
      const bool leader = co_await barrier.arrive_and_wait();
      co_return leader;
    };
    auto handle = spawn(arrives);
    co_await until([&] { return barrier.waiting() == 1; });
    handle.cancel();
    const Outcome<bool> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_EQ(barrier.waiting(), 0U);

    auto timed = co_await select(barrier.arrive_and_wait(), sleep_for(1ms));
    EXPECT_EQ(timed.index(), 1U) << "it waits for two, still";
    auto other = spawn(arrives);
    co_await until([&] { return barrier.waiting() == 1; });
    const bool leader = co_await barrier.arrive_and_wait();
    EXPECT_TRUE(leader);
    other.cancel();  // too late: the round was complete
    const bool led = co_await std::move(other);
    EXPECT_FALSE(led);
  });
}

TEST_P(BarrierTest, WaitsLikeEverythingElse) {
  run([]() -> Task<void> {
    Barrier alone(1);
    for (int i = 0; i < 1000; ++i) {
      const bool leader = co_await alone.arrive_and_wait();
      EXPECT_TRUE(leader);
    }
    EXPECT_THROW(alone.blocking_arrive_and_wait(), std::logic_error);
    Barrier barrier(2);
    std::atomic<int> leaders = 0;
    auto handle =
        on_complete(barrier.arrive_and_wait(), [&](bool leader) { leaders += leader ? 1 : 0; });
    co_await until([&] { return barrier.waiting() == 1; });
    const std::int64_t blocks = frame_pool_stats().live_blocks;
    const bool leader = co_await barrier.arrive_and_wait();
    EXPECT_LE(frame_pool_stats().live_blocks, blocks);
    co_await std::move(handle);
    EXPECT_TRUE(leader);
    EXPECT_EQ(leaders, 0);
  });
}

TEST_P(BarrierTest, TheLastRoundMayEndItsLife) {
  constexpr std::size_t rounds = 300;
  std::vector<std::unique_ptr<Barrier>> barriers;
  for (std::size_t i = 0; i < rounds; ++i) barriers.push_back(std::make_unique<Barrier>(2));
  // The thread that is not the leader destroys it. The leader may still be waking the others.
  std::thread thread([&] {
    for (auto& barrier : barriers) {
      Barrier& borrowed = *barrier;
      if (!borrowed.blocking_arrive_and_wait()) barrier.reset();
    }
  });
  run([&]() -> Task<void> {
    for (auto& barrier : barriers) {
      Barrier& borrowed = *barrier;
      const bool leader = co_await borrowed.arrive_and_wait();
      if (!leader) barrier.reset();
    }
  });
  thread.join();
}

}  // namespace
}  // namespace weft::test::latch_test
