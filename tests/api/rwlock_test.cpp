// RwLock: shared and exclusive holders, fairness between readers and writers, downgrade.
#include <weft/fiber.hpp>
#include <weft/rwlock.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::rwlock_test {
namespace {

class RwLockTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(RwLockTest);

TEST(RwLock, GuardsWithoutARuntime) {
  RwLock lock;
  ReadGuard one = lock.try_read();
  ReadGuard two = lock.blocking_read();
  EXPECT_EQ(lock.readers(), 2U);
  EXPECT_FALSE(lock.try_write());
  one = std::move(two);  // unlocks what it held
  EXPECT_FALSE(two);
  EXPECT_EQ(lock.readers(), 1U);
  one.unlock();
  EXPECT_EQ(lock.readers(), 0U);

  WriteGuard writing = lock.try_write();
  EXPECT_TRUE(lock.writing());
  EXPECT_FALSE(lock.try_read());
  EXPECT_FALSE(lock.try_write());
  one = std::move(writing).downgrade();
  EXPECT_FALSE(writing);
  EXPECT_TRUE(one);
  EXPECT_FALSE(lock.writing());
  EXPECT_EQ(lock.readers(), 1U);
  EXPECT_FALSE(WriteGuard().downgrade());
  one.unlock();
  writing = lock.blocking_write();
  EXPECT_TRUE(lock.writing());
  writing = WriteGuard();
  EXPECT_FALSE(lock.writing());
}

/// Tasks that lock, log, and hold until they are let go.
class Queue {
 public:
  Task<void> add(bool writes, std::string name) {
    const std::size_t before = lock.waiting();
    handles_.push_back(spawn(&Queue::hold, this, writes, std::move(name)));
    co_await until([&] { return lock.waiting() == before + 1; });
  }
  [[nodiscard]] JoinHandle<void>& operator[](std::size_t index) { return handles_[index]; }
  /// Lets all go, and waits for them.
  Task<void> end() {
    go = true;
    for (JoinHandle<void>& handle : handles_) {
      const Outcome<void> outcome = co_await std::move(handle).outcome();
      EXPECT_FALSE(outcome.failed());
    }
    EXPECT_EQ(lock.readers(), 0U);
    EXPECT_FALSE(lock.writing());
  }

  RwLock lock;
  Log log;
  std::atomic<bool> go = false;

 private:
  static Task<void> hold(Queue* self, bool writes, std::string name) {
    if (writes) {
      const WriteGuard guard = co_await self->lock.write();
      self->log.add(std::move(name));
      co_await until([&] { return self->go.load(); });
    } else {
      const ReadGuard guard = co_await self->lock.read();
      self->log.add(std::move(name));
      co_await until([&] { return self->go.load(); });
    }
  }
  std::vector<JoinHandle<void>> handles_;
};

TEST_P(RwLockTest, AReaderBehindAWriterWaits) {
  Queue queue;
  run([&]() -> Task<void> {
    ReadGuard reading = co_await queue.lock.read();
    co_await queue.add(true, "writer");
    EXPECT_FALSE(queue.lock.try_read()) << "it would pass the writer";
    co_await queue.add(false, "reader");
    EXPECT_EQ(queue.lock.readers(), 1U);
    reading.unlock();
    co_await until([&] { return queue.log.words().size() == 1; });
    EXPECT_TRUE(queue.lock.writing());
    EXPECT_EQ(queue.lock.waiting(), 1U);
    co_await queue.end();
  });
  EXPECT_EQ(queue.log.words(), (std::vector<std::string>{"writer", "reader"}));
}

TEST_P(RwLockTest, ReadersThatFollowEachOtherAreLetInTogether) {
  Queue queue;
  run([&]() -> Task<void> {
    WriteGuard writing = co_await queue.lock.write();
    for (int i = 0; i < 3; ++i) co_await queue.add(false, "reader");
    co_await queue.add(true, "writer");
    co_await queue.add(false, "last");
    writing.unlock();
    co_await until([&] { return queue.log.words().size() == 3; });
    EXPECT_EQ(queue.lock.readers(), 3U);
    EXPECT_EQ(queue.lock.waiting(), 2U);
    co_await queue.end();
  });
  EXPECT_EQ(queue.log.words(),
            (std::vector<std::string>{"reader", "reader", "reader", "writer", "last"}));
}

TEST_P(RwLockTest, ACancelledWriterMakesWayForTheReadersBehindIt) {
  Queue queue;
  run([&]() -> Task<void> {
    const ReadGuard reading = co_await queue.lock.read();
    co_await queue.add(true, "writer");
    co_await queue.add(false, "reader");
    co_await queue.add(false, "reader");
    queue[0].cancel();
    co_await until([&] { return queue.log.words().size() == 2; });
    EXPECT_EQ(queue.lock.readers(), 3U);
    queue.go = true;
  });
  run([&]() -> Task<void> { co_await queue.end(); });
  EXPECT_EQ(queue.log.words(), (std::vector<std::string>{"reader", "reader"}));
}

TEST_P(RwLockTest, ADowngradeLetsReadersInAndNoWriter) {
  Queue queue;
  run([&]() -> Task<void> {
    WriteGuard writing = co_await queue.lock.write();
    co_await queue.add(false, "reader");
    co_await queue.add(true, "writer");
    ReadGuard reading = std::move(writing).downgrade();
    co_await until([&] { return queue.log.words().size() == 1; });
    EXPECT_EQ(queue.lock.readers(), 2U);
    EXPECT_EQ(queue.lock.waiting(), 1U);
    reading.unlock();
    co_await queue.end();
  });
  EXPECT_EQ(queue.log.words(), (std::vector<std::string>{"reader", "writer"}));
}

TEST_P(RwLockTest, WritersAreAlone) {
  constexpr int each = 200;
  RwLock lock;
  std::atomic<int> readers = 0;
  std::atomic<int> writers = 0;
  const auto read_once = [&] {
    ++readers;
    EXPECT_EQ(writers, 0);
    --readers;
  };
  const auto write_once = [&] {
    EXPECT_EQ(++writers, 1);
    EXPECT_EQ(readers, 0);
    --writers;
  };
  std::thread thread([&] {
    for (int i = 0; i < each; ++i) {
      {
        const ReadGuard guard = lock.blocking_read();
        read_once();
      }
      const WriteGuard guard = lock.blocking_write();
      write_once();
    }
  });
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      for (int task = 0; task < 6; ++task) {
        s.spawn([&]() -> Task<void> {
          for (int i = 0; i < each; ++i) {
            ReadGuard reading = co_await lock.read();
            read_once();
            if (i % 5 == 0) co_await yield_now();
            reading.unlock();
            WriteGuard writing = co_await lock.write();
            write_once();
            reading = std::move(writing).downgrade();
            read_once();
          }
        });
      }
      co_return;
    });
  });
  thread.join();
  EXPECT_EQ(lock.readers(), 0U);
  EXPECT_FALSE(lock.writing());
}

TEST_P(RwLockTest, NothingIsLostUnderCancelsFromEverywhere) {
  run([]() -> Task<void> {
    RwLock lock;
    for (int round = 0; round < 100; ++round) {
      std::vector<JoinHandle<void>> handles;
      for (int i = 0; i < 12; ++i) {
        handles.push_back(spawn(
            [&](bool writes) -> Task<void> {
              if (writes) {
                const WriteGuard guard = co_await lock.write();
                co_await yield_now();
              } else {
                const ReadGuard guard = co_await lock.read();
                co_await yield_now();
              }
            },
            i % 3 == 0));
      }
      for (std::size_t i = 0; i < handles.size(); i += 2) {
        handles[i].cancel();
        if (i % 4 == 0) co_await yield_now();
      }
      for (JoinHandle<void>& handle : handles) {
        const Outcome<void> outcome = co_await std::move(handle).outcome();
        EXPECT_FALSE(outcome.failed());
      }
      EXPECT_EQ(lock.readers() + lock.waiting(), 0U);
      EXPECT_FALSE(lock.writing());
    }
  });
}

}  // namespace
}  // namespace weft::test::rwlock_test
