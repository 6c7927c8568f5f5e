// Runs AdaptiveLock itself. In all other model tests the core uses the model's mutex in its place.
#include <memory>
#include <mutex>
#include <weft/atomic.hpp>

#include "model/model_test.hpp"

namespace weft::model::adaptive_lock_model_test {
namespace {

void count_under_lock(Execution& execution, int threads, int rounds) {
  AdaptiveLock mutex;
  Atomic<bool> inside{false};
  int count = 0;
  for (int i = 0; i < threads; ++i) {
    execution.thread([&, rounds] {
      for (int n = 0; n < rounds; ++n) {
        const std::lock_guard lock(mutex);
        require(!inside.exchange(true, std::memory_order_relaxed), "one at a time");
        ++count;
        inside.store(false, std::memory_order_relaxed);
      }
    });
  }
  execution.join_all();
  require(count == threads * rounds, "each had its turn");
}

TEST(AdaptiveLockModel, TwoThreadsExcludeEachOther) {
  expect_holds_exhaustively(3, [](Execution& execution) { count_under_lock(execution, 2, 2); });
}

TEST(AdaptiveLockModel, ThreeThreadsAllGetTheirTurn) {
  const auto three = [](Execution& execution) { count_under_lock(execution, 3, 1); };
  expect_holds_exhaustively(2, three);
  expect_holds_randomly(20000, three);
}

/// The last thread to lock destroys the lock. The unlock before it may not have returned yet.
void last_one_destroys(Execution& execution) {
  struct Shared {
    AdaptiveLock mutex;
    int left = 2;
  };
  auto* const shared = new Shared;
  int destroyed = 0;
  for (int i = 0; i < 2; ++i) {
    execution.thread([&, shared] {
      bool last = false;
      {
        const std::lock_guard lock(shared->mutex);
        last = --shared->left == 0;
      }
      if (last) {
        ++destroyed;
        delete shared;
      }
    });
  }
  execution.join_all();
  require(destroyed == 1, "one of them was the last");
}

TEST(AdaptiveLockModel, TheLastHolderMayDestroyIt) {
  expect_holds_exhaustively(4, last_one_destroys);
}

void try_lock_never_waits(Execution& execution) {
  AdaptiveLock mutex;
  int count = 0;
  execution.thread([&] {
    const std::lock_guard lock(mutex);
    ++count;
  });
  execution.thread([&] {
    if (!mutex.try_lock()) return;
    ++count;
    mutex.unlock();
  });
  execution.join_all();
  require(count == 1 || count == 2, "the one that waits always has its turn");
  require(mutex.try_lock(), "it is free at the end");
}

TEST(AdaptiveLockModel, TryLockTakesItOrGoesOn) {
  expect_holds_exhaustively(4, try_lock_never_waits);
}

}  // namespace
}  // namespace weft::model::adaptive_lock_model_test
