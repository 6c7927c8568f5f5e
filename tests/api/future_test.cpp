// Futures awaited by coroutines: by value and in place, woken from any thread, failing, cancelled.
// Everything that takes an awaitable takes a future.
#include <weft/extend/frame_pool.hpp>
#include <weft/future.hpp>
#include <weft/futures.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/futures.hpp"
#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::future_test {
namespace {

using namespace std::chrono_literals;

class FutureTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(FutureTest);

/// Wakes itself `left` times.
class Countdown {
 public:
  explicit Countdown(int left) noexcept : left_(left) {}
  Poll<int> poll(Context& cx) {
    ++polls_;
    if (left_-- == 0) return polls_;
    cx.waker().wake_by_ref();
    return Pending();
  }

 private:
  int left_;
  int polls_ = 0;
};

/// Records its address at each poll.
class Pinned {
 public:
  explicit Pinned(std::vector<const void*>& places) noexcept : places_(places) {}
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  Poll<void> poll(Context& cx) {
    places_.push_back(this);
    if (places_.size() == 3) return Poll<void>::ready();
    cx.waker().wake_by_ref();
    return Pending();
  }

 private:
  std::vector<const void*>& places_;
};

static_assert(Future<Countdown> && Future<Countdown&> && !Future<int> && !Future<Task<int>>);
static_assert(!Future<const Countdown&>);
static_assert(Awaitable<Countdown> && Awaitable<Countdown&> && Awaitable<Pinned&>);
static_assert(std::is_same_v<AwaitResult<Countdown>, int>);
static_assert(!Awaitable<int> && !PlainFuture<Task<int>>);

TEST_P(FutureTest, OneThatIsReadyGoesOnAtOnce) {
  run([]() -> Task<void> {
    co_await futures::ready();
    const int number = co_await futures::ready(7);
    EXPECT_EQ(number, 7);
    auto owner = co_await futures::ready(std::make_unique<int>(8));
    EXPECT_EQ(*owner, 8);
    int object = 0;
    auto give = [&](Context&) { return Poll<int&>::ready(object); };
    int& same = co_await futures::poll_fn(give);
    EXPECT_EQ(&same, &object);
  });
}

TEST_P(FutureTest, OneThatWakesItselfIsPolledOnceForEachWakeAndAllocatesNothing) {
  run([]() -> Task<void> {
    const auto blocks = frame_pool_stats().live_blocks;
    std::optional<std::int64_t> during;
    auto twice = [&, again = true](Context& cx) mutable -> Poll<void> {
      during = frame_pool_stats().live_blocks;
      if (!std::exchange(again, false)) return Poll<void>::ready();
      cx.waker().wake_by_ref();
      return Pending();
    };
    auto future = futures::poll_fn(std::move(twice));
    co_await future;
    EXPECT_EQ(during, blocks);
    const int polls = co_await Countdown(5);
    EXPECT_EQ(polls, 6);
  });
}

TEST_P(FutureTest, ItsWakerCostsOneBlockHoweverOftenItIsCloned) {
  run([]() -> Task<void> {
    const auto blocks = frame_pool_stats().live_blocks;
    std::vector<Waker> clones;
    std::vector<std::int64_t> during;
    auto poll = [&](Context& cx) -> Poll<void> {
      clones.push_back(cx.waker());
      clones.push_back(clones.front());
      during.push_back(frame_pool_stats().live_blocks - blocks);
      if (during.size() == 3) return Poll<void>::ready();
      cx.waker().wake_by_ref();
      return Pending();
    };
    auto future = futures::poll_fn(std::ref(poll));
    co_await future;
    EXPECT_EQ(during, (std::vector<std::int64_t>{1, 1, 1}));
    clones.clear();
    EXPECT_EQ(frame_pool_stats().live_blocks, blocks);
  });
}

TEST_P(FutureTest, NoMemoryForAWakerIsAFailureOfThePoll) {
  run([]() -> Task<void> {
    Signal signal;
    auto poll = [&](Context& cx) -> Poll<int> {
      set_frame_failure_after(0);
      auto wait = signal.wait();
      return wait.poll(cx);
    };
    bool failed = false;
    try {
      co_await futures::poll_fn(std::ref(poll));
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
  });
}

TEST_P(FutureTest, ManyWakesBeforeAPollAreOne) {
  run([]() -> Task<void> {
    int polls = 0;
    auto poll = [&](Context& cx) -> Poll<void> {
      if (++polls == 4) return Poll<void>::ready();
      const Waker clone = cx.waker();
      for (int i = 0; i < 10; ++i) clone.wake_by_ref();
      cx.waker().wake_by_ref();
      return Pending();
    };
    co_await futures::poll_fn(std::ref(poll));
    EXPECT_EQ(polls, 4);
  });
}

TEST_P(FutureTest, AThreadOfItsOwnMayWakeIt) {
  run([]() -> Task<void> {
    for (int i = 0; i < 200; ++i) {
      Signal signal;
      std::thread setter([&] { signal.set(i); });
      const int got = co_await signal.wait();
      setter.join();
      EXPECT_EQ(got, i);
      EXPECT_LE(signal.polls(), 2);
    }
  });
}

TEST_P(FutureTest, AnLvalueStaysWhereItIs) {
  run([]() -> Task<void> {
    std::vector<const void*> places;
    Pinned pinned(places);
    co_await pinned;
    EXPECT_EQ(places, std::vector<const void*>(3, &pinned));
  });
}

TEST_P(FutureTest, AnRvalueIsAtOnePlaceFromTheFirstPollOn) {
  run([]() -> Task<void> {
    std::vector<const void*> places;
    co_await Pinned(places);
    EXPECT_EQ(places, std::vector<const void*>(3, places.front()));
    places.clear();
    auto place = [&, here = 0](Context& cx) mutable -> Poll<void> {
      places.push_back(&here);
      if (places.size() == 3) return Poll<void>::ready();
      cx.waker().wake_by_ref();
      return Pending();
    };
    auto future = futures::poll_fn(std::move(place));
    co_await timeout(std::move(future), 1h);
    EXPECT_EQ(places, std::vector<const void*>(3, places.front()));
  });
}

TEST_P(FutureTest, ItsFailureIsRethrown) {
  run([]() -> Task<void> {
    for (const bool at_once : {true, false}) {
      auto poll = [first = !at_once](Context& cx) mutable -> Poll<int> {
        if (!std::exchange(first, false)) throw std::runtime_error("poll");
        cx.waker().wake_by_ref();
        return Pending();
      };
      auto future = futures::poll_fn(std::move(poll));
      std::string what;
      try {
        co_await std::move(future);
      } catch (const std::runtime_error& error) {
        what = error.what();
      }
      EXPECT_EQ(what, "poll");
    }
  });
}

TEST_P(FutureTest, EverythingThatTakesAnAwaitableTakesIt) {
  EXPECT_EQ(run(Countdown(1)), 2);
  EXPECT_EQ(run([] { return Countdown(2); }), 3);
  run([&]() -> Task<void> {
    const int spawned = co_await spawn([] { return Countdown(3); });
    EXPECT_EQ(spawned, 4);
    const int tasked = co_await as_task(Countdown(1));
    EXPECT_EQ(tasked, 2);
    const int timed = co_await timeout(Countdown(4), 1h);
    EXPECT_EQ(timed, 5);
    auto all = co_await when_all(Countdown(1), futures::ready(), sleep_for(0ns));
    EXPECT_EQ(std::get<0>(all), 2);
    auto first = co_await select(sleep_for(1h), Countdown(2));
    EXPECT_EQ(first.index(), 1U);
    EXPECT_EQ(first.take<1>(), 3);
    auto body = [](Scope& s) {
      s.spawn([] { return Countdown(5); }).detach();
      return Countdown(1);
    };
    const int scoped = co_await scope(body);
    EXPECT_EQ(scoped, 2);
  });
  EXPECT_EQ(block_on(Countdown(1)), 2);
}

TEST_P(FutureTest, AMillionOfThemUseConstantStack) {
  StackMeter meter;
  run([&]() -> Task<void> {
    for (int i = 0; i < 1'000'000; ++i) {
      co_await futures::ready();
      if (i % 16 == 0) meter.note();
    }
    for (int i = 0; i < 10'000; ++i) {
      co_await Countdown(1);
      meter.note();
    }
  });
  EXPECT_LT(meter.bytes(), 512U * 1024);
}

TEST_P(FutureTest, OneThatWakesItselfStarvesNobody) {
  run([]() -> Task<void> {
    std::atomic<bool> stop{false};
    auto spin = [&](Context& cx) -> Poll<void> {
      if (stop) return Poll<void>::ready();
      cx.waker().wake_by_ref();
      return Pending();
    };
    auto spinner = spawn([&] { return futures::poll_fn(std::ref(spin)); });
    co_await sleep_for(1ms);
    for (int i = 0; i < 100; ++i) co_await yield_now();
    stop = true;
    co_await std::move(spinner);
  });
}

// Cancel

TEST_P(FutureTest, ACancelDestroysItAndUnwinds) {
  Log log;
  run([&]() -> Task<void> {
    Signal signal;
    auto body = [&]() -> Task<void> {
      const Logged local(log, "unwound");
      co_await signal.wait();
      log.add("went on");
    };
    auto handle = spawn(body);
    co_await until([&] { return signal.polls() != 0; });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_EQ(signal.dropped(), 1);
    EXPECT_LE(signal.polls(), 2) << "one last time";
    signal.set();  // a waker may still be registered; its wake has no effect
  });
  EXPECT_EQ(log.words(), std::vector<std::string>{"unwound"});
}

TEST_P(FutureTest, ACancelReachesOneThatNobodyCanWake) {
  run([&]() -> Task<void> {
    std::atomic<int> polls{0};
    auto never = [&](Context&) -> Poll<void> {
      ++polls;
      return Pending();
    };
    auto handle = spawn([&] { return futures::poll_fn(std::ref(never)); });
    co_await until([&] { return polls != 0; });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
}

TEST_P(FutureTest, ACancelReachesOneThatWakesItselfForEver) {
  run([&]() -> Task<void> {
    std::atomic<int> polls{0};
    auto spin = [&](Context& cx) -> Poll<void> {
      ++polls;
      cx.waker().wake_by_ref();
      return Pending();
    };
    auto handle = spawn([&] { return futures::poll_fn(std::ref(spin)); });
    co_await until([&] { return polls > 3; });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
}

TEST_P(FutureTest, WhatIsReadyInSpiteOfACancelIsDelivered) {
  run([]() -> Task<void> {
    std::atomic<int> polls{0};
    std::atomic<bool> there{false};
    auto silent = [&](Context&) -> Poll<int> {
      ++polls;
      if (there) return 5;  // without a wake, as if that was still on its way
      return Pending();
    };
    auto body = [&]() -> Task<int> {
      const int got = co_await futures::poll_fn(std::ref(silent));
      co_return got;
    };
    auto handle = spawn(body);
    co_await until([&] { return polls != 0; });
    there = true;
    handle.cancel();
    Outcome<int> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.has_value());
    EXPECT_EQ(outcome.take(), 5);
  });
}

TEST_P(FutureTest, NoneIsBegunAfterACancel) {
  run([]() -> Task<void> {
    ManualEvent gate;
    Turnstile turnstile;
    Signal signal;
    auto body = [&]() -> Task<void> {
      co_await gate;
      turnstile.pass();
      co_await signal.wait();
    };
    auto handle = spawn(body);
    co_await until([&] { return gate.awaited(); });
    gate.set();
    handle.cancel();
    turnstile.open();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_EQ(signal.polls(), 0);
  });
}

TEST_P(FutureTest, TheLoserOfASelectIsDropped) {
  run([]() -> Task<void> {
    Signal signal;
    auto first = co_await select(signal.wait(), Countdown(3));
    EXPECT_EQ(first.index(), 1U);
    EXPECT_EQ(signal.dropped(), 1);
    Result<void> ended = fail(std::errc::timed_out);
    try {
      co_await timeout(signal.wait(), 1ms);
    } catch (const IoError& error) {
      ended = fail(error.code());
    }
    EXPECT_EQ(ended.error(), std::errc::timed_out);
    EXPECT_EQ(signal.dropped(), 2);
  });
}

TEST_P(FutureTest, AWakerMayOutliveTaskAndRuntime) {
  std::vector<Waker> kept;
  run([&]() -> Task<void> {
    auto keep = [&, left = 3](Context& cx) mutable -> Poll<void> {
      kept.push_back(cx.waker());
      if (--left == 0) return Poll<void>::ready();
      cx.waker().wake_by_ref();
      return Pending();
    };
    auto future = futures::poll_fn(std::move(keep));
    co_await future;
    for (const Waker& waker : kept) waker.wake_by_ref();
  });
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_TRUE(kept[0].will_wake(kept[1]) && kept[1].will_wake(kept[2]));
  std::thread([&] {
    for (const Waker& waker : kept) waker.wake_by_ref();
  }).join();
  end_runtime();
  for (Waker& waker : kept) std::move(waker).wake();
  kept.clear();
}

TEST_P(FutureTest, TheRuntimeMayEndWhileAWakeIsReturning) {
  for (int i = 0; i < 50; ++i) {
    Signal signal;
    std::thread setter([&] { signal.set(i); });
    EXPECT_EQ(run(signal.wait()), i);
    end_runtime();
    setter.join();
  }
}

TEST_P(FutureTest, WakesAndCancelsFromEverywhereEndEachAwaitOnce) {
  run([]() -> Task<void> {
    constexpr int rounds = 300;
    std::atomic<int> ended{0};
    for (int i = 0; i < rounds; ++i) {
      Signal signal;
      auto body = [&]() -> Task<int> {
        const int got = co_await signal.wait();
        co_return got;
      };
      auto handle = spawn(body);
      std::thread waker([&] {
        signal.wake();
        if (i % 2 == 0) signal.set();
      });
      if (i % 3 != 0) co_await yield_now();
      if (i % 2 != 0 || i % 5 == 0) handle.cancel();
      const Outcome<int> outcome = co_await std::move(handle).outcome();
      EXPECT_FALSE(outcome.failed());
      waker.join();
      ++ended;
    }
    EXPECT_EQ(ended, rounds);
  });
}

}  // namespace
}  // namespace weft::test::future_test
