// as_future(): awaitables polled by hand, by combinators and by a foreign executor; dropped while
// they run; failing; and weft's wakers in the hands of foreign threads.
#include <weft/as_future.hpp>
#include <weft/future_set.hpp>
#include <weft/futures.hpp>
#include <weft/join.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/futures.hpp"
#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::as_future_test {
namespace {

using namespace std::chrono_literals;

class AsFutureTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(AsFutureTest);

Task<int> number(int value, int yields = 1) {
  for (int i = 0; i < yields; ++i) co_await yield_now();
  co_return value;
}

TEST_P(AsFutureTest, NothingRunsBeforeTheFirstPoll) {
  run([]() -> Task<void> {
    std::atomic<int> begun{0};
    auto body = [&]() -> Task<int> {
      ++begun;
      co_return 5;
    };
    {
      auto dropped = as_future(body());
      (void)dropped;
    }
    auto future = as_future(body());
    for (int i = 0; i < 10; ++i) co_await yield_now();
    EXPECT_EQ(begun, 0);
    auto moved = std::move(future);
    const int got = co_await moved;
    EXPECT_EQ(got, 5);
    EXPECT_EQ(begun, 1);
  });
}

TEST_P(AsFutureTest, EveryKindOfAwaitableAndResult) {
  run([]() -> Task<void> {
    co_await as_future(sleep_for(1us));
    const int joined = co_await as_future(spawn([] { return number(3); }));
    EXPECT_EQ(joined, 3);
    int object = 0;
    auto reference = [&]() -> Task<int&> { co_return object; };
    int& same = co_await as_future(reference());
    EXPECT_EQ(&same, &object);
    auto owner = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
    auto owned = co_await as_future(owner());
    EXPECT_EQ(*owned, 4);
  });
}

TEST_P(AsFutureTest, ItsFailureComesOutOfThePoll) {
  run([]() -> Task<void> {
    auto fail = []() -> Task<int> {
      co_await yield_now();
      throw std::runtime_error("work");
    };
    std::string what;
    try {
      co_await as_future(fail());
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "work");
  });
}

TEST_P(AsFutureTest, InCombinatorsAndSets) {
  run([]() -> Task<void> {
    auto both = futures::join(as_future(number(1)), as_future(number(2)));
    const auto values = co_await std::move(both);
    EXPECT_EQ(values, std::tuple(1, 2));
    auto first = futures::race(as_future(sleep_for(1h)), as_future(number(3)));
    const auto winner = co_await std::move(first);
    EXPECT_EQ(winner.index(), 1U);
    FutureSet<AsFuture<Task<int>>> set;
    for (int i = 0; i < 50; ++i) set.push(as_future(number(i, i % 7)));
    int sum = 0;
    for (;;) {
      const auto item = co_await set.next();
      if (!item.has_value()) break;
      sum += *item;
    }
    EXPECT_EQ(sum, 49 * 50 / 2);
  });
}

TEST_P(AsFutureTest, DroppingItCancelsTheWorkWhichTheRuntimeAwaits) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    auto body = [&]() -> Task<void> {
      const Logged local(log, "unwound");
      co_await never;
      log.add("went on");
    };
    {
      auto future = as_future(body());
      auto poll = [&](Context& cx) {
        EXPECT_TRUE(future.poll(cx).is_pending());
        return Poll<void>::ready();
      };
      co_await futures::poll_fn(std::ref(poll));
      co_await until([&] { return never.awaited(); });
    }
    co_await until([&] { return !log.words().empty(); });
  });
  EXPECT_EQ(log.words(), std::vector<std::string>{"unwound"});
}

TEST_P(AsFutureTest, AFailureAfterTheDropIsReported) {
  allow_failures();
  run([&]() -> Task<void> {
    ManualEvent gate;
    auto body = [&]() -> Task<void> {
      co_await gate;
      throw std::runtime_error("late");
    };
    {
      auto future = as_future(body());
      auto poll = [&](Context& cx) {
        EXPECT_TRUE(future.poll(cx).is_pending());
        return Poll<void>::ready();
      };
      co_await futures::poll_fn(std::ref(poll));
      co_await until([&] { return gate.awaited(); });
      gate.set();  // first, so that the cancel comes too late
    }
    co_await until([&] { return !failures().empty(); });
  });
  ASSERT_EQ(failures().size(), 1U);
  EXPECT_EQ(failures()[0].what, "late");
}

// With foreign executors

TEST_P(AsFutureTest, AForeignExecutorPollsWhatTheRuntimeRuns) {
  if (GetParam() == 0) GTEST_SKIP() << "somebody has to be in block_on";
  ForeignExecutor foreign;
  auto work = []() -> Task<std::string> {
    co_await sleep_for(1ms);
    const int seven = co_await number(7);
    co_return std::to_string(seven);
  };
  auto future = futures::join(runtime().as_future(work()), runtime().as_future(number(2)));
  const auto values = foreign.run(std::move(future));
  EXPECT_EQ(values, std::tuple(std::string("7"), 2));
  EXPECT_LE(foreign.polls(), 4);
  end_runtime();
  EXPECT_EQ(foreign.handles(), 0);
}

TEST_P(AsFutureTest, AForeignExecutorDropsWhatRuns) {
  if (GetParam() == 0) GTEST_SKIP() << "somebody has to be in block_on";
  Log log;
  ManualEvent never;
  auto body = [&]() -> Task<void> {
    const Logged local(log, "unwound");
    co_await never;
  };
  WakeCounter counter;
  {
    const Waker waker = counter.waker();
    Context cx(waker);
    auto future = runtime().as_future(body());
    EXPECT_TRUE(future.poll(cx).is_pending());
    while (!never.awaited()) std::this_thread::yield();
    EXPECT_TRUE(future.poll(cx).is_pending());
    EXPECT_EQ(counter.wakes(), 0);
  }
  EXPECT_EQ(counter.handles(), 0) << "dropped at once";
  end_runtime();
  EXPECT_EQ(log.words(), std::vector<std::string>{"unwound"});
}

TEST_P(AsFutureTest, ManyForeignPollersDropAndTakeAtAllTimes) {
  if (GetParam() == 0) GTEST_SKIP() << "somebody has to be in block_on";
  for (int i = 0; i < 300; ++i) {
    WakeCounter counter;
    {
      const Waker waker = counter.waker();
      Context cx(waker);
      auto future = runtime().as_future(number(i, i % 4));
      bool ready = false;
      for (int polls = 0; polls < i % 9 && !ready; ++polls) {
        auto result = future.poll(cx);
        ready = result.is_ready();
        EXPECT_EQ(ready ? result.take() : i, i);
      }
    }
    // The end may be waking at this moment. The runtime's destructor waits for it.
    if (i % 100 == 99) end_runtime();
    while (counter.handles() != 0) std::this_thread::yield();
  }
}

TEST_P(AsFutureTest, AShutdownCancelsAndThePollSaysSo) {
  ManualEvent never;
  auto body = [&]() -> Task<void> { co_await never; };
  WakeCounter counter;
  const Waker waker = counter.waker();
  Context cx(waker);
  auto future = runtime().as_future(body());
  auto late = runtime().as_future(body());
  EXPECT_TRUE(future.poll(cx).is_pending());
  runtime().shutdown();
  EXPECT_EQ(counter.wakes(), 1);
  EXPECT_THROW((void)future.poll(cx), IoError);
  EXPECT_THROW((void)late.poll(cx), std::logic_error) << "nothing is begun any more";
  EXPECT_THROW((void)runtime().as_future(body()), std::logic_error);
}

TEST_P(AsFutureTest, OutsideARuntimeItMustBeTold) {
  EXPECT_THROW((void)as_future(number(1)), std::logic_error);
}

/// Foreign code that knows two words and a table.
void foreign_library(RawWaker raw, std::atomic<bool>& done) {
  const RawWaker another = raw.vtable->clone(raw.data);
  raw.vtable->wake_by_ref(raw.data);
  raw.vtable->drop(raw.data);
  done.store(true, std::memory_order_release);
  another.vtable->wake(another.data);
}

TEST_P(AsFutureTest, AForeignThreadHoldsAWakerOfWefts) {
  run([]() -> Task<void> {
    std::atomic<bool> done{false};
    std::thread foreign;
    auto poll = [&](Context& cx) -> Poll<void> {
      if (done.load(std::memory_order_acquire)) return Poll<void>::ready();
      if (foreign.joinable()) return Pending();
      Waker waker = cx.waker();
      foreign = std::thread([raw = waker.release(), &done] { foreign_library(raw, done); });
      return Pending();
    };
    co_await futures::poll_fn(std::ref(poll));
    foreign.join();
  });
}

}  // namespace
}  // namespace weft::test::as_future_test
