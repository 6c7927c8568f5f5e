// Mutex: guards, order, mutual exclusion across waits, threads and tasks together.
#include <weft/fiber.hpp>
#include <weft/mutex.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::mutex_test {
namespace {

class MutexTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(MutexTest);

TEST(Mutex, GuardsWithoutARuntime) {
  Mutex mutex;
  EXPECT_FALSE(mutex.locked());
  MutexGuard guard = mutex.try_lock();
  EXPECT_TRUE(guard);
  EXPECT_TRUE(mutex.locked());
  EXPECT_FALSE(mutex.try_lock());

  MutexGuard other = std::move(guard);
  EXPECT_FALSE(guard);
  EXPECT_TRUE(mutex.locked());
  other = MutexGuard();  // unlocks the mutex that it held
  EXPECT_FALSE(mutex.locked());
  other = mutex.blocking_lock();
  EXPECT_TRUE(mutex.locked());
  other.unlock();
  EXPECT_FALSE(other);
  other.unlock();
  EXPECT_FALSE(mutex.locked());
  mutex.try_lock().forget();
  EXPECT_TRUE(mutex.locked());
  mutex.unlock();
  EXPECT_FALSE(mutex.locked());
}

TEST(MutexDeathTest, MistakesAreNamed) {
  Mutex mutex;
  EXPECT_DEATH(mutex.unlock(), "was not locked");
}

Task<void> lock_and_log(Mutex& mutex, Log& log, std::string name) {
  const MutexGuard guard = co_await mutex.lock();
  log.add(std::move(name));
  co_await yield_now();
}

TEST_P(MutexTest, FirstComeFirstServed) {
  Log log;
  std::vector<std::string> expected;
  run([&]() -> Task<void> {
    Mutex mutex;
    MutexGuard guard = co_await mutex.lock();
    std::vector<JoinHandle<void>> waiting;
    for (std::size_t i = 0; i < 20; ++i) {
      expected.push_back(std::to_string(i));
      waiting.push_back(spawn(lock_and_log, std::ref(mutex), std::ref(log), expected.back()));
      co_await until([&] { return mutex.waiting() == i + 1; });
    }
    waiting[7].cancel();
    co_await until([&] { return mutex.waiting() == 19; });
    guard.unlock();
    if (GetParam() <= 1) {  // elsewhere all of them may have had it meanwhile
      EXPECT_FALSE(mutex.try_lock()) << "it was handed over";
    }
    for (JoinHandle<void>& handle : waiting) {
      const Outcome<void> outcome = co_await std::move(handle).outcome();
      EXPECT_FALSE(outcome.failed());
    }
    EXPECT_FALSE(mutex.locked());
  });
  expected.erase(expected.begin() + 7);
  EXPECT_EQ(log.words(), expected);
}

TEST_P(MutexTest, WhoHasSpentItsBudgetDoesNotKeepTheLockFromOthers) {
  if (GetParam() > 1) return;  // the tasks have to run in turn on one thread
  run([]() -> Task<void> {
    Mutex mutex;
    std::atomic<bool> done = false;
    int turns = 0;
    auto other = spawn([&]() -> Task<void> {
      while (!done) {
        EXPECT_FALSE(mutex.locked());
        ++turns;
        co_await yield_now();
      }
    });
    for (std::uint32_t i = 0; i < 20 * TaskHeader::full_budget; ++i) {
      const MutexGuard guard = co_await mutex.lock();
    }
    done = true;
    co_await std::move(other);
    EXPECT_GE(turns, 10);
  });
}

TEST_P(MutexTest, ACancelMeetsOneWhoHasSpentItsBudget) {
  run([]() -> Task<void> {
    Mutex mutex;
    auto endless = [&]() -> Task<void> {
      for (;;) const MutexGuard guard = co_await mutex.lock();
    };
    std::vector<JoinHandle<void>> handles;
    for (int i = 0; i < 4; ++i) handles.push_back(spawn(endless));
    for (JoinHandle<void>& handle : handles) {
      co_await yield_now();
      handle.cancel();
    }
    for (JoinHandle<void>& handle : handles) {
      const Outcome<void> outcome = co_await std::move(handle).outcome();
      EXPECT_TRUE(outcome.cancelled());
    }
    EXPECT_FALSE(mutex.locked());
  });
}

TEST_P(MutexTest, OneAtATimeInTasksFibersAndThreads) {
  constexpr int each = 300;
  constexpr int of_a_kind = 4;
  Mutex mutex;
  int inside = 0;  // guarded by mutex, as what follows
  int count = 0;
  const auto enter = [&] {
    EXPECT_EQ(inside++, 0);
    ++count;
  };
  std::thread thread([&] {
    for (int i = 0; i < each; ++i) {
      const MutexGuard guard = mutex.blocking_lock();
      enter();
      --inside;
    }
  });
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      for (int task = 0; task < of_a_kind; ++task) {
        s.spawn([&]() -> Task<void> {
          for (int i = 0; i < each; ++i) {
            const MutexGuard guard = co_await mutex.lock();
            enter();
            if (i % 3 == 0) co_await yield_now();
            --inside;
          }
        });
        s.spawn(fiber([&] {
          for (int i = 0; i < each; ++i) {
            const MutexGuard guard = await(mutex.lock());
            enter();
            if (i % 3 == 0) await(yield_now());
            --inside;
          }
        }));
      }
      co_return;
    });
  });
  thread.join();
  EXPECT_EQ(count, each * (2 * of_a_kind + 1));
  EXPECT_FALSE(mutex.locked());
}

TEST_P(MutexTest, NothingIsLostUnderCancelsFromEverywhere) {
  run([]() -> Task<void> {
    Mutex mutex;
    for (int round = 0; round < 100; ++round) {
      std::vector<JoinHandle<void>> handles;
      for (int i = 0; i < 12; ++i) {
        handles.push_back(spawn([&]() -> Task<void> {
          const MutexGuard guard = co_await mutex.lock();
          co_await yield_now();
        }));
      }
      for (std::size_t i = 0; i < handles.size(); i += 2) {
        handles[i].cancel();
        if (i % 4 == 0) co_await yield_now();
      }
      for (JoinHandle<void>& handle : handles) {
        const Outcome<void> outcome = co_await std::move(handle).outcome();
        EXPECT_FALSE(outcome.failed());
      }
      EXPECT_FALSE(mutex.locked());
      EXPECT_EQ(mutex.waiting(), 0U);
    }
  });
}

}  // namespace
}  // namespace weft::test::mutex_test
