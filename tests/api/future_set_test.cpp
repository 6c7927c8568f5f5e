// FutureSet: results in the order in which they are ready, children added while it runs, each
// polled only after a wake, wakers that outlive children and set.
#include <weft/future_set.hpp>
#include <weft/futures.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "support/futures.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::future_set_test {
namespace {

class FutureSetTest : public ::testing::Test {
 protected:
  template <Future F>
  auto next(FutureSet<F>& set) {
    Context cx(waker_);
    return set.poll_next(cx);
  }
  [[nodiscard]] int wakes() const { return counter_.wakes(); }
  void TearDown() override {
    waker_ = Waker();
    EXPECT_EQ(counter_.handles(), 0);
  }

 private:
  WakeCounter counter_;
  Waker waker_ = counter_.waker();
};

TEST_F(FutureSetTest, ResultsComeInTheOrderInWhichTheyAreReady) {
  std::vector<Signal> signals(3);
  FutureSet<Signal::Wait> set;
  EXPECT_FALSE(next(set).take().has_value()) << "an empty set has nothing to give";
  for (Signal& signal : signals) set.push(signal.wait());
  EXPECT_EQ(set.size(), 3U);
  EXPECT_TRUE(next(set).is_pending());
  signals[2].set(2);
  signals[0].set(0);
  EXPECT_EQ(*next(set).take(), 2);
  EXPECT_EQ(*next(set).take(), 0);
  EXPECT_TRUE(next(set).is_pending());
  signals[1].set(1);
  EXPECT_EQ(*next(set).take(), 1);
  EXPECT_FALSE(next(set).take().has_value());
  EXPECT_TRUE(set.empty());
  for (const Signal& signal : signals) EXPECT_EQ(signal.polls(), 2);
}

TEST_F(FutureSetTest, OnlyTheWokenArePolled) {
  std::vector<Signal> signals(100);
  FutureSet<Signal::Wait> set;
  for (Signal& signal : signals) set.push(signal.wait());
  EXPECT_TRUE(next(set).is_pending());
  for (int i = 0; i < 5; ++i) signals[42].wake();
  EXPECT_EQ(wakes(), 1) << "wakes before a poll are one";
  EXPECT_TRUE(next(set).is_pending());
  for (const Signal& signal : signals) EXPECT_EQ(signal.polls(), &signal == &signals[42] ? 2 : 1);
}

TEST_F(FutureSetTest, AddingAChildWakesTheOneWhoPolls) {
  Signal a;
  Signal b;
  FutureSet<Signal::Wait> set;
  set.push(a.wait());
  EXPECT_TRUE(next(set).is_pending());
  set.push(b.wait());
  EXPECT_EQ(wakes(), 1);
  b.set(2);
  EXPECT_EQ(*next(set).take(), 2);
  EXPECT_EQ(b.polls(), 1);
}

TEST_F(FutureSetTest, AChildThatWakesItselfIsPolledOnceAPoll) {
  int polls = 0;
  auto poll = [&](Context& cx) -> Poll<void> {
    ++polls;
    cx.waker().wake_by_ref();
    return Pending();
  };
  auto spin = futures::poll_fn(std::ref(poll));
  FutureSet<decltype(spin)> set;
  set.push(std::move(spin));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(next(set).is_pending());
    EXPECT_EQ(polls, i);
    EXPECT_EQ(wakes(), i);
  }
}

TEST_F(FutureSetTest, AChildThatThrowsIsOutAndTheOthersGoOn) {
  Signal signal;
  std::vector<Poll<int> (*)(Context&)> how{
      +[](Context&) -> Poll<int> { throw std::runtime_error("child"); },
      +[](Context&) -> Poll<int> { return 3; }};
  FutureSet<futures::PollFn<Poll<int> (*)(Context&)>> set;
  for (auto* poll : how) set.push(futures::poll_fn(poll));
  EXPECT_THROW((void)next(set), std::runtime_error);
  EXPECT_EQ(set.size(), 1U);
  EXPECT_EQ(*next(set).take(), 3);
}

/// Cannot move.
class Fixed {
 public:
  explicit Fixed(const void*& place) noexcept : place_(place) {}
  Fixed(const Fixed&) = delete;
  Fixed& operator=(const Fixed&) = delete;
  Poll<void> poll(Context& cx) {
    if (std::exchange(place_, this) == this) return Poll<void>::ready();
    cx.waker().wake_by_ref();
    return Pending();
  }

 private:
  const void*& place_;
};

TEST_F(FutureSetTest, OnesThatCannotMoveAreMadeInPlaceAndTheSetMayMove) {
  const void* place = nullptr;
  FutureSet<Fixed> set;
  set.push_made([&] { return Fixed(place); });
  EXPECT_TRUE(next(set).is_pending());
  EXPECT_NE(place, nullptr);
  FutureSet<Fixed> moved(std::move(set));
  EXPECT_TRUE(next(moved).take().has_value());
}

TEST_F(FutureSetTest, WakersOutliveChildrenAndSet) {
  std::vector<Waker> kept;
  {
    auto poll = [&](Context& cx) -> Poll<int> {
      kept.push_back(cx.waker());
      if (kept.size() > 2) return 1;
      return Pending();
    };
    auto keep = futures::poll_fn(std::ref(poll));
    FutureSet<decltype(keep)> set;
    set.push(keep);
    set.push(keep);
    EXPECT_TRUE(next(set).is_pending());
    kept[0].wake_by_ref();
    EXPECT_TRUE(next(set).take().has_value());
    kept[0].wake_by_ref();  // the child was destroyed
    EXPECT_TRUE(next(set).is_pending());
    EXPECT_EQ(set.size(), 1U);
    kept[1].wake_by_ref();  // in the queue when the set is destroyed
  }
  const int before = wakes();
  for (Waker& waker : kept) std::move(waker).wake();
  EXPECT_EQ(wakes(), before);
}

class FutureSetOnRuntime : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(FutureSetOnRuntime);

TEST_P(FutureSetOnRuntime, ThreadsWakeWhileItIsAwaited) {
  run([]() -> Task<void> {
    constexpr std::size_t children = 400;
    std::vector<Signal> signals(children);
    FutureSet<Signal::Wait> set;
    for (std::size_t i = 0; i < children / 2; ++i) set.push(signals[i].wait());
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < children; i += 2) {
          signals[i].wake();
          signals[i].set(static_cast<int>(i));
        }
      });
    }
    std::vector<int> got;
    std::size_t added = children / 2;
    for (;;) {
      const auto item = co_await set.next();
      if (!item.has_value()) break;
      got.push_back(*item);
      if (added < children) set.push(signals[added++].wait());
    }
    for (std::thread& thread : threads) thread.join();
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got.size(), children);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], static_cast<int>(i));
  });
}

TEST_P(FutureSetOnRuntime, ACancelOfTheWaitLeavesTheChildren) {
  run([]() -> Task<void> {
    Signal signal;
    FutureSet<Signal::Wait> set;
    set.push(signal.wait());
    auto handle = spawn([&] { return set.next(); });
    while (signal.polls() == 0) co_await yield_now();
    handle.cancel();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_EQ(signal.dropped(), 0);
    signal.set(4);
    const auto item = co_await set.next();
    EXPECT_EQ(item, 4);
  });
}

}  // namespace
}  // namespace weft::test::future_set_test
