// Semaphore: order, losslessness under cancel, permits as guards, from coroutines, fibers and
// threads.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::semaphore_test {
namespace {

using namespace std::chrono_literals;

class SemaphoreTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(SemaphoreTest);

using Words = std::vector<std::string>;

Task<void> take_for_good(Semaphore& semaphore, std::size_t permits, Log& log, std::string name) {
  Permit permit = co_await semaphore.acquire(permits);
  log.add(std::move(name));
  permit.forget();
}

/// Starts one that waits, and returns when it does.
Task<JoinHandle<void>> queue_up(Semaphore& semaphore, std::size_t permits, Log& log,
                                std::string name) {
  const std::size_t before = semaphore.waiting();
  auto handle = spawn(take_for_good, std::ref(semaphore), permits, std::ref(log), std::move(name));
  co_await until([&] { return semaphore.waiting() == before + 1; });
  co_return handle;
}

TEST(Semaphore, PermitsWithoutARuntime) {
  Semaphore semaphore(3);
  EXPECT_EQ(semaphore.available(), 3U);
  Permit two = semaphore.try_acquire(2);
  ASSERT_TRUE(two);
  EXPECT_EQ(two.permits(), 2U);
  EXPECT_EQ(semaphore.available(), 1U);
  EXPECT_FALSE(semaphore.try_acquire(2));
  EXPECT_TRUE(semaphore.try_acquire());  // given back at once
  EXPECT_EQ(semaphore.available(), 1U);

  Permit other = std::move(two);
  EXPECT_FALSE(two);
  EXPECT_EQ(two.permits(), 0U);
  EXPECT_EQ(semaphore.available(), 1U);
  other = semaphore.try_acquire();  // releases what it held
  EXPECT_EQ(other.permits(), 1U);
  EXPECT_EQ(semaphore.available(), 2U);
  other.release();
  EXPECT_FALSE(other);
  EXPECT_EQ(semaphore.available(), 3U);
  semaphore.try_acquire(3).forget();
  EXPECT_EQ(semaphore.available(), 0U);
  semaphore.release(2);
  EXPECT_EQ(semaphore.available(), 2U);
}

TEST(SemaphoreDeathTest, MistakesAreNamed) {
  EXPECT_DEATH(Semaphore(SIZE_MAX), "so many permits");
  Semaphore full(Semaphore::most_permits);
  EXPECT_DEATH(full.release(), "so many permits");
}

TEST_P(SemaphoreTest, AcquireTakesAndThePermitGivesBack) {
  run([]() -> Task<void> {
    Semaphore semaphore(2);
    {
      Permit one = co_await semaphore.acquire();
      EXPECT_TRUE(one);
      EXPECT_EQ(semaphore.available(), 1U);
      Permit other = co_await semaphore.acquire();
      EXPECT_EQ(semaphore.available(), 0U);
    }
    EXPECT_EQ(semaphore.available(), 2U);
    Permit both = co_await semaphore.acquire(2);
    EXPECT_EQ(both.permits(), 2U);
  });
}

TEST_P(SemaphoreTest, FirstComeFirstServed) {
  Log log;
  Words expected;
  run([&]() -> Task<void> {
    Semaphore semaphore(0);
    std::vector<JoinHandle<void>> waiting;
    for (int i = 0; i < 20; ++i) {
      expected.push_back(std::to_string(i));
      auto handle = co_await queue_up(semaphore, 1, log, expected.back());
      waiting.push_back(std::move(handle));
    }
    EXPECT_FALSE(semaphore.try_acquire());
    for (JoinHandle<void>& handle : waiting) {
      semaphore.release();
      co_await std::move(handle);
    }
    EXPECT_EQ(semaphore.available(), 0U);
  });
  EXPECT_EQ(log.words(), expected);
}

TEST_P(SemaphoreTest, NobodyPassesWhoWaitsForMore) {
  Log log;
  run([&]() -> Task<void> {
    Semaphore semaphore(1);
    auto three = co_await queue_up(semaphore, 3, log, "three");
    EXPECT_FALSE(semaphore.try_acquire()) << "one is there, but it is not its turn";
    auto one = co_await queue_up(semaphore, 1, log, "one");
    semaphore.release();
    EXPECT_EQ(semaphore.waiting(), 2U);
    semaphore.release();
    co_await std::move(three);
    EXPECT_EQ(semaphore.waiting(), 1U);
    semaphore.release();
    co_await std::move(one);
  });
  EXPECT_EQ(log.words(), (Words{"three", "one"}));
}

TEST_P(SemaphoreTest, ManyPermitsAtOnceServeManyAndTheRestStays) {
  Log log;
  run([&]() -> Task<void> {
    Semaphore semaphore(0);
    std::vector<JoinHandle<void>> waiting;
    for (const std::size_t permits : {2U, 1U, 3U}) {
      auto handle = co_await queue_up(semaphore, permits, log, std::to_string(permits));
      waiting.push_back(std::move(handle));
    }
    semaphore.release(10);
    for (JoinHandle<void>& handle : waiting) co_await std::move(handle);
    EXPECT_EQ(semaphore.available(), 4U);
  });
}

TEST_P(SemaphoreTest, AfterTheLastWaiterItIsAsBefore) {
  Log log;
  run([&]() -> Task<void> {
    Semaphore semaphore(0);
    const auto serve_one = [&]() -> Task<void> {
      auto waiter = co_await queue_up(semaphore, 1, log, "served");
      semaphore.release();
      co_await std::move(waiter);
    };
    co_await serve_one();
    EXPECT_FALSE(semaphore.try_acquire());
    EXPECT_TRUE(semaphore.try_acquire(0)) << "nobody waits, and none are wanted";
    const Permit none = co_await semaphore.acquire(0);
    EXPECT_EQ(semaphore.waiting(), 0U);
    co_await serve_one();
    semaphore.release(2);
    EXPECT_EQ(semaphore.available(), 2U);
    EXPECT_TRUE(semaphore.try_acquire(2));
  });
  EXPECT_EQ(log.words(), (Words{"served", "served"}));
}

// Cancel

TEST_P(SemaphoreTest, ACancelOfTheFirstMakesWayForTheNext) {
  Log log;
  run([&]() -> Task<void> {
    Semaphore semaphore(1);
    auto first = co_await queue_up(semaphore, 2, log, "first");
    auto second = co_await queue_up(semaphore, 1, log, "second");
    first.cancel();
    co_await std::move(second);
    const Outcome<void> outcome = co_await std::move(first).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_EQ(semaphore.available(), 0U);
    semaphore.release();
    EXPECT_TRUE(semaphore.try_acquire());
  });
  EXPECT_EQ(log.words(), Words{"second"});
}

TEST_P(SemaphoreTest, TheLastToLeaveTheQueueLeavesThePermits) {
  Log log;
  run([&]() -> Task<void> {
    Semaphore semaphore(3);
    auto handle = co_await queue_up(semaphore, 4, log, "never");
    EXPECT_FALSE(semaphore.try_acquire(3));
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_TRUE(semaphore.try_acquire(3));
  });
}

enum class Before { nothing, release, cancel };
enum class After { nothing, release, cancel };

struct Case {
  std::size_t permits;  // available at the start
  Before before;        // what happens before the wait begins
  After first;          // during the wait: first this
  After second;         // and then this
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  constexpr std::array names{"nothing", "release", "cancel"};
  return out << c.permits << " permits, before: " << names[static_cast<std::size_t>(c.before)]
             << ", then " << names[static_cast<std::size_t>(c.first)] << ", "
             << names[static_cast<std::size_t>(c.second)];
}

/// Returns whether a waiter for one permit has got it.
bool expected_to_acquire(const Case& c) {
  if (c.before == Before::cancel) return false;
  if (c.permits != 0 || c.before == Before::release) return true;
  return c.first == After::release || (c.first == After::nothing && c.second == After::release);
}

void apply(After action, Semaphore& semaphore, const JoinHandle<bool>& handle) {
  if (action == After::release) semaphore.release();
  if (action == After::cancel) handle.cancel();
}

Task<void> play(Case c) {
  Semaphore semaphore(c.permits);
  Semaphore gate(0);
  Turnstile turnstile;
  std::atomic<bool> begun = false;
  auto body = [&]() -> Task<bool> {
    while (!begun) {
      const Permit opened = co_await gate.acquire();
      begun = true;
    }
    turnstile.pass();
    Permit permit = co_await semaphore.acquire();
    permit.forget();
    co_return true;
  };
  auto handle = spawn(body);
  co_await until([&] { return gate.waiting() == 1; });
  if (c.before == Before::release) semaphore.release();
  gate.release();
  if (c.before == Before::cancel) handle.cancel();  // sticky: the gate's permit comes first
  turnstile.open();
  co_await until([&] { return handle.ended() || semaphore.waiting() == 1; });
  apply(c.first, semaphore, handle);
  apply(c.second, semaphore, handle);
  handle.cancel();
  Outcome<bool> outcome = co_await std::move(handle).outcome();
  const bool acquired = outcome.has_value();
  EXPECT_EQ(acquired, expected_to_acquire(c));
  std::size_t there = c.permits + (c.before == Before::release ? 1 : 0);
  there += (c.first == After::release ? 1 : 0) + (c.second == After::release ? 1 : 0);
  EXPECT_EQ(semaphore.available(), there - (acquired ? 1 : 0)) << "no permit is lost";
  EXPECT_EQ(semaphore.waiting(), 0U);
}

TEST_P(SemaphoreTest, EveryOrderOfReleaseAndCancel) {
  for (const std::size_t permits : {0U, 1U}) {
    for (const Before before : {Before::nothing, Before::release, Before::cancel}) {
      for (const After first : {After::nothing, After::release, After::cancel}) {
        for (const After second : {After::nothing, After::release, After::cancel}) {
          const Case c{permits, before, first, second};
          SCOPED_TRACE(::testing::Message() << c);
          run([&]() { return play(c); });
        }
      }
    }
  }
}

TEST_P(SemaphoreTest, ASelectThatLosesGivesItsPermitBack) {
  run([]() -> Task<void> {
    Semaphore semaphore(1);
    {
      auto first = co_await select(yield_now(), semaphore.acquire());
      EXPECT_EQ(semaphore.available(), first.has<1>() ? 0U : 1U);
    }
    EXPECT_EQ(semaphore.available(), 1U);
    const Permit held = co_await semaphore.acquire();
    auto timed = co_await select(semaphore.acquire(), sleep_for(1ms));
    EXPECT_EQ(timed.index(), 1U);
    EXPECT_EQ(semaphore.waiting(), 0U);
  });
}

// Contexts of use

TEST_P(SemaphoreTest, FromAFiber) {
  Log log;
  run([&]() -> Task<void> {
    Semaphore semaphore(1);
    auto body = [&] {
      Permit had_at_once = await(semaphore.acquire());
      log.add("first");
      Semaphore empty(0);
      auto releaser = spawn([&]() -> Task<void> {
        co_await until([&] { return empty.waiting() == 1; });
        empty.release(2);
      });
      const Permit waited_for = await(empty.acquire(2));
      EXPECT_EQ(waited_for.permits(), 2U);
      log.add("second");
      await(std::move(releaser));
    };
    co_await fiber(body);
    EXPECT_EQ(semaphore.available(), 1U);
  });
  EXPECT_EQ(log.words(), (Words{"first", "second"}));
}

TEST_P(SemaphoreTest, AFiberThatIsCancelledTakesNone) {
  run([]() -> Task<void> {
    Semaphore semaphore(0);
    auto handle = spawn(fiber([&] { const Permit never = await(semaphore.acquire()); }));
    co_await until([&] { return semaphore.waiting() == 1; });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    semaphore.release();
    EXPECT_EQ(semaphore.available(), 1U);
  });
}

TEST_P(SemaphoreTest, ReleasedFromAThreadOfNoRuntime) {
  constexpr int rounds = 500;
  Semaphore semaphore(0);
  std::thread releaser([&] {
    for (int i = 0; i < rounds; ++i) semaphore.release();
  });
  run([&]() -> Task<void> {
    for (int i = 0; i < rounds; ++i) {
      Permit permit = co_await semaphore.acquire();
      permit.forget();
    }
  });
  releaser.join();
  EXPECT_EQ(semaphore.available(), 0U);
}

TEST_P(SemaphoreTest, BoundsHowManyAreInside) {
  constexpr int tasks = 500;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> done = 0;
  run([&]() -> Task<void> {
    Semaphore semaphore(3);
    co_await scope([&](Scope& s) -> Task<void> {
      for (int i = 0; i < tasks; ++i) {
        s.spawn([&]() -> Task<void> {
          const Permit permit = co_await semaphore.acquire();
          const int now_inside = ++inside;
          for (int seen = most; seen < now_inside && !most.compare_exchange_weak(seen, now_inside);)
            continue;
          co_await yield_now();
          --inside;
          ++done;
        });
      }
      co_return;
    });
    EXPECT_EQ(semaphore.available(), 3U);
  });
  EXPECT_EQ(done, tasks);
  EXPECT_LE(most, 3);
}

TEST_P(SemaphoreTest, NothingIsLostUnderCancelsFromEverywhere) {
  // Waiters for one to three permits, each cancelled at some moment by another task.
  run([]() -> Task<void> {
    constexpr std::size_t permits = 4;
    Semaphore semaphore(permits);
    for (int round = 0; round < 100; ++round) {
      std::vector<JoinHandle<void>> handles;
      for (std::size_t i = 0; i < 12; ++i) {
        handles.push_back(spawn(
            [&](std::size_t wanted) -> Task<void> {
              const Permit permit = co_await semaphore.acquire(wanted);
              co_await yield_now();
            },
            i % 3 + 1));
      }
      auto canceller = spawn([&]() -> Task<void> {
        for (std::size_t i = 0; i < handles.size(); i += 2) {
          handles[i].cancel();
          if (i % 4 == 0) co_await yield_now();
        }
      });
      co_await std::move(canceller);
      for (JoinHandle<void>& handle : handles) {
        const Outcome<void> outcome = co_await std::move(handle).outcome();
        EXPECT_FALSE(outcome.failed());
      }
      EXPECT_EQ(semaphore.available(), permits);
      EXPECT_EQ(semaphore.waiting(), 0U);
    }
  });
}

TEST_P(SemaphoreTest, WaitingTakesNoMemory) {
  run([]() -> Task<void> {
    Semaphore ping(0);
    Semaphore pong(0);
    auto body = [&]() -> Task<void> {
      for (int i = 0; i < 100; ++i) {
        Permit permit = co_await ping.acquire();
        permit.forget();
        pong.release();
      }
    };
    auto handle = spawn(body);
    co_await until([&] { return ping.waiting() == 1; });
    const std::int64_t blocks = frame_pool_stats().live_blocks;
    for (int i = 0; i < 100; ++i) {
      ping.release();
      EXPECT_LE(frame_pool_stats().live_blocks, blocks);
      Permit permit = co_await pong.acquire();
      permit.forget();
    }
    co_await std::move(handle);
  });
}

TEST_P(SemaphoreTest, AnEndlessLoopOfAcquiresLetsOthersRun) {
  std::atomic<bool> stop = false;
  run([&]() -> Task<void> {
    Semaphore semaphore(1);
    auto other = spawn([&]() -> Task<void> {
      stop = true;
      co_return;
    });
    while (!stop) {
      const Permit permit = co_await semaphore.acquire();
    }
    co_await std::move(other);
  });
}

}  // namespace
}  // namespace weft::test::semaphore_test
