// Mutex and RwLock: locking, unlocking, cancels and their destruction in every interleaving. The
// lock is in one place, and each waiter goes on exactly once.
#include <weft/mutex.hpp>
#include <weft/rwlock.hpp>

#include <memory>

#include "model/sync_model.hpp"

namespace weft::model::mutex_model_test {
namespace {

void lock_unlock_and_cancel(Execution& execution) {
  Mutex mutex;
  MutexGuard guard = mutex.try_lock();
  Waiting<detail::LockRequest> waiter{detail::LockRequest(mutex)};
  execution.thread([&] { waiter.wait(); });
  execution.thread([&] { guard.unlock(); });
  execution.thread([&] { waiter.task.cancel(); });
  execution.join_all();
  require(waiter.resumed() == 1, "the waiter goes on exactly once");
  require(mutex.locked() == waiter.served(), "the lock is in one place");
  require(mutex.waiting() == 0, "nobody is left in the queue");
}

TEST(MutexModel, ALockMeetsAnUnlockAndACancel) {
  expect_holds_exhaustively(3, lock_unlock_and_cancel);
  expect_holds_randomly(50000, lock_unlock_and_cancel);
}

/// No thread unlocks: only the cancel can end the wait, also if it comes before the wait begins.
void only_a_cancel(Execution& execution) {
  Mutex mutex;
  const MutexGuard guard = mutex.try_lock();
  Waiting<detail::LockRequest> waiter{detail::LockRequest(mutex)};
  execution.thread([&] { waiter.wait(); });
  execution.thread([&] { waiter.task.cancel(); });
  execution.join_all();
  require(waiter.resumed() == 1 && !waiter.served(), "the cancel ends the wait");
  require(mutex.waiting() == 0, "nobody is left in the queue");
}

TEST(MutexModel, ACancelEndsAWaitHoweverEarlyItComes) {
  expect_holds_exhaustively(3, only_a_cancel);
  expect_holds_randomly(50000, only_a_cancel);
}

void cancel_of_the_first(Execution& execution) {
  Mutex mutex;
  MutexGuard guard = mutex.try_lock();
  Waiting<detail::LockRequest> first{detail::LockRequest(mutex)};
  Waiting<detail::LockRequest> second{detail::LockRequest(mutex)};
  first.wait();
  execution.thread([&] { second.wait(); });
  execution.thread([&] { guard.unlock(); });
  execution.thread([&] { first.task.cancel(); });
  execution.join_all();
  require(first.resumed() == 1, "the first goes on exactly once");
  if (first.served()) {
    require(second.resumed() == 0, "one at a time");
    MutexGuard handed = first.result();
    handed.unlock();
  }
  require(second.served() && mutex.locked(), "then it is the second's");
}

TEST(MutexModel, ACancelOfTheFirstLeavesTheLockToTheSecond) {
  expect_holds_exhaustively(3, cancel_of_the_first);
  expect_holds_randomly(50000, cancel_of_the_first);
}

void one_at_a_time(Execution& execution) {
  Mutex mutex;
  Atomic<int> inside{0};
  for (int thread = 0; thread < 3; ++thread) {
    execution.thread([&] {
      const MutexGuard guard = wait_here(detail::LockRequest(mutex));
      require(inside.fetch_add(1, std::memory_order_relaxed) == 0, "one at a time");
      inside.fetch_sub(1, std::memory_order_relaxed);
    });
  }
  execution.join_all();
  require(!mutex.locked(), "unlocked by all");
}

TEST(MutexModel, OneAtATime) {
  expect_holds_exhaustively(2, one_at_a_time);
  expect_holds_randomly(50000, one_at_a_time);
}

/// Each task that has locked may be the last. The first two leave the destruction to the third.
void locked_and_destroyed(Execution& execution) {
  auto mutex = std::make_unique<Mutex>();
  int passed = 0;  // guarded by the mutex
  for (int thread = 0; thread < 3; ++thread) {
    execution.thread([&, borrowed = mutex.get()] {
      MutexGuard guard = wait_here(detail::LockRequest(*borrowed));
      if (++passed == 3) {
        guard.forget();
        mutex.reset();
      }
    });
  }
  execution.join_all();
}

TEST(MutexModel, TheLastToLockMayDestroyIt) {
  expect_holds_exhaustively(2, locked_and_destroyed);
  expect_holds_randomly(50000, locked_and_destroyed);
}

// RwLock

void readers_and_a_writer(Execution& execution) {
  RwLock lock;
  Atomic<int> readers{0};
  Atomic<int> writers{0};
  for (int thread = 0; thread < 2; ++thread) {
    execution.thread([&] {
      const ReadGuard guard = wait_here(detail::ReadLockRequest(lock));
      readers.fetch_add(1, std::memory_order_relaxed);
      require(writers.load(std::memory_order_relaxed) == 0, "nobody writes while others read");
      readers.fetch_sub(1, std::memory_order_relaxed);
    });
  }
  execution.thread([&] {
    WriteGuard guard = wait_here(detail::WriteLockRequest(lock));
    writers.fetch_add(1, std::memory_order_relaxed);
    require(readers.load(std::memory_order_relaxed) == 0, "nobody reads while one writes");
    writers.fetch_sub(1, std::memory_order_relaxed);
    const ReadGuard rest = std::move(guard).downgrade();
  });
  execution.join_all();
  require(lock.readers() == 0 && !lock.writing() && lock.waiting() == 0, "unlocked by all");
}

TEST(RwLockModel, ReadersAndAWriterThatDowngrades) {
  expect_holds_exhaustively(2, readers_and_a_writer);
  expect_holds_randomly(50000, readers_and_a_writer);
}

void cancel_of_a_writer(Execution& execution) {
  RwLock lock;
  ReadGuard reading = lock.try_read();
  Waiting<detail::WriteLockRequest> writer{detail::WriteLockRequest(lock)};
  Waiting<detail::ReadLockRequest> reader{detail::ReadLockRequest(lock)};
  writer.wait();
  execution.thread([&] { reader.wait(); });
  execution.thread([&] { writer.task.cancel(); });
  execution.thread([&] { reading.unlock(); });
  execution.join_all();
  require(writer.resumed() == 1, "the writer goes on exactly once");
  if (writer.served()) {
    require(reader.resumed() == 0 && lock.writing(), "it writes alone");
    writer.result().unlock();
  }
  require(reader.served() && lock.readers() == 1, "then it is the reader's turn");
  require(lock.waiting() == 0, "nobody is left in the queue");
}

TEST(RwLockModel, ACancelledWriterMakesWayForReaders) {
  expect_holds_exhaustively(3, cancel_of_a_writer);
  expect_holds_randomly(50000, cancel_of_a_writer);
}

/// A reader does not unlock: only the cancel of the writer admits the other reader.
void cancel_lets_read(Execution& execution) {
  RwLock lock;
  const ReadGuard reading = lock.try_read();
  Waiting<detail::WriteLockRequest> writer{detail::WriteLockRequest(lock)};
  Waiting<detail::ReadLockRequest> reader{detail::ReadLockRequest(lock)};
  execution.thread([&] { writer.wait(); });
  execution.thread([&] { reader.wait(); });
  execution.thread([&] { writer.task.cancel(); });
  execution.join_all();
  require(writer.resumed() == 1 && !writer.served(), "the cancel ends the writer's wait");
  require(reader.served() && lock.readers() == 2, "nothing keeps the reader waiting");
  require(lock.waiting() == 0, "nobody is left in the queue");
  reader.result().unlock();
}

TEST(RwLockModel, ReadersNeedNotWaitForAWriterThatStopped) {
  expect_holds_exhaustively(3, cancel_lets_read);
  expect_holds_randomly(50000, cancel_lets_read);
}

/// Two readers unlock while a writer waits or comes. The writer destroys the lock.
void written_and_destroyed(Execution& execution) {
  auto lock = std::make_unique<RwLock>();
  ReadGuard one = lock->try_read();
  ReadGuard two = lock->try_read();
  execution.thread([&] { one.unlock(); });
  execution.thread([&] { two.unlock(); });
  execution.thread([&] {
    WriteGuard last = wait_here(detail::WriteLockRequest(*lock));
    last.unlock();
    lock.reset();
  });
  execution.join_all();
}

TEST(RwLockModel, TheLastToWriteMayDestroyIt) {
  expect_holds_exhaustively(3, written_and_destroyed);
  expect_holds_randomly(50000, written_and_destroyed);
}

/// A writer downgrades while a reader and a writer come.
void downgrade_meets_both(Execution& execution) {
  RwLock lock;
  WriteGuard writing = lock.try_write();
  Waiting<detail::ReadLockRequest> reader{detail::ReadLockRequest(lock)};
  Waiting<detail::WriteLockRequest> writer{detail::WriteLockRequest(lock)};
  ReadGuard rest;
  execution.thread([&] { rest = std::move(writing).downgrade(); });
  execution.thread([&] { reader.wait(); });
  execution.thread([&] { writer.wait(); });
  execution.join_all();
  require(!lock.writing() && writer.resumed() == 0, "no writer gets in between");
  require(lock.readers() == (reader.served() ? 2U : 1U), "the number is that of the readers");
  rest.unlock();
  if (reader.served()) reader.result().unlock();
  require(writer.served() && lock.writing(), "then it is the writer's turn");
  writer.result().unlock();
  require(reader.served(), "and the reader's, if it came behind");
}

TEST(RwLockModel, ADowngradeMeetsAReaderAndAWriter) {
  expect_holds_exhaustively(3, downgrade_meets_both);
  expect_holds_randomly(50000, downgrade_meets_both);
}

}  // namespace
}  // namespace weft::model::mutex_model_test
