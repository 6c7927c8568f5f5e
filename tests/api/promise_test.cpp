// Promise and SharedResult: every way of setting × every way of waiting × before and after; many
// waiters, whose cancels are independent; share() and the bridges to std::future.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/promise.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/std_future.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::promise_test {
namespace {

using namespace std::chrono_literals;

class PromiseTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(PromiseTest);

using Words = std::vector<std::string>;

enum class Set { value, error, cancelled, dropped };
enum class Wait { coroutine, temporary, fiber, callback, thread };
enum class When { before, after };

struct Case {
  Set set;
  Wait wait;
  When when;  // whether the wait begins before or after the promise is set
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  constexpr std::array sets{"value", "error", "cancelled", "dropped"};
  constexpr std::array waits{"coroutine", "temporary", "fiber", "callback", "thread"};
  return out << sets[static_cast<std::size_t>(c.set)] << " × "
             << waits[static_cast<std::size_t>(c.wait)] << ", waiting "
             << (c.when == When::before ? "before" : "after");
}

std::string expected(Set set) {
  constexpr std::array words{"7", "error", "cancelled",
                             "weft::Promise: it was destroyed before it was set"};
  return words[static_cast<std::size_t>(set)];
}

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const IoError& failure) {
    return failure.code() == std::errc::operation_canceled ? "cancelled" : failure.what();
  } catch (const std::exception& exception) {
    return exception.what();
  }
}

void apply(Set set, Promise<int> promise) {
  if (set == Set::value) promise.set_value(7);
  if (set == Set::error) promise.set_error(std::make_exception_ptr(std::runtime_error("error")));
  if (set == Set::cancelled) promise.set_outcome(Outcome<int>());
}

/// The result of `get()`, in words.
template <class Get>
std::string said(Get get) {
  try {
    return std::to_string(get());
  } catch (...) {
    return text_of(std::current_exception());
  }
}

Task<std::string> by_coroutine(SharedResult<int> future) {
  try {
    const int& value = co_await future;
    co_return std::to_string(value);
  } catch (...) {
    co_return text_of(std::current_exception());
  }
}

Task<std::string> by_temporary(SharedResult<int> future) {
  try {
    const int value = co_await std::move(future);
    co_return std::to_string(value);
  } catch (...) {
    co_return text_of(std::current_exception());
  }
}

JoinHandle<std::string> wait_by(Wait wait, SharedResult<int> future) {
  if (wait == Wait::coroutine) return spawn(by_coroutine, std::move(future));
  if (wait == Wait::temporary) return spawn(by_temporary, std::move(future));
  if (wait == Wait::fiber) {
    return spawn(fiber([future] { return said([&] { return await(future); }); }));
  }
  return future.on_complete([](const int& value) { return std::to_string(value); },
                            [](const std::exception_ptr& error) { return text_of(error); });
}

TEST_P(PromiseTest, EverySetTimesEveryWait) {
  for (const Set set : {Set::value, Set::error, Set::cancelled, Set::dropped}) {
    for (const Wait wait : {Wait::coroutine, Wait::temporary, Wait::fiber, Wait::callback}) {
      for (const When when : {When::before, When::after}) {
        const Case c{set, wait, when};
        SCOPED_TRACE(::testing::Message() << c);
        const std::string got = run([&]() -> Task<std::string> {
          Promise<int> promise;
          SharedResult<int> future = promise.result();
          if (when == When::after) apply(set, std::move(promise));
          auto handle = wait_by(wait, future);
          for (int i = 0; i < 3; ++i) co_await yield_now();
          EXPECT_EQ(future.ready(), when == When::after);
          if (when == When::before) apply(set, std::move(promise));
          std::string text = co_await std::move(handle);
          co_return text;
        });
        EXPECT_EQ(got, expected(set));
      }
    }
  }
}

TEST_P(PromiseTest, EverySetForAThread) {
  for (const Set set : {Set::value, Set::error, Set::cancelled, Set::dropped}) {
    for (const When when : {When::before, When::after}) {
      const Case c{set, Wait::thread, when};
      SCOPED_TRACE(::testing::Message() << c);
      Promise<int> promise;
      const SharedResult<int> future = promise.result();
      if (when == When::after) apply(set, std::move(promise));
      std::string got;
      std::thread waiter([&] { got = said([&] { return future.get(); }); });
      if (when == When::before) apply(set, std::move(promise));
      waiter.join();
      EXPECT_EQ(got, expected(set));
    }
  }
}

TEST_P(PromiseTest, AThreadMayWaitForSomeTime) {
  Promise<void> promise;
  const SharedResult<void> future = promise.result();
  EXPECT_FALSE(future.wait_for(0ns));
  EXPECT_FALSE(future.wait_for(1ms));
  EXPECT_FALSE(future.ready());
  std::thread setter([&] { promise.set_value(); });
  EXPECT_TRUE(future.wait_for(1h));
  setter.join();
  EXPECT_TRUE(future.wait_for(0ns));
  EXPECT_NO_THROW(future.get());
}

TEST(Promise, IsSetOnce) {
  Promise<int> promise;
  EXPECT_TRUE(promise);
  const SharedResult<int> future = promise.result();
  promise.set_value(1);
  EXPECT_FALSE(promise);
  EXPECT_THROW(promise.set_value(2), std::logic_error);
  EXPECT_THROW(promise.set_error(std::make_exception_ptr(1)), std::logic_error);
  EXPECT_EQ(future.get(), 1);
  EXPECT_EQ(promise.result().get(), 1) << "a future of a promise that is set";
  Promise<int> other;
  const SharedResult<int> broken = other.result();
  other = Promise<int>();
  EXPECT_THROW(static_cast<void>(broken.get()), BrokenPromise);
}

TEST(Promise, AnEmptyFutureSaysSo) {
  SharedResult<int> empty;
  EXPECT_FALSE(empty);
  EXPECT_FALSE(empty.ready());
  EXPECT_THROW(empty.wait(), std::logic_error);
  EXPECT_THROW(static_cast<void>(empty.get()), std::logic_error);
}

TEST(Promise, AValueThatCannotBeMadeLeavesItToBeSet) {
  struct Picky {
    explicit Picky(int number) : value(number) {
      if (number < 0) throw std::invalid_argument("negative");
    }
    int value;
  };
  Promise<Picky> promise;
  const SharedResult<Picky> future = promise.result();
  EXPECT_THROW(promise.set_value(-1), std::invalid_argument);
  EXPECT_FALSE(future.ready());
  promise.set_value(1);
  EXPECT_EQ(future.get().value, 1);
}

TEST_P(PromiseTest, AllShareOneResult) {
  run([]() -> Task<void> {
    Promise<std::unique_ptr<int>> promise;
    const SharedResult<std::unique_ptr<int>> future = promise.result();
    std::vector<JoinHandle<const int*>> waiting;
    for (int i = 0; i < 50; ++i) {
      waiting.push_back(spawn([future]() -> Task<const int*> {
        const std::unique_ptr<int>& shared = co_await future;
        co_return shared.get();
      }));
    }
    co_await yield_now();
    promise.set_value(std::make_unique<int>(5));
    const std::unique_ptr<int>& mine = co_await future;
    for (JoinHandle<const int*>& handle : waiting) {
      const int* const theirs = co_await std::move(handle);
      EXPECT_EQ(theirs, mine.get());
    }
  });
}

TEST_P(PromiseTest, ACancelledWaitConcernsNobodyElse) {
  run([]() -> Task<void> {
    Promise<int> promise;
    const SharedResult<int> future = promise.result();
    auto first = spawn(by_coroutine, future);
    auto second = spawn(by_coroutine, future);
    for (int i = 0; i < 3; ++i) co_await yield_now();
    first.cancel();
    const Outcome<std::string> outcome = co_await std::move(first).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_FALSE(second.ended());
    promise.set_value(7);
    const std::string text = co_await std::move(second);
    EXPECT_EQ(text, "7");
  });
}

TEST_P(PromiseTest, SetAndCancelAndDropFromEverywhere) {
  std::atomic<int> got = 0;
  std::atomic<int> cancelled = 0;
  constexpr int rounds = 200;
  constexpr int waiters = 8;
  run([&]() -> Task<void> {
    for (int round = 0; round < rounds; ++round) {
      Promise<int> promise;
      std::vector<JoinHandle<std::string>> handles;
      for (int i = 0; i < waiters; ++i) handles.push_back(spawn(by_coroutine, promise.result()));
      auto setter = spawn(
          [](Promise<int> owned) -> Task<void> {
            co_await yield_now();
            owned.set_value(7);
          },
          std::move(promise));
      for (std::size_t i = 0; i < handles.size(); i += 2) handles[i].cancel();
      for (JoinHandle<std::string>& handle : handles) {
        Outcome<std::string> outcome = co_await std::move(handle).outcome();
        ++(outcome.cancelled() ? cancelled : got);
      }
      co_await std::move(setter);
    }
  });
  EXPECT_EQ(got + cancelled, rounds * waiters);
  EXPECT_GE(got, rounds * waiters / 2);
}

// share()

/// The move that takes `countdown` to zero throws.
struct Fragile {
  Fragile(int number, std::atomic<int>* moves) : value(number), countdown(moves) {}
  Fragile(Fragile&& other) : value(other.value), countdown(other.countdown) {
    if (countdown->fetch_sub(1) == 1) throw std::length_error("the move fails");
  }
  int value;
  std::atomic<int>* countdown;
};

TEST_P(PromiseTest, WhicheverMoveOfWhatIsSharedFailsIsItsError) {
  allow_failures();
  run([]() -> Task<void> {
    int failed = 0;
    for (int move = 1; move < 10; ++move) {
      std::atomic<int> countdown = move;
      auto work = [&]() -> Task<Fragile> {
        co_await yield_now();
        co_return Fragile(5, &countdown);
      };
      const SharedResult<Fragile> future = share(work());
      try {
        const Fragile& value = co_await future;
        EXPECT_EQ(value.value, 5);
      } catch (const std::length_error&) {
        ++failed;
      }
    }
    EXPECT_GE(failed, 2);
  });
}

TEST_P(PromiseTest, ShareStartsWithoutBeingAsked) {
  run([]() -> Task<void> {
    std::atomic<bool> begun = false;
    auto work = [&]() -> Task<int> {
      begun = true;
      co_await yield_now();
      co_return 5;
    };
    auto lazy = work();
    for (int i = 0; i < 3; ++i) co_await yield_now();
    EXPECT_FALSE(begun);
    const SharedResult<int> eager = share(std::move(lazy));
    co_await until([&] { return eager.ready(); });
    EXPECT_TRUE(begun);
    const int& once = co_await eager;
    const int& twice = co_await eager;
    EXPECT_EQ(&once, &twice);
    EXPECT_EQ(once, 5);
  });
}

TEST_P(PromiseTest, ShareOutlivesThoseWhoWait) {
  run([]() -> Task<void> {
    ManualEvent gate;
    std::atomic<bool> done = false;
    SharedResult<void> shared = share([&]() -> Task<void> {
      co_await gate;
      done = true;
    });
    {
      auto first = co_await select(SharedResult<void>(shared), yield_now());
      EXPECT_EQ(first.index(), 1U);
    }
    shared = SharedResult<void>();
    co_await until([&] { return gate.awaited(); });
    gate.set();
    co_await until([&] { return done.load(); });
  });
}

TEST_P(PromiseTest, AnErrorThatNobodyLooksAtIsReported) {
  allow_failures();
  run([&]() -> Task<void> {
    auto fail = []() -> Task<int> {
      co_await yield_now();
      throw std::runtime_error("shared");
    };
    {
      const SharedResult<int> looked_at = share(fail);
      const std::string text = co_await by_coroutine(looked_at);
      EXPECT_EQ(text, "shared");
    }
    EXPECT_TRUE(failures().empty());
    {
      const SharedResult<int> ignored = share(fail);
      co_await until([&] { return ignored.ready(); });
      EXPECT_TRUE(failures().empty()) << "somebody may still look";
    }
    co_await until([&] { return failures().size() == 1; });
  });
  ASSERT_EQ(failures().size(), 1U);
  EXPECT_EQ(failures()[0].what, "shared");
}

TEST_P(PromiseTest, AnErrorThatNothingLooksAtIsReportedAlsoIfAScopeOwnsTheWork) {
  allow_failures();
  run([&]() -> Task<void> {
    auto fail = []() -> Task<int> {
      co_await yield_now();
      throw std::runtime_error("shared in a scope");
    };
    co_await scope([&](Scope& s) -> Task<void> {
      static_cast<void>(share(SpawnOptions().owner(s), fail));
      co_return;
    });
    co_await until([&] { return failures().size() == 1; });
  });
  ASSERT_EQ(failures().size(), 1U);
  EXPECT_EQ(failures()[0].what, "shared in a scope");
}

TEST_P(PromiseTest, AShutdownCancelsWhatIsShared) {
  SharedResult<int> future;
  run([&]() -> Task<void> {
    future = share([]() -> Task<int> {
      co_await sleep_for(1h);
      co_return 1;
    });
    co_return;
  });
  end_runtime();
  EXPECT_TRUE(future.ready());
  EXPECT_EQ(said([&] { return future.get(); }), "cancelled");
}

TEST_P(PromiseTest, InAScopeTheWorkIsAChild) {
  run([]() -> Task<void> {
    SharedResult<int> future;
    auto body = [&](Scope& s) -> Task<void> {
      future = share(SpawnOptions().owner(s), []() -> Task<int> {
        co_await sleep_for(1ms);
        co_return 3;
      });
      co_return;
    };
    co_await scope(body);
    EXPECT_TRUE(future.ready());
  });
}

TEST_P(PromiseTest, AThreadThatRunsTasksMustNotBlock) {
  run([]() -> Task<void> {
    Promise<int> promise;
    const SharedResult<int> future = promise.result();
    EXPECT_THROW(static_cast<void>(future.get()), std::logic_error);
    promise.set_value(1);
    EXPECT_EQ(future.get(), 1) << "what is there needs no waiting";
    co_return;
  });
}

TEST_P(PromiseTest, ReferencesAndMemory) {
  run([]() -> Task<void> {
    const std::int64_t before = frame_pool_stats().live_blocks;
    int object = 1;
    Promise<int&> promise;
    const SharedResult<int&> future = promise.result();
    EXPECT_EQ(frame_pool_stats().live_blocks - before, 1);
    promise.set_value(object);
    int& same = co_await future;
    EXPECT_EQ(&same, &object);
  });
}

// std::future

TEST_P(PromiseTest, FromAStdFuture) {
  std::promise<int> promise;
  std::promise<void> failing;
  run([&]() -> Task<void> {
    const SharedResult<int> value = from_std(promise.get_future());
    const SharedResult<void> error = from_std(failing.get_future());
    EXPECT_FALSE(value.ready());
    promise.set_value(7);
    failing.set_exception(std::make_exception_ptr(std::runtime_error("std")));
    const int& got = co_await value;
    EXPECT_EQ(got, 7);
    std::string text;
    try {
      co_await error;
    } catch (const std::runtime_error& failure) {
      text = failure.what();
    }
    EXPECT_EQ(text, "std");
  });
  EXPECT_THROW(from_std(std::future<int>()), std::future_error);
}

TEST_P(PromiseTest, ToAStdFuture) {
  Promise<std::string> promise;
  const SharedResult<std::string> future = promise.result();
  std::future<std::string> early = to_std(future);
  EXPECT_EQ(early.wait_for(0s), std::future_status::timeout);
  promise.set_value("text");
  EXPECT_EQ(early.get(), "text");
  EXPECT_EQ(to_std(future).get(), "text");
  const SharedResult<void> broken = Promise<void>().result();
  EXPECT_THROW(to_std(broken).get(), BrokenPromise);
}

TEST_P(PromiseTest, ManyReadyOnesInARowLeaveOthersTheirTurns) {
  if (GetParam() > 1) GTEST_SKIP() << "another worker would run the other task";
  Promise<int> promise;
  const SharedResult<int> future = promise.result();
  promise.set_value(1);
  bool other_ran = false;
  int awaits = 0;
  run([&]() -> Task<void> {
    auto other = spawn([&]() -> Task<void> {
      other_ran = true;
      co_return;
    });
    for (; !other_ran && awaits < 100'000; ++awaits) co_await future;
    co_await std::move(other);
  });
  EXPECT_LT(awaits, 100'000);
}

}  // namespace
}  // namespace weft::test::promise_test
