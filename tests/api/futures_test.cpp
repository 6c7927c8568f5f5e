// Futures made of callables and of other futures, polled by hand with wakers that only count.
#include <weft/futures.hpp>
#include <weft/join.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "support/futures.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::futures_test {
namespace {

/// Polls by hand.
class Futures : public ::testing::Test {
 protected:
  template <Future F>
  Poll<FutureResult<F>> poll(F& future) {
    Context cx(waker_);
    return future.poll(cx);
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

TEST_F(Futures, PollFnAndReady) {
  int polls = 0;
  auto second = futures::poll_fn([&](Context&) -> Poll<int> {
    if (++polls == 2) return 5;
    return Pending();
  });
  EXPECT_TRUE(poll(second).is_pending());
  EXPECT_EQ(poll(second).take(), 5);
  auto text = futures::ready(std::string("text"));
  EXPECT_EQ(poll(text).take(), "text");
  auto nothing = futures::ready();
  EXPECT_TRUE(poll(nothing).is_ready());
}

TEST_F(Futures, MapCallsOnTheValue) {
  Signal signal;
  auto text = futures::map(signal.wait(), [](int value) { return std::to_string(value); });
  EXPECT_TRUE(poll(text).is_pending());
  signal.set(12);
  EXPECT_EQ(wakes(), 1);
  EXPECT_EQ(poll(text).take(), "12");

  auto from_nothing = futures::map(futures::ready(), [] { return 3; });
  EXPECT_EQ(poll(from_nothing).take(), 3);
  int seen = 0;
  auto to_nothing = futures::map(futures::ready(4), [&](int value) { seen = value; });
  EXPECT_TRUE(poll(to_nothing).is_ready());
  EXPECT_EQ(seen, 4);
  auto owner = futures::map(futures::ready(std::make_unique<int>(6)),
                            [](std::unique_ptr<int> p) -> int { return *p; });
  EXPECT_EQ(poll(owner).take(), 6);
  int object = 0;
  auto reference = futures::map(futures::ready(), [&]() -> int& { return object; });
  EXPECT_EQ(&poll(reference).take(), &object);
}

TEST_F(Futures, ThenGoesOnAsAnotherFuture) {
  Signal first;
  Signal second;
  auto both = futures::then(first.wait(), [&](int a) {
    return futures::map(second.wait(), [a](int b) { return 10 * a + b; });
  });
  EXPECT_TRUE(poll(both).is_pending());
  EXPECT_EQ(second.polls(), 0);
  first.set(1);
  EXPECT_TRUE(poll(both).is_pending());
  EXPECT_EQ(second.polls(), 1);
  second.set(2);
  EXPECT_EQ(wakes(), 2);
  EXPECT_EQ(poll(both).take(), 12);
}

/// Cannot move.
class Fixed {
 public:
  explicit Fixed(int value) noexcept : value_(value) {}
  Fixed(const Fixed&) = delete;
  Fixed& operator=(const Fixed&) = delete;
  Poll<int> poll(Context&) const noexcept { return value_; }

 private:
  int value_;
};

TEST_F(Futures, OnesThatCannotMoveAreMadeInPlace) {
  auto lazy = futures::lazy([] { return Fixed(3); });
  auto moved = std::move(lazy);
  EXPECT_EQ(poll(moved).take(), 3);
  auto chain = futures::then(futures::ready(4), [](int value) { return Fixed(value); });
  EXPECT_EQ(poll(chain).take(), 4);
  auto all = futures::join(futures::lazy([] { return Fixed(5); }), futures::ready());
  EXPECT_EQ(std::get<0>(poll(all).take()), 5);
}

TEST_F(Futures, AFailurePassesBy) {
  auto fails = [] {
    return futures::poll_fn([](Context&) -> Poll<int> { throw std::runtime_error("poll"); });
  };
  bool called = false;
  auto mapped = futures::map(fails(), [&](int) { called = true; });
  EXPECT_THROW((void)poll(mapped), std::runtime_error);
  auto chained = futures::then(fails(), [&](int) {
    called = true;
    return futures::ready();
  });
  EXPECT_THROW((void)poll(chained), std::runtime_error);
  EXPECT_FALSE(called);
  Signal signal;
  {
    auto all = futures::join(signal.wait(), fails());
    EXPECT_THROW((void)poll(all), std::runtime_error);
  }
  EXPECT_EQ(signal.dropped(), 1);
}

// join

TEST_F(Futures, JoinPollsEachOnlyWhenItWasWoken) {
  Signal a;
  Signal b;
  Signal c;
  auto all = futures::join(a.wait(), futures::map(b.wait(), [](int) {}), c.wait());
  EXPECT_TRUE(poll(all).is_pending());
  EXPECT_TRUE(poll(all).is_pending()) << "nobody was woken: nobody is polled";
  EXPECT_EQ((std::vector{a.polls(), b.polls(), c.polls()}), (std::vector{1, 1, 1}));
  b.set();
  EXPECT_EQ(wakes(), 1);
  EXPECT_TRUE(poll(all).is_pending());
  EXPECT_EQ((std::vector{a.polls(), b.polls(), c.polls()}), (std::vector{1, 2, 1}));
  c.wake();
  EXPECT_TRUE(poll(all).is_pending());
  EXPECT_EQ((std::vector{a.polls(), b.polls(), c.polls()}), (std::vector{1, 2, 2}));
  c.set(3);
  a.set(1);
  EXPECT_EQ(poll(all).take(), std::tuple(1, Unit{}, 3));
  EXPECT_EQ((std::vector{a.polls(), b.polls(), c.polls()}), (std::vector{2, 2, 3}));
}

TEST_F(Futures, JoinOfAVectorKeepsItsOrder) {
  std::vector<Signal> signals(100);
  std::vector<Signal::Wait> waits;
  for (Signal& signal : signals) waits.push_back(signal.wait());
  auto all = futures::join(std::move(waits));
  EXPECT_TRUE(poll(all).is_pending());
  for (std::size_t i = signals.size(); i-- > 1;) {
    signals[i].set(static_cast<int>(i));
    EXPECT_TRUE(poll(all).is_pending());
  }
  signals[0].set(0);
  const std::vector<int> values = poll(all).take();
  ASSERT_EQ(values.size(), signals.size());
  for (std::size_t i = 0; i < signals.size(); ++i) {
    EXPECT_EQ(values[i], static_cast<int>(i));
    EXPECT_EQ(signals[i].polls(), 2);
  }
  auto none = futures::join(std::vector<Signal::Wait>());
  EXPECT_TRUE(poll(none).take().empty());
}

TEST_F(Futures, DroppingAJoinDropsTheChildrenAndTheirWakersAreHarmless) {
  Signal a;
  Signal b;
  {
    auto all = futures::join(a.wait(), b.wait());
    EXPECT_TRUE(poll(all).is_pending());
  }
  EXPECT_EQ(a.dropped() + b.dropped(), 2);
  a.set();
  b.wake();
  EXPECT_EQ(wakes(), 0);
}

// try_join

futures::Map<Signal::Wait, Result<int> (*)(int)> fallible(Signal& signal) {
  return futures::map(
      signal.wait(), +[](int value) -> Result<int> {
        if (value < 0) return fail(std::errc::invalid_argument);
        return value;
      });
}

TEST_F(Futures, TryJoinGivesAllOrTheFirstFailure) {
  Signal a;
  Signal b;
  auto both = futures::try_join(fallible(a), fallible(b));
  EXPECT_TRUE(poll(both).is_pending());
  a.set(1);
  EXPECT_TRUE(poll(both).is_pending());
  b.set(2);
  EXPECT_EQ(poll(both).take(), std::tuple(1, 2));

  Signal c;
  Signal d;
  auto one = futures::try_join(fallible(c), fallible(d));
  EXPECT_TRUE(poll(one).is_pending());
  d.set(-1);
  EXPECT_EQ(poll(one).take().error(), std::errc::invalid_argument);
  EXPECT_EQ(c.dropped(), 1) << "at once";
}

TEST_F(Futures, TryJoinOfAVector) {
  Signal a;
  Signal b;
  std::vector<decltype(fallible(a))> waits;
  waits.push_back(fallible(a));
  waits.push_back(fallible(b));
  auto both = futures::try_join(std::move(waits));
  EXPECT_TRUE(poll(both).is_pending());
  b.set(2);
  a.set(1);
  EXPECT_EQ(poll(both).take().value(), (std::vector{1, 2}));

  Signal c;
  std::vector<decltype(fallible(c))> one;
  one.push_back(fallible(c));
  auto failing = futures::try_join(std::move(one));
  c.set(-1);
  EXPECT_EQ(poll(failing).take().error(), std::errc::invalid_argument);
}

// race

TEST_F(Futures, RaceGivesTheFirstAndDropsTheOthers) {
  Signal a;
  Signal b;
  auto first = futures::race(a.wait(), futures::map(b.wait(), [](int) {}), Signal::Wait(a));
  EXPECT_TRUE(poll(first).is_pending());
  b.set();
  auto winner = poll(first).take();
  EXPECT_EQ(winner.index(), 1U);
  EXPECT_EQ(a.dropped(), 2);

  int object = 0;
  auto reference = futures::race(futures::map(futures::ready(), [&]() -> int& { return object; }));
  EXPECT_EQ(&std::get<0>(poll(reference).take()).get(), &object);
}

TEST_F(Futures, RaceOfAVector) {
  std::vector<Signal> signals(10);
  std::vector<Signal::Wait> waits;
  for (Signal& signal : signals) waits.push_back(signal.wait());
  auto first = futures::race(std::move(waits));
  EXPECT_TRUE(poll(first).is_pending());
  signals[7].set(70);
  const auto winner = poll(first).take();
  EXPECT_EQ(winner.index, 7U);
  EXPECT_EQ(winner.value, 70);
  EXPECT_EQ(signals[3].dropped(), 1);
  EXPECT_EQ(signals[3].polls(), 1);
}

using FuturesDeathTest = Futures;
TEST_F(FuturesDeathTest, MovingOneThatWasPolledIsCaught) {
  Signal a;
  auto all = futures::join(a.wait(), a.wait());
  EXPECT_TRUE(poll(all).is_pending());
  EXPECT_DEATH([[maybe_unused]] auto moved = std::move(all), "moved after it had been polled");
  auto lazy = futures::lazy([] { return Fixed(3); });
  EXPECT_TRUE(poll(lazy).is_ready());
  EXPECT_DEATH([[maybe_unused]] auto moved = std::move(lazy), "moved after it had been polled");
  Poll<int> nothing;
  EXPECT_DEATH((void)nothing.take(), "is pending");
}

// The same on runtimes, with threads that wake

class FuturesOnRuntime : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(FuturesOnRuntime);

TEST_P(FuturesOnRuntime, JoinIsWokenFromManyThreads) {
  run([]() -> Task<void> {
    for (int round = 0; round < 50; ++round) {
      std::vector<Signal> signals(8);
      std::vector<Signal::Wait> waits;
      for (Signal& signal : signals) waits.push_back(signal.wait());
      std::vector<std::thread> threads;
      for (std::size_t t = 0; t < 2; ++t) {
        threads.emplace_back([&signals, t] {
          for (std::size_t i = t; i < signals.size(); i += 2) signals[i].set(static_cast<int>(i));
        });
      }
      auto all = futures::join(std::move(waits));
      const std::vector<int> values = co_await std::move(all);
      for (std::thread& thread : threads) thread.join();
      EXPECT_EQ(values, (std::vector{0, 1, 2, 3, 4, 5, 6, 7}));
    }
  });
}

TEST_P(FuturesOnRuntime, ACancelDropsWhatIsJoined) {
  run([]() -> Task<void> {
    Signal a;
    Signal b;
    auto handle = spawn([&] { return futures::join(a.wait(), b.wait()); });
    while (b.polls() == 0) co_await yield_now();
    handle.cancel();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_EQ(a.dropped() + b.dropped(), 2);
  });
}

}  // namespace
}  // namespace weft::test::futures_test
