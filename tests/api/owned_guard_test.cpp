// Owned permits and guards: they keep their lock. Semaphore::close(): waits end with an error.
#include <weft/fiber.hpp>
#include <weft/owned_guard.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::owned_guard_test {
namespace {

using namespace std::chrono_literals;

class OwnedGuardTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(OwnedGuardTest);

TEST(OwnedGuard, KeepsItsLock) {
  auto semaphore = std::make_shared<Semaphore>(2);
  const std::weak_ptr<Semaphore> watched = semaphore;
  OwnedPermit permit = try_acquire_owned(semaphore, 2);
  EXPECT_TRUE(permit);
  EXPECT_EQ(permit.guard().permits(), 2U);
  EXPECT_EQ(permit.lock(), semaphore);
  EXPECT_FALSE(try_acquire_owned(semaphore));
  semaphore.reset();
  EXPECT_FALSE(watched.expired());
  OwnedPermit moved = std::move(permit);
  EXPECT_FALSE(permit);
  EXPECT_EQ(moved.lock()->available(), 0U);
  moved.release();
  EXPECT_TRUE(watched.expired());
  moved.release();  // no effect
}

TEST(OwnedGuard, AnAssignmentReleasesWhatWasHeld) {
  auto first = std::make_shared<Mutex>();
  auto second = std::make_shared<Mutex>();
  OwnedMutexGuard guard = try_lock_owned(first);
  EXPECT_TRUE(first->locked());
  guard = try_lock_owned(second);
  EXPECT_FALSE(first->locked());
  EXPECT_TRUE(second->locked());
  EXPECT_EQ(first.use_count(), 1);
  auto lock = std::make_shared<RwLock>();
  OwnedReadGuard reading = try_read_owned(lock);
  EXPECT_FALSE(try_write_owned(lock));
  EXPECT_TRUE(try_read_owned(lock));
  reading.release();
  OwnedWriteGuard writing = try_write_owned(lock);
  EXPECT_TRUE(writing);
}

TEST_P(OwnedGuardTest, MovesIntoATaskThatOutlivesTheVariable) {
  run([]() -> Task<void> {
    std::weak_ptr<Mutex> watched;
    JoinHandle<void> task = spawn([]() -> Task<void> { co_return; });
    {
      auto mutex = std::make_shared<Mutex>();
      watched = mutex;
      OwnedMutexGuard guard = co_await lock_owned(mutex);
      task = spawn(
          [](OwnedMutexGuard held) -> Task<void> {
            co_await yield_now();
            EXPECT_TRUE(held.lock()->locked());
          },
          std::move(guard));
    }
    co_await std::move(task);
    EXPECT_TRUE(watched.expired());
  });
}

TEST_P(OwnedGuardTest, AWaitKeepsTheLock) {
  run([]() -> Task<void> {
    auto lock = std::make_shared<RwLock>();
    OwnedWriteGuard writing = co_await write_owned(lock);
    auto wait = read_owned(lock);  // the wait has a share of its own
    auto waiting = spawn([wait = std::move(wait)]() -> Task<void> {
      const OwnedReadGuard reading = co_await wait;
      EXPECT_EQ(reading.lock()->readers(), 1U);
    });
    co_await until([&] { return lock->waiting() == 1; });
    std::weak_ptr<RwLock> watched = lock;
    lock.reset();
    EXPECT_FALSE(watched.expired());
    writing.release();
    co_await std::move(waiting);
    EXPECT_TRUE(watched.expired());
    auto semaphore = std::make_shared<Semaphore>(1);
    auto in_fiber = [&] { return await(acquire_owned(semaphore)).guard().permits(); };
    const std::size_t permits = co_await fiber(std::ref(in_fiber));
    EXPECT_EQ(permits, 1U);
    EXPECT_EQ(semaphore->available(), 1U);
  });
}

TEST_P(OwnedGuardTest, ACancelTakesNothing) {
  run([]() -> Task<void> {
    auto semaphore = std::make_shared<Semaphore>(0);
    auto waiting = spawn(acquire_owned(semaphore, 1));
    co_await until([&] { return semaphore->waiting() == 1; });
    waiting.cancel();
    const Outcome<OwnedPermit> end = co_await std::move(waiting).outcome();
    EXPECT_TRUE(end.cancelled());
    semaphore->release();
    EXPECT_EQ(semaphore->available(), 1U);
    EXPECT_EQ(semaphore.use_count(), 1);
  });
}

// A closed semaphore

TEST(SemaphoreClose, GivesNothingWithoutWaiting) {
  Semaphore semaphore(3);
  Permit held = semaphore.try_acquire();
  EXPECT_FALSE(semaphore.closed());
  semaphore.close();
  semaphore.close();
  EXPECT_TRUE(semaphore.closed());
  EXPECT_FALSE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire(0));
  held.release();
  semaphore.release(2);
  EXPECT_EQ(semaphore.available(), 5U);
  EXPECT_FALSE(semaphore.try_acquire());
}

Task<bool> is_refused(Semaphore& semaphore) {
  try {
    const Permit permit = co_await semaphore.acquire();
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), std::errc::operation_canceled);
    EXPECT_NE(std::string(error.what()).find("closed"), std::string::npos);
    co_return true;
  }
  co_return false;
}

TEST_P(OwnedGuardTest, ACloseEndsAllWaits) {
  run([]() -> Task<void> {
    Semaphore semaphore(1);
    Permit held = co_await semaphore.acquire();
    std::vector<JoinHandle<bool>> waits;
    for (int i = 0; i < 5; ++i) waits.push_back(spawn(is_refused, std::ref(semaphore)));
    co_await until([&] { return semaphore.waiting() == 5; });
    std::thread thread([&] { semaphore.close(); });
    for (JoinHandle<bool>& wait : waits) {
      const bool refused = co_await std::move(wait);
      EXPECT_TRUE(refused);
    }
    thread.join();
    const bool later = co_await is_refused(semaphore);
    EXPECT_TRUE(later);
    held.release();
    EXPECT_EQ(semaphore.available(), 1U);
    EXPECT_EQ(semaphore.waiting(), 0U);
  });
}

TEST_P(OwnedGuardTest, PermitsStayCountedWhenACloseComesInBetween) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  run([seed]() -> Task<void> {
    std::mt19937_64 random(seed);
    for (int round = 0; round < 50; ++round) {
      Semaphore semaphore(3);
      const std::uint64_t turns = random() % 20;
      co_await scope([&](Scope& s) -> Task<void> {
        for (std::size_t i = 0; i < 8; ++i) {
          s.spawn([&semaphore, wanted = i % 3 + 1]() -> Task<void> {
            try {
              for (;;) {
                const Permit permit = co_await semaphore.acquire(wanted);
                co_await yield_now();
              }
            } catch (const IoError&) {  // closed
            }
          });
        }
        for (std::uint64_t i = 0; i < turns; ++i) co_await yield_now();
        semaphore.close();
      });
      EXPECT_EQ(semaphore.available(), 3U);
    }
  });
}

}  // namespace
}  // namespace weft::test::owned_guard_test
