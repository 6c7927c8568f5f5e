// Waker, BorrowedWaker, AtomicWaker and Poll as values: copying, moving, counting.
#include <weft/extend/atomic_waker.hpp>
#include <weft/future.hpp>
#include <weft/waker.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "support/futures.hpp"

namespace weft::waker_test {
namespace {

using test::WakeCounter;

TEST(Waker, TwoWordsAndANoopByDefault) {
  static_assert(sizeof(Waker) == 2 * sizeof(void*));
  const Waker noop;
  noop.wake_by_ref();
  const Waker copy = noop;
  EXPECT_TRUE(copy.will_wake(noop));
  Waker().wake();
}

TEST(Waker, CopiesAreCountedAndWakesReachTheirMaker) {
  WakeCounter a;
  WakeCounter b;
  {
    Waker first = a.waker();
    Waker second = first;
    EXPECT_TRUE(first.will_wake(second));
    EXPECT_EQ(a.handles(), 2);
    second.wake_by_ref();
    std::move(second).wake();
    EXPECT_EQ(a.wakes(), 2);
    EXPECT_EQ(a.handles(), 1);
    std::move(second).wake();  // moved from: a no-op
    EXPECT_EQ(a.wakes(), 2);

    Waker other = b.waker();
    EXPECT_FALSE(first.will_wake(other));
    swap(first, other);
    first.wake_by_ref();
    EXPECT_EQ(b.wakes(), 1);
    first = other;  // b's is dropped
    EXPECT_EQ(b.handles(), 0);
    EXPECT_EQ(a.handles(), 2);
    first = std::move(other);
    EXPECT_EQ(a.handles(), 1);
    const Waker& self = first;
    first = self;
    EXPECT_EQ(a.handles(), 1);
  }
  EXPECT_EQ(a.handles(), 0);
}

TEST(Waker, ARawHandleGoesOutAndComesBack) {
  WakeCounter counter;
  Waker waker = counter.waker();
  const RawWaker raw = waker.release();
  EXPECT_EQ(counter.handles(), 1);
  {
    const BorrowedWaker borrowed(raw);
    const Waker copy = borrowed.get();
    EXPECT_EQ(counter.handles(), 2);
  }
  EXPECT_EQ(counter.handles(), 1);
  {
    const Waker back(raw);
  }
  EXPECT_EQ(counter.handles(), 0);
}

TEST(AtomicWaker, WakesTheLastThatWasRegisteredOnce) {
  WakeCounter first;
  WakeCounter last;
  {
    AtomicWaker cell;
    cell.wake();
    cell.register_waker(first.waker());
    cell.register_waker(last.waker());
    EXPECT_EQ(first.handles(), 0);
    cell.register_waker(last.waker());
    EXPECT_EQ(last.handles(), 1) << "would wake the same: kept";
    cell.wake();
    cell.wake();
    EXPECT_EQ(last.wakes(), 1);
    EXPECT_EQ(last.handles(), 0);
    cell.register_waker(first.waker());
    EXPECT_EQ(first.wakes(), 0) << "no wake is going on any more";
    std::move(cell.take()).wake();
    EXPECT_EQ(first.wakes(), 1);
    cell.register_waker(first.waker());
  }
  EXPECT_EQ(first.handles(), 0);
}

/// A waker whose copy fails with std::bad_alloc.
const WakerVTable cannot_clone{
    .clone = [](void*) -> RawWaker { throw std::bad_alloc(); },
    .wake = [](void*) noexcept {},
    .wake_by_ref = [](void* data) noexcept { ++*static_cast<int*>(data); },
    .drop = [](void*) noexcept {},
};

TEST(AtomicWaker, ACopyThatFailsLeavesItEmptyAndUsable) {
  WakeCounter counter;
  int wakes = 0;
  AtomicWaker cell;
  cell.register_waker(counter.waker());
  EXPECT_THROW(cell.register_waker(Waker(RawWaker{&wakes, &cannot_clone})), std::bad_alloc);
  EXPECT_EQ(counter.handles(), 0);
  cell.wake();
  EXPECT_EQ(wakes, 0);
  cell.register_waker(counter.waker());
  cell.wake();
  EXPECT_EQ(counter.wakes(), 1);
}

// For ThreadSanitizer: one thread registers and two wake in tight loops.
TEST(AtomicWaker, IsUsedByManyThreads) {
  constexpr int rounds = 20'000;
  WakeCounter counter;
  AtomicWaker cell;
  std::atomic<int> progress{0};
  auto wake = [&] {
    for (int i = 0; i < rounds; ++i) {
      progress.fetch_add(1, std::memory_order_release);
      cell.wake();
    }
  };
  std::thread one(wake);
  std::thread other(wake);
  while (progress.load(std::memory_order_acquire) < 2 * rounds) {
    cell.register_waker(counter.waker());
  }
  one.join();
  other.join();
  cell.wake();
  EXPECT_EQ(counter.handles(), 0);
}

TEST(Poll, HoldsObjectsReferencesAndNothing) {
  EXPECT_TRUE(Poll<int>().is_pending());
  EXPECT_TRUE(Poll<int>(Pending()).is_pending());
  Poll<std::string> text = "text";
  EXPECT_TRUE(text.is_ready());
  EXPECT_EQ(text.value(), "text");
  EXPECT_EQ(text.take(), "text");
  EXPECT_TRUE(Poll<void>::ready().is_ready());
  EXPECT_EQ(Poll<void>::ready().take_value(), Unit{});
  const int object = 0;
  EXPECT_EQ(&Poll<const int&>::ready(object).take(), &object);
  auto owner = Poll<std::unique_ptr<int>>::ready(std::make_unique<int>(3));
  Poll<std::unique_ptr<int>> target;
  target = std::move(owner);
  EXPECT_EQ(*target.take(), 3);
}

}  // namespace
}  // namespace weft::waker_test
