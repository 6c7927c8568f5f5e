// A join of a task that was just spawned runs it at once, before any task waits: for coroutines and
// for fibers, with every way to end, and without taking other tasks' turns.
#include <weft/fiber.hpp>
#include <weft/metrics.hpp>
#include <weft/scope.hpp>
#include <weft/semaphore.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::run_ahead_test {
namespace {

class RunAhead : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(RunAhead);

Task<int> gives(int value) { co_return value; }

TEST_P(RunAhead, AChildThatEndsAtOnceGivesItsResult) {
  run([]() -> Task<void> {
    for (int i = 0; i < 1000; ++i) {
      auto handle = spawn(gives, i);
      const int value = co_await std::move(handle);
      EXPECT_EQ(value, i);
    }
  });
  run(fiber([&] {
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(await(spawn(fiber([i] { return i; }))), i);
  }));
}

TEST_P(RunAhead, AChildThatWaitsIsWaitedFor) {
  ManualEvent event;
  Log log;
  run([&]() -> Task<void> {
    auto setter = spawn([&]() -> Task<void> {
      co_await yield_now();
      event.set();
    });
    auto child = spawn([&]() -> Task<int> {
      log.add("begins");
      co_await event;
      log.add("goes on");
      co_return 5;
    });
    const int value = co_await std::move(child);
    EXPECT_EQ(value, 5);
    log.add("joined");
    co_await std::move(setter);
  });
  EXPECT_EQ(log.words(), (std::vector<std::string>{"begins", "goes on", "joined"}));
}

TEST_P(RunAhead, AFiberThatWaitsIsWaitedFor) {
  ManualEvent event;
  Log log;
  run(fiber([&] {
    auto setter = spawn(fiber([&] {
      await(yield_now());
      event.set();
    }));
    auto child = spawn(fiber([&] {
      log.add("begins");
      await(event.wait());
      log.add("goes on");
      return 5;
    }));
    EXPECT_EQ(await(std::move(child)), 5);
    log.add("joined");
    await(std::move(setter));
  }));
  EXPECT_EQ(log.words(), (std::vector<std::string>{"begins", "goes on", "joined"}));
}

TEST_P(RunAhead, AFiberThatAwaitsATaskOrYieldsIsWaitedFor) {
  run(fiber([&] {
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(await(spawn(fiber([i] { return await(gives(i)); }))), i);
      EXPECT_EQ(await(spawn(fiber([i] {
                  await(yield_now());
                  return await(spawn(gives, i));
                }))),
                i);
    }
  }));
}

TEST_P(RunAhead, AFailureReachesTheJoinerAlone) {
  run([&]() -> Task<void> {
    auto child = spawn([]() -> Task<int> {
      throw std::domain_error("no");
      co_return 0;
    });
    try {
      co_await std::move(child);
      ADD_FAILURE() << "no exception";
    } catch (const std::domain_error&) {
    }
  });
  run(fiber([&] {
    EXPECT_THROW(await(spawn(fiber([] { throw std::domain_error("no"); }))), std::domain_error);
  }));
  EXPECT_TRUE(failures().empty());
}

Task<int> descends(int depth) {
  if (depth == 0) co_return 0;
  auto child = spawn(descends, depth - 1);
  co_return co_await std::move(child) + 1;
}

int descends_in_fibers(int depth) {
  return depth == 0 ? 0 : await(spawn(fiber(descends_in_fibers, depth - 1))) + 1;
}

TEST_P(RunAhead, DeepChainsTakeABoundedStack) {
  EXPECT_EQ(run(descends(20'000)), 20'000);
  EXPECT_EQ(run(fiber(descends_in_fibers, 300)), 300);
}

TEST_P(RunAhead, WhoHasBeenCancelledDoesNotWait) {
  run([&]() -> Task<void> {
    ManualEvent go;
    auto parent = spawn([&]() -> Task<void> {
      co_await go;
      auto child = spawn(gives, 1);
      co_await std::move(child);
      ADD_FAILURE() << "the wait went on";
    });
    co_await yield_now();
    parent.cancel();
    go.set();
    const auto outcome = co_await std::move(parent).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
}

TEST_P(RunAhead, AScopesCancelIsSeenByAChildThatHasNotWaitedYet) {
  Semaphore free(1);
  run(scope([&](Scope& children) -> Task<void> {
    auto child = children.spawn([&]() -> Task<int> {
      children.cancel_children();
      const Permit permit = co_await free.acquire();  // could be acquired at once
      co_return 1;
    });
    const auto outcome = co_await std::move(child).outcome();
    EXPECT_TRUE(outcome.cancelled());
  }));
  EXPECT_EQ(free.available(), 1U);
}

TEST_P(RunAhead, AShutdownReachesTasksThatHaveNotRunYet) {
  std::atomic<int> ended{0};
  Semaphore never(0);
  run([&]() -> Task<void> {
    for (int i = 0; i < 10; ++i) {
      spawn([&]() -> Task<void> {
        const std::shared_ptr<void> at_the_end(nullptr, [&](void*) { ++ended; });
        const Permit permit = co_await never.acquire();
      }).detach();
    }
    co_return;
  });
  end_runtime();
  EXPECT_EQ(ended, 10);
}

TEST_P(RunAhead, WhoSpawnsAndJoinsAllTheTimeLeavesOthersTheirTurns) {
  if (GetParam() > 1) GTEST_SKIP() << "an order is promised only on one worker";
  int turns = 0;
  bool done = false;
  run([&]() -> Task<void> {
    auto busy = spawn([&]() -> Task<void> {
      for (int i = 0; i < 10'000; ++i) {
        auto child = spawn(gives, i);
        co_await std::move(child);
      }
      done = true;
    });
    while (!done) {
      ++turns;
      co_await yield_now();
    }
    co_await std::move(busy);
  });
  // A task whose thread is preempted in the middle of its turn looks like one that computes.
  if (runtime().metrics().total.long_runs == 0) {
    EXPECT_GE(turns, 10'000 / 256);
  }
}

}  // namespace
}  // namespace weft::test::run_ahead_test
