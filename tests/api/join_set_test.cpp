// JoinSet: results in the order of the ends, limits, cancels from everywhere, and what becomes of
// tasks and results when the set goes.
#include <weft/channel.hpp>
#include <weft/fiber.hpp>
#include <weft/join_set.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/shield.hpp>
#include <weft/sleep.hpp>
#include <weft/stream.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::join_set_test {
namespace {

using namespace std::chrono_literals;

class JoinSetTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(JoinSetTest);

static_assert(Stream<JoinSet<int>>);
static_assert(!std::is_copy_constructible_v<JoinSet<int>>);

Task<int> value_after(int value, Nanoseconds pause) {
  co_await sleep_for(pause);
  co_return value;
}
Task<int> fail(const char* text) {
  co_await yield_now();
  throw std::runtime_error(text);
}
Task<int> wait_for(ManualResetEvent& event, int value) {
  co_await event.wait();
  co_return value;
}

TEST(JoinSet, GivesResultsInTheOrderOfTheEnds) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    JoinSet<int> set;
    set.spawn(value_after, 1, 3s);
    set.spawn(value_after, 2, 1s);
    set.spawn(value_after(3, 2s));
    EXPECT_EQ(set.size(), 3U);
    std::vector<int> values;
    while (auto value = co_await set.next()) values.push_back(*value);
    EXPECT_EQ(values, (std::vector<int>{2, 3, 1}));
    EXPECT_TRUE(set.empty());
    set.spawn(value_after, 4, 1s);  // it is used again
    const auto again = co_await set.next();
    EXPECT_EQ(again, 4);
  });
}

TEST_P(JoinSetTest, EachOfManyResultsComesOnce) {
  constexpr int count = 500;
  run([]() -> Task<void> {
    JoinSet<int> set;
    for (int i = 0; i < count; ++i) {
      set.spawn([i]() -> Task<int> {
        if (i % 3 == 0) co_await yield_now();
        co_return i;
      });
    }
    std::vector<int> seen(count);
    while (auto value = co_await set.next()) ++seen.at(static_cast<std::size_t>(*value));
    EXPECT_EQ(seen, std::vector<int>(count, 1));
  });
}

TEST_P(JoinSetTest, AnEmptySetHasNoNext) {
  run([]() -> Task<void> {
    JoinSet<void> set;
    const auto none = co_await set.next();
    EXPECT_FALSE(none.has_value());
    co_await set.all_ended();
    EXPECT_FALSE(set.try_next_ended().has_value());
    set.cancel_all();
    set.detach_all();
  });
}

TEST_P(JoinSetTest, TellsHowEachTaskEnded) {
  run([]() -> Task<void> {
    ManualResetEvent never_set;
    JoinSet<int> set;
    const CancelHandle good = set.spawn([]() -> Task<int> { co_return 7; });
    const CancelHandle bad = set.spawn(fail, "no luck");
    const CancelHandle lost = set.spawn(wait_for, std::ref(never_set), 9);
    EXPECT_EQ(good.number(), 0U);
    EXPECT_EQ(bad.number(), 1U);
    EXPECT_EQ(lost.number(), 2U);
    lost.cancel();
    int values = 0;
    int failures = 0;
    int cancels = 0;
    while (auto end = co_await set.next_ended()) {
      if (end->outcome.has_value()) {
        EXPECT_EQ(end->number, 0U);
        EXPECT_EQ(end->outcome.take(), 7);
        ++values;
      } else if (end->outcome.failed()) {
        EXPECT_EQ(end->number, 1U);
        ++failures;
      } else {
        EXPECT_EQ(end->number, 2U);
        ++cancels;
      }
    }
    EXPECT_EQ(values, 1);
    EXPECT_EQ(failures, 1);
    EXPECT_EQ(cancels, 1);
    EXPECT_TRUE(good.ended() && bad.ended() && lost.ended());
    good.cancel();  // no effect
  });
}

TEST_P(JoinSetTest, NextThrowsAndGoesOn) {
  run([]() -> Task<void> {
    JoinSet<int> set;
    set.spawn(fail, "first");
    std::string what;
    try {
      (void)co_await set.next();
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "first");
    ManualResetEvent event;
    set.spawn(wait_for, std::ref(event), 1).cancel();
    std::error_code code;
    try {
      (void)co_await set.next();
    } catch (const IoError& error) {
      code = error.code();
    }
    EXPECT_EQ(code, std::errc::operation_canceled);
    set.spawn([]() -> Task<int> { co_return 5; });
    const auto value = co_await set.next();
    EXPECT_EQ(value, 5);
  });
}

TEST_P(JoinSetTest, ReferencesAndMoveOnlyValues) {
  run([]() -> Task<void> {
    int object = 1;
    JoinSet<int&> references;
    references.spawn([&]() -> Task<int&> { co_return object; });
    const auto reference = co_await references.next();
    EXPECT_EQ(&reference->get(), &object);
    JoinSet<std::unique_ptr<int>> pointers;
    pointers.spawn([]() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); });
    const auto pointer = co_await pointers.next();
    EXPECT_EQ(**pointer, 3);
  });
}

// Limits

TEST_P(JoinSetTest, NoMoreThanTheLimitRun) {
  constexpr int tasks = 100;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  run([&]() -> Task<void> {
    JoinSet<void> set(4);
    auto work = [&]() -> Task<void> {
      const int now_inside = ++inside;
      for (int seen = most; seen < now_inside && !most.compare_exchange_weak(seen, now_inside);)
        continue;
      co_await yield_now();
      --inside;
    };
    for (int i = 0; i < tasks; ++i) {
      if (i % 2 == 0) {
        OwnedPermit place = co_await set.place();
        set.spawn(std::move(place), std::ref(work));
      } else {
        (void)co_await set.spawn_when_free(std::ref(work));
      }
    }
    int ended = 0;
    while (auto end = co_await set.next()) ++ended;
    EXPECT_EQ(ended, tasks);
  });
  EXPECT_LE(most, 4);
  EXPECT_GE(most, 1);
}

TEST_P(JoinSetTest, AFullSetRefusesAndMovesNothing) {
  run([]() -> Task<void> {
    ManualResetEvent go;
    JoinSet<int> set(1);
    auto work = [](ManualResetEvent& event, std::unique_ptr<int> value) -> Task<int> {
      co_await event.wait();
      co_return *value;
    };
    auto first = std::make_unique<int>(1);
    auto second = std::make_unique<int>(2);
    EXPECT_TRUE(set.try_spawn(work, std::ref(go), std::move(first)).has_value());
    EXPECT_FALSE(set.try_spawn(work, std::ref(go), std::move(second)).has_value());
    EXPECT_NE(second, nullptr);
    EXPECT_THROW(set.spawn(work, std::ref(go), std::make_unique<int>(3)), std::logic_error);
    EXPECT_EQ(set.size(), 1U);
    auto waiting = spawn([&]() -> Task<void> {
      OwnedPermit place = co_await set.place();
      set.spawn(std::move(place), work, std::ref(go), std::move(second));
    });
    co_await yield_now();
    EXPECT_EQ(set.running(), 1U);
    go.set();
    const auto value = co_await set.next();
    EXPECT_EQ(value, 1);
    co_await std::move(waiting);
    const auto other = co_await set.next();
    EXPECT_EQ(other, 2);
  });
}

TEST_P(JoinSetTest, APlaceIsFreeAgainUnused) {
  run([]() -> Task<void> {
    JoinSet<int> set(1);
    JoinSet<int> another(1);
    {
      const OwnedPermit unused = co_await set.place();
      EXPECT_FALSE(set.try_spawn([]() -> Task<int> { co_return 1; }).has_value());
    }
    OwnedPermit foreign = co_await another.place();
    EXPECT_THROW(set.spawn(std::move(foreign), value_after, 1, 0s), std::invalid_argument);
    EXPECT_THROW(set.spawn(OwnedPermit(), value_after, 1, 0s), std::invalid_argument);
    // A spawn that throws frees its place.
    OwnedPermit place = co_await set.place();
    EXPECT_THROW(set.spawn(std::move(place), []() -> Task<int> { throw std::runtime_error("x"); }),
                 std::runtime_error);
    EXPECT_TRUE(set.try_spawn(value_after, 2, 0s).has_value());
    const auto value = co_await set.next();
    EXPECT_EQ(value, 2);
    EXPECT_THROW(JoinSet<int>(0), std::invalid_argument);
  });
}

// Cancels

TEST_P(JoinSetTest, ACancelOfAWaitTakesNothing) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  run([seed]() -> Task<void> {
    constexpr int count = 300;
    std::mt19937_64 random(seed);
    JoinSet<int> set;
    for (int i = 0; i < count; ++i) {
      set.spawn(value_after, i, std::chrono::microseconds(random() % 2000));
    }
    std::vector<int> seen(count);
    while (!set.empty()) {
      auto first = co_await select(set.next(), sleep_for(std::chrono::microseconds(random() % 40)));
      if (!first.has<0>()) continue;
      if (const auto value = first.take<0>()) ++seen.at(static_cast<std::size_t>(*value));
    }
    EXPECT_EQ(seen, std::vector<int>(count, 1));
  });
}

TEST_P(JoinSetTest, AWaitThatIsCancelledBeforeAndAfter) {
  run([]() -> Task<void> {
    JoinSet<int> set;
    ManualResetEvent event;
    set.spawn(wait_for, std::ref(event), 1);
    auto waiting = spawn([&]() -> Task<int> {
      const auto value = co_await set.next();
      co_return value.value_or(0);
    });
    co_await yield_now();
    waiting.cancel();
    const Outcome<int> during = co_await std::move(waiting).outcome();
    EXPECT_TRUE(during.cancelled());
    auto before = spawn([&]() -> Task<int> {
      const auto value = co_await set.next();
      co_return value.value_or(0);
    });
    before.cancel();
    const Outcome<int> cancelled = co_await std::move(before).outcome();
    EXPECT_TRUE(cancelled.cancelled());
    event.set();
    const auto value = co_await set.next();
    EXPECT_EQ(value, 1);
  });
}

TEST_P(JoinSetTest, CancelHandlesWorkFromAnyThreadAndAtAnyTime) {
  run([]() -> Task<void> {
    ManualResetEvent never_set;
    for (int round = 0; round < 50; ++round) {
      std::vector<CancelHandle> handles;
      JoinSet<int> set;
      for (int i = 0; i < 6; ++i) {
        handles.push_back(i % 2 == 0 ? set.spawn(wait_for, std::ref(never_set), i)
                                     : set.spawn([i]() -> Task<int> { co_return i; }));
      }
      std::thread thread([copies = handles] {
        for (const CancelHandle& handle : copies) handle.cancel();
      });
      int ended = 0;
      int values = 0;
      while (auto end = co_await set.next_ended()) {
        ++ended;
        if (end->outcome.has_value()) ++values;
      }
      thread.join();
      EXPECT_EQ(ended, 6);
      EXPECT_LE(values, 3);
      JoinSet<int> moved = std::move(set);
      for (const CancelHandle& handle : handles) EXPECT_TRUE(handle.ended());
    }
    const CancelHandle none;
    none.cancel();
    EXPECT_TRUE(none.ended());
  });
}

TEST_P(JoinSetTest, AMemberThatWaitsForResultsOfItsSetIsCancelled) {
  run([]() -> Task<void> {
    JoinSet<int> set;
    for (int i = 0; i < 3; ++i) {
      set.spawn([&]() -> Task<int> {
        const auto other = co_await set.next();
        co_return other.value_or(-1);
      });
    }
    co_await yield_now();
    set.cancel_all();
    co_await set.all_ended();
    EXPECT_EQ(set.running(), 0U);
    int cancelled = 0;
    while (auto end = set.try_next_ended()) cancelled += end->outcome.cancelled() ? 1 : 0;
    EXPECT_EQ(cancelled, 3);
  });
}

TEST_P(JoinSetTest, TheLastEndReleasesAllWaits) {
  run([]() -> Task<void> {
    JoinSet<int> set;
    ManualResetEvent event;
    set.spawn(wait_for, std::ref(event), 1);
    std::vector<JoinHandle<int>> waits;
    for (int i = 0; i < 3; ++i) {
      waits.push_back(spawn([&]() -> Task<int> {
        const auto value = co_await set.next();
        co_return value.value_or(0);
      }));
    }
    co_await yield_now();
    event.set();
    int sum = 0;
    for (JoinHandle<int>& wait : waits) {
      const int value = co_await std::move(wait);
      sum += value;
    }
    EXPECT_EQ(sum, 1);
  });
}

// The end of the set

TEST_P(JoinSetTest, TheSetCancelsItsTasksAndTheOwnerWaitsForThem) {
  Log log;
  ManualResetEvent never_set;
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      JoinSet<int> set(SpawnOptions().owner(s));
      for (int i = 0; i < 3; ++i) {
        set.spawn([&never_set, noted = Logged(log, "ended")]() -> Task<int> {
          co_await never_set.wait();
          co_return 1;
        });
      }
      co_await yield_now();
    });
    EXPECT_EQ(log.words().size(), 3U);  // the scope has waited
  });
}

TEST_P(JoinSetTest, AFailureDoesNotConcernTheScope) {
  run([]() -> Task<void> {
    const int value = co_await scope([](Scope& s) -> Task<int> {
      JoinSet<int> set(SpawnOptions().owner(s));
      set.spawn(fail, "alone");
      const auto end = co_await set.next_ended();
      EXPECT_TRUE(end.has_value() && end->outcome.failed());
      co_return 3;
    });
    EXPECT_EQ(value, 3);
  });
}

TEST_P(JoinSetTest, AFailureThatIsNotTakenIsReported) {
  allow_failures();
  run([this]() -> Task<void> {
    {
      JoinSet<int> set;
      set.spawn(fail, "not taken");
      co_await set.all_ended();
    }
    JoinSet<int> detached;
    ManualResetEvent event;
    auto failing = [&event]() -> Task<int> {
      co_await event.wait();
      throw std::runtime_error("detached");
    };
    detached.spawn(std::ref(failing));
    co_await yield_now();
    detached.detach_all();
    EXPECT_TRUE(detached.empty());
    event.set();
    co_await until([this] { return failures().size() == 2; });
  });
  end_runtime();
  std::vector<std::string> texts;
  for (const Failure& failure : failures()) texts.push_back(failure.what);
  EXPECT_EQ(texts, (std::vector<std::string>{"not taken", "detached"}));
}

TEST_P(JoinSetTest, DetachedTasksGoOn) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(4);
    ManualResetEvent event;
    {
      JoinSet<void> set;
      for (int i = 0; i < 2; ++i) {
        set.spawn([&event, i, out = sender]() -> Task<void> {
          co_await event.wait();
          (void)co_await out.send(i);
        });
      }
      co_await yield_now();
      set.detach_all();
    }
    event.set();
    const auto first = co_await receiver.receive();
    const auto second = co_await receiver.receive();
    EXPECT_EQ(first.value() + second.value(), 1);
  });
}

TEST_P(JoinSetTest, SetsThatGoWhileTheirTasksEnd) {
  run([]() -> Task<void> {
    for (int round = 0; round < 200; ++round) {
      JoinSet<int> set;
      for (int i = 0; i < 4; ++i) set.spawn([i]() -> Task<int> { co_return i; });
      if (round % 2 == 0) co_await yield_now();
      if (round % 3 == 0) set.detach_all();
    }
  });
}

// Other ways to wait

TEST_P(JoinSetTest, ThreadsAndFibersTakeResults) {
  JoinSet<int> set(SpawnOptions().owner(runtime()));
  set.spawn([]() -> Task<int> { co_return 1; });
  set.spawn([]() -> Task<int> { co_return 2; });
  auto in_fiber = [&] { return await(set.next()).value(); };
  const int first = run(fiber(std::ref(in_fiber)));
  if (GetParam() != 0) {  // a current_thread runtime runs nothing meanwhile
    const auto second = set.blocking_next();
    EXPECT_EQ(first + second.value(), 3);
  } else {
    const auto second = run(set.next());
    EXPECT_EQ(first + second.value(), 3);
  }
  EXPECT_TRUE(set.empty());
}

}  // namespace
}  // namespace weft::test::join_set_test
