// resume_on(): a task goes on on another runtime and stays there, and its own runtime still owns
// it.
#include <weft/fiber.hpp>
#include <weft/resume_on.hpp>
#include <weft/scope.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::resume_on_test {
namespace {

using namespace std::chrono_literals;

class ResumeOnTest : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    host_.emplace(options_for(2));
  }
  void TearDown() override {
    host_.reset();
    RuntimeTest::TearDown();
  }
  [[nodiscard]] Runtime& host() { return *host_; }
  void end_host() { host_.reset(); }

 private:
  std::optional<Runtime> host_;
};
WEFT_ON_ALL_RUNTIMES(ResumeOnTest);

bool runs_on(Runtime& runtime) {
  return detail::OwnedTasks::current_or_null() == &detail::owned_tasks_of(runtime);
}

TEST_P(ResumeOnTest, ItGoesOnThereAndStays) {
  run([&]() -> Task<void> {
    EXPECT_TRUE(runs_on(runtime()));
    co_await resume_on(host());
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(runs_on(host()));
      co_await yield_now();
      if (i % 10 == 0) co_await sleep_for(10us);
      co_await when_all(yield_now(), sleep_for(1us));
    }
    EXPECT_EQ(host().live_tasks(), 1U);
    co_await resume_on(runtime());
    EXPECT_TRUE(runs_on(runtime()));
    co_await sleep_for(10us);
    EXPECT_TRUE(runs_on(runtime()));
  });
  EXPECT_EQ(host().live_tasks(), 0U);
}

TEST_P(ResumeOnTest, WhoSwitchesWithinACallGoesOnThereAfterIt) {
  run([&]() -> Task<void> {
    auto inner = [&]() -> Task<int> {
      co_await resume_on(host());
      co_return 3;
    };
    const int value = co_await inner();
    EXPECT_EQ(value, 3);
    EXPECT_TRUE(runs_on(host()));
  });
}

TEST_P(ResumeOnTest, ItMayEndThere) {
  auto guest = runtime().spawn([&]() -> Task<int> {
    co_await resume_on(host());
    co_return 5;
  });
  EXPECT_EQ(run([&] { return std::move(guest); }), 5);
  auto fails = runtime().spawn([&]() -> Task<int> {
    co_await resume_on(host());
    throw std::runtime_error("there");
  });
  EXPECT_THROW(run([&] { return std::move(fails); }), std::runtime_error);
}

// Any thread that wakes the task makes it runnable on the runtime to which it has moved.
TEST_P(ResumeOnTest, ItIsWokenFromElsewhere) {
  ManualEvent event;
  std::atomic<bool> there{false};
  auto guest = runtime().spawn([&]() -> Task<void> {
    co_await resume_on(host());
    there.store(true);
    co_await event.wait();
    EXPECT_TRUE(runs_on(host()));
  });
  run([&]() -> Task<void> {
    co_await until([&] { return there.load(); });
    event.set();
    co_await std::move(guest);
  });
}

TEST_P(ResumeOnTest, ItCanBeCancelledThere) {
  std::atomic<bool> there{false};
  auto guest = runtime().spawn([&]() -> Task<void> {
    co_await resume_on(host());
    there.store(true);
    co_await sleep_for(1h);
  });
  run([&]() -> Task<void> {
    co_await until([&] { return there.load(); });
    guest.cancel();
    const Outcome<void> outcome = co_await std::move(guest).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  std::atomic<bool> cancelled{false};
  auto at_the_door = runtime().spawn([&]() -> Task<void> {
    while (!cancelled.load()) {
    }
    co_await resume_on(host());
    ADD_FAILURE() << "cancelled before";
  });
  at_the_door.cancel();
  cancelled.store(true);
  EXPECT_TRUE(run([&] { return std::move(at_the_door).outcome(); }).cancelled());
}

TEST_P(ResumeOnTest, ItsOwnersShutdownEndsIt) {
  for (int round = 0; round < 10; ++round) {  // each round its end races its owner's
    std::atomic<bool> there{false};
    runtime()
        .spawn([&]() -> Task<void> {
          co_await resume_on(host());
          there.store(true);
          co_await sleep_for(1h);
        })
        .detach();
    run([&]() -> Task<void> { co_await until([&] { return there.load(); }); });
    end_runtime();
  }
  while (host().live_tasks() != 0) std::this_thread::yield();  // the host is told last
}

TEST_P(ResumeOnTest, TheHostsShutdownWaitsForIt) {
  ManualEvent leave;
  std::atomic<bool> there{false};
  auto guest = runtime().spawn([&]() -> Task<void> {
    co_await resume_on(host());
    there.store(true);
    co_await leave.wait();
    EXPECT_THROW(static_cast<void>(detail::owned_tasks_of(host())), std::logic_error);
    co_await resume_on(runtime());
    EXPECT_TRUE(runs_on(runtime()));
  });
  run([&]() -> Task<void> { co_await until([&] { return there.load(); }); });
  std::atomic<bool> ended{false};
  std::thread ends([&] {
    host().shutdown();
    ended.store(true);
  });
  // The host accepts no more tasks, but still has this one.
  while (true) {
    try {
      static_cast<void>(detail::owned_tasks_of(host()));
      std::this_thread::yield();
    } catch (const std::logic_error&) {
      break;
    }
  }
  EXPECT_FALSE(ended.load());
  leave.set();
  run([&] { return std::move(guest); });
  ends.join();
}

TEST_P(ResumeOnTest, ARuntimeThatHasEndedIsRefused) {
  host().shutdown();
  run([&]() -> Task<void> {
    EXPECT_THROW(static_cast<void>(resume_on(host())), std::logic_error);
    co_await yield_now();
    EXPECT_TRUE(runs_on(runtime()));
  });
}

TEST_P(ResumeOnTest, WhatIsBoundToItsWorkerStays) {
  run([&]() -> Task<void> {
    auto local = spawn(SpawnOptions().local(), [&]() -> Task<void> {
      bool refused = false;
      try {
        co_await resume_on(host());
      } catch (const std::logic_error&) {
        refused = true;
      }
      EXPECT_TRUE(refused);
      EXPECT_TRUE(runs_on(runtime()));
    });
    co_await std::move(local);
    auto fiber = spawn(weft::fiber([&] {
      EXPECT_THROW(await(resume_on(host())), std::logic_error);
      EXPECT_TRUE(runs_on(runtime()));
    }));
    co_await std::move(fiber);
  });
}

TEST_P(ResumeOnTest, ChildrenOfAGroupMayGoEachItsWay) {
  run([&]() -> Task<void> {
    auto goes = [&]() -> Task<int> {
      co_await resume_on(host());
      co_await sleep_for(10us);
      co_return runs_on(host()) ? 1 : 0;
    };
    auto stays = [&]() -> Task<int> {
      co_await sleep_for(10us);
      co_return runs_on(runtime()) ? 1 : 0;
    };
    auto [gone, stayed] = co_await when_all(goes(), stays());
    EXPECT_EQ(gone, 1);
    EXPECT_EQ(stayed, 1);
    EXPECT_TRUE(runs_on(runtime()));
    // And the other way: the children of a moved task run where it does.
    co_await resume_on(host());
    auto body = [&](Scope& all) -> Task<void> {
      all.spawn([&]() -> Task<void> {
        EXPECT_TRUE(runs_on(host()));
        co_await sleep_for(10us);
        EXPECT_TRUE(runs_on(host()));
      });
      auto back = [&]() -> Task<void> {
        co_await resume_on(runtime());
        EXPECT_TRUE(runs_on(runtime()));
      };
      co_await when_all(back(), yield_now());
    };
    co_await scope(body);
    EXPECT_TRUE(runs_on(host()));
  });
}

TEST_P(ResumeOnTest, BackAndForth) {
  auto commute = [&]() -> Task<void> {
    for (int i = 0; i < 200; ++i) {
      co_await resume_on(i % 2 == 0 ? host() : runtime());
    }
  };
  run([&]() -> Task<void> { co_await when_all(commute(), commute(), commute()); });
  EXPECT_EQ(host().live_tasks(), 0U);
}

TEST_P(ResumeOnTest, ACurrentThreadHostRunsItWhenItIsDriven) {
  Runtime driven(options_for(0));
  auto guest = runtime().spawn([&]() -> Task<std::thread::id> {
    co_await resume_on(driven);
    co_return std::this_thread::get_id();
  });
  std::atomic<bool> over{false};
  std::thread driver([&] {
    driven.block_on([&]() -> Task<void> { co_await until([&] { return over.load(); }); });
  });
  const std::thread::id there = driver.get_id();
  EXPECT_EQ(run([&] { return std::move(guest); }), there);
  over.store(true);
  driver.join();
}

}  // namespace
}  // namespace weft::test::resume_on_test
