// Scope::all_ended(): the wait for the children so far. SpawnOptions::isolated(): a child whose
// failure is its own. never(): the wait for a cancel.
#include <weft/fiber.hpp>
#include <weft/on_complete.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::scope_children_test {
namespace {

using namespace std::chrono_literals;

class ScopeChildrenTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(ScopeChildrenTest);

Task<void> fail(const char* what) {
  co_await yield_now();
  throw std::runtime_error(what);
}

TEST_P(ScopeChildrenTest, AllEndedWaitsForEachRound) {
  std::atomic<int> ended = 0;
  run([&]() -> Task<void> {
    auto child = [&]() -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await yield_now();
      ++ended;
    };
    co_await scope([&](Scope& s) -> Task<void> {
      co_await s.all_ended();  // there are none
      for (int round = 1; round <= 100; ++round) {
        std::vector<JoinHandle<void>> handles;
        for (int i = 0; i < 3; ++i) handles.push_back(s.spawn(std::ref(child)));
        co_await s.all_ended();
        EXPECT_EQ(ended.load(), 3 * round);
        for (const auto& handle : handles) EXPECT_TRUE(handle.ended());
        EXPECT_EQ(s.size(), 0U);
      }
    });
  });
}

TEST_P(ScopeChildrenTest, AllEndedCountsChildrenThatChildrenSpawn) {
  std::atomic<int> ended = 0;
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      std::function<Task<void>(int)> child = [&](int left) -> Task<void> {
        co_await yield_now();
        if (left > 0) s.spawn(std::ref(child), left - 1).detach();
        ++ended;
      };
      s.spawn(std::ref(child), 9).detach();
      co_await s.all_ended();
      EXPECT_EQ(ended.load(), 10);
    });
  });
}

TEST_P(ScopeChildrenTest, AllEndedIsAwaitedByMany) {
  run([]() -> Task<void> {
    ManualEvent go;
    co_await scope([&](Scope& s) -> Task<void> {
      auto waits = [&]() -> Task<void> { co_await go; };
      s.spawn(waits).detach();
      co_await until([&] { return go.awaited(); });
      auto opens = [&]() -> Task<void> {
        go.set();
        co_return;
      };
      (void)co_await when_all(s.all_ended(), s.all_ended(), opens(), s.all_ended());
      EXPECT_EQ(s.size(), 0U);
    });
  });
}

TEST_P(ScopeChildrenTest, AllEndedStopsWaitingByACancel) {
  run([]() -> Task<void> {
    ManualEvent go;
    co_await scope([&](Scope& s) -> Task<void> {
      auto waits = [&]() -> Task<void> { co_await go; };
      s.spawn(waits).detach();
      co_await until([&] { return go.awaited(); });
      auto first = co_await select(yield_now(), s.all_ended());
      EXPECT_EQ(first.index(), 0U);
      EXPECT_FALSE(first.has<1>());
      go.set();
      co_await s.all_ended();
    });
  });
}

TEST_P(ScopeChildrenTest, AChildsFailureEndsAllEndedAsItEndsTheBody) {
  bool went_on = false;
  std::string what;
  run([&]() -> Task<void> {
    try {
      co_await scope([&](Scope& s) -> Task<void> {
        s.spawn(fail, "child").detach();
        co_await s.all_ended();
        co_await yield_now();
        went_on = true;
      });
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
  });
  EXPECT_EQ(what, "child");
  EXPECT_FALSE(went_on);
}

TEST_P(ScopeChildrenTest, AnIsolatedChildFailsAlone) {
  allow_failures();
  int served = 0;
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      const SpawnOptions isolated = SpawnOptions().isolated();
      auto sibling = s.spawn([]() -> Task<int> {
        for (int i = 0; i < 10; ++i) co_await yield_now();
        co_return 1;
      });
      s.spawn(isolated, fail, "task").detach();
      s.spawn(isolated, fiber([] { throw std::runtime_error("fiber"); })).detach();
      on_complete(SpawnOptions().owner(s).isolated(), fail("callback"), [] {}).detach();
      co_await s.all_ended();
      served = co_await std::move(sibling);
    });
  });
  end_runtime();
  EXPECT_EQ(served, 1);
  std::vector<std::string> whats;
  for (const Failure& failure : failures()) whats.push_back(failure.what);
  std::ranges::sort(whats);
  EXPECT_EQ(whats, (std::vector<std::string>{"callback", "fiber", "task"}));
}

TEST_P(ScopeChildrenTest, AnIsolatedChildsFailureIsTheJoiners) {
  run([]() -> Task<void> {
    std::string what;
    co_await scope([&](Scope& s) -> Task<void> {
      auto handle = s.spawn(SpawnOptions().isolated(), fail, "joined");
      try {
        co_await std::move(handle);
      } catch (const std::runtime_error& error) {
        what = error.what();
      }
    });
    EXPECT_EQ(what, "joined");
  });
}

TEST_P(ScopeChildrenTest, AnIsolatedChildIsCancelledWithItsScope) {
  Log log;
  run([&]() -> Task<void> {
    auto child = [&]() -> Task<void> {
      const Logged local(log, "unwound");
      co_await never();
    };
    std::string what;
    try {
      co_await scope([&](Scope& s) -> Task<void> {
        s.spawn(SpawnOptions().isolated(), child).detach();
        s.spawn(fail, "other").detach();
        co_await never();
      });
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "other");
  });
  EXPECT_EQ(log.words(), std::vector<std::string>{"unwound"});
}

TEST_P(ScopeChildrenTest, NeverEndsByACancelAlone) {
  run([]() -> Task<void> {
    auto first = co_await select(never(), yield_now());
    EXPECT_EQ(first.index(), 1U);
    EXPECT_FALSE(first.has<0>());
    auto handle = spawn(never());
    co_await yield_now();
    EXPECT_FALSE(handle.ended());
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    auto in_fiber = spawn(fiber([] { await(never()); }));
    co_await yield_now();
    in_fiber.cancel();
    const Outcome<void> unwound = co_await std::move(in_fiber).outcome();
    EXPECT_TRUE(unwound.cancelled());
  });
}

TEST(Never, MovesNoVirtualTime) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    const TimePoint start = now();
    auto first = co_await select(never(), sleep_for(1s));
    EXPECT_EQ(first.index(), 1U);
    EXPECT_LT(now() - start, 2s);
  });
}

}  // namespace
}  // namespace weft::test::scope_children_test
