#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>
#include <weft/atomic.hpp>

namespace weft::atomic_test {
namespace {

using namespace std::chrono_literals;
constexpr auto relaxed = std::memory_order_relaxed;

TEST(Atomic, DoesWhatStdAtomicDoes) {
  Atomic<unsigned> value{5};
  EXPECT_EQ(value.fetch_add(2, relaxed), 5U);
  EXPECT_EQ(value.fetch_sub(1, relaxed), 7U);
  EXPECT_EQ(value.fetch_or(9, relaxed), 6U);
  EXPECT_EQ(value.fetch_and(3, relaxed), 15U);
  EXPECT_EQ(value.exchange(4, relaxed), 3U);
  unsigned expected = 1;
  EXPECT_FALSE(value.compare_exchange_strong(expected, 9, relaxed, relaxed));
  EXPECT_EQ(expected, 4U);
  EXPECT_TRUE(value.compare_exchange_strong(expected, 9, relaxed, relaxed));
  while (!value.compare_exchange_weak(expected = 9, 10, relaxed, relaxed)) spin_hint();
  value.store(value.load(relaxed) + 1, relaxed);
  EXPECT_EQ(value.load(relaxed), 11U);
}

TEST(Atomic, HoldsPointersAndStartsAtZero) {
  static constinit Atomic<int*> pointer;
  int target = 1;
  EXPECT_EQ(pointer.exchange(&target, relaxed), nullptr);
  EXPECT_EQ(pointer.load(relaxed), &target);
}

TEST(Atomic, CostsNothingInThePlainMode) {
  static_assert(WEFT_ATOMIC_MODE != 0 || sizeof(Atomic<std::uint32_t>) == sizeof(std::uint32_t));
  static_assert(WEFT_ATOMIC_MODE != 0 || sizeof(ThreadMutex) == sizeof(std::uint32_t));
}

TEST(ThreadMutex, Excludes) {
  ThreadMutex mutex;
  int count = 0;  // ThreadSanitizer watches it
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5000; ++n) {
        const std::lock_guard lock(mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 20000);
  const std::unique_lock lock(mutex);
  std::thread([&] { EXPECT_FALSE(mutex.try_lock()); }).join();
}

TEST(ThreadParker, ATokenGivenBeforeIsTakenAtOnceAndTokensCoalesce) {
  ThreadParker parker;
  parker.unpark();
  parker.unpark();
  parker.park();
  EXPECT_FALSE(parker.park_for(0ns));
  EXPECT_FALSE(parker.park_for(1ms));
}

TEST(ThreadParker, WaitsAtLeastItsTimeoutAndNoLongerThanTheToken) {
  ThreadParker parker;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(parker.park_for(5ms));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 5ms);
  parker.unpark();
  EXPECT_TRUE(parker.park_for(-1ns));
  parker.unpark();
  EXPECT_TRUE(parker.park_for(std::chrono::nanoseconds::max()));
  EXPECT_FALSE(parker.park_for(std::chrono::nanoseconds::min()));
}

TEST(ThreadParker, LosesNoWakeUp) {
  constexpr int kRounds = 20000;
  std::array<ThreadParker, 2> parkers;
  int turns = 0;  // ordered by the parkers alone
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      parkers[1].park();
      ++turns;
      parkers[0].unpark();
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    ++turns;
    parkers[1].unpark();
    if (i % 2 == 0) {
      parkers[0].park();
    } else {
      while (!parkers[0].park_for(1us)) {
      }
    }
  }
  other.join();
  EXPECT_EQ(turns, 2 * kRounds);
}

TEST(ThreadParker, MayBeDestroyedAsSoonAsTheTokenIsTaken) {
  for (int i = 0; i < 500; ++i) {
    auto parker = std::make_unique<ThreadParker>();
    std::thread waker([&raw = *parker] { raw.unpark(); });
    parker->park();
    parker.reset();
    waker.join();
  }
}

}  // namespace
}  // namespace weft::atomic_test
