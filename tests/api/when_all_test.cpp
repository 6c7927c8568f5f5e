// when_all(): all results in order, the first failure cancels the others and is rethrown, a cancel
// cancels all.
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::when_all_test {
namespace {

using namespace std::chrono_literals;

class WhenAllTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(WhenAllTest);

Task<int> number(int value, int yields) {
  for (int i = 0; i < yields; ++i) co_await yield_now();
  co_return value;
}
Task<void> nothing() { co_return; }
Task<void> wait_for(ManualEvent& event, Log& log, std::string name) {
  const Logged local(log, std::move(name));
  co_await event;
}
Task<void> fail(std::string what, int yields) {
  for (int i = 0; i < yields; ++i) co_await yield_now();
  throw std::runtime_error(what);
}

TEST_P(WhenAllTest, GivesATupleInTheOrderOfTheAwaitables) {
  run([]() -> Task<void> {
    ManualEvent event;
    event.set();
    int object = 0;
    auto reference = [&]() -> Task<int&> { co_return object; };
    auto pointer = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
    auto results = co_await when_all(number(1, 5), nothing(), pointer(), reference(),
                                     sleep_for(1ms), event.wait());
    EXPECT_EQ(std::get<0>(results), 1);
    EXPECT_EQ(std::get<1>(results), Unit{});
    EXPECT_EQ(*std::get<2>(results), 4);
    EXPECT_EQ(&std::get<3>(results), &object);
  });
}

TEST_P(WhenAllTest, TakesAnyNumberOfTasks) {
  run([]() -> Task<void> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 1000; ++i) tasks.push_back(number(i, i % 4));
    const std::vector<int> values = co_await when_all(std::move(tasks));
    EXPECT_EQ(values.size(), 1000U);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(values[static_cast<std::size_t>(i)], i);

    std::vector<Task<void>> voids;
    const std::vector<Unit> none = co_await when_all(std::move(voids));
    EXPECT_TRUE(none.empty());
    const std::tuple<> empty = co_await when_all();
    (void)empty;
  });
}

TEST_P(WhenAllTest, TheFirstFailureCancelsTheOthersAndIsRethrown) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    ManualEvent never_either;
    std::string what;
    try {
      co_await when_all(wait_for(never, log, "first"), fail("expected", 3),
                        wait_for(never_either, log, "second"));
    } catch (const std::runtime_error& error) {
      what = error.what();
      log.add("caught");
    }
    EXPECT_EQ(what, "expected");
  });
  const auto words = log.words();
  ASSERT_EQ(words.size(), 3U);
  EXPECT_EQ(words.back(), "caught") << "the others had ended before";
}

TEST_P(WhenAllTest, AFailureInPlaceCancelsTheOthersToo) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    EXPECT_FALSE(never.awaited());
    std::vector<Task<void>> tasks;
    tasks.push_back(wait_for(never, log, "waiting"));
    tasks.push_back(fail("at once", 0));
    tasks.push_back(fail("later", 2));
    std::string what;
    try {
      co_await when_all(std::move(tasks));
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "at once");
  });
  EXPECT_EQ(log.words(), std::vector<std::string>{"waiting"});
}

TEST_P(WhenAllTest, ACancelCancelsAllAndWaitsForThem) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent a;
    ManualEvent b;
    auto body = [&]() -> Task<void> {
      const Logged local(log, "parent");
      co_await when_all(wait_for(a, log, "child"), wait_for(b, log, "child"));
    };
    auto handle = spawn(body);
    co_await until([&] { return a.awaited() && b.awaited(); });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(log.words(), (std::vector<std::string>{"child", "child", "parent"}));
}

TEST_P(WhenAllTest, ResultsThatCameInSpiteOfACancelAreDelivered) {
  run([]() -> Task<void> {
    ManualEvent event;
    ManualEvent started;
    auto late = [&]() -> Task<int> {  // hands over its value without passing another leaf
      started.set();
      co_await event;
      co_return 5;
    };
    auto body = [&]() -> Task<int> {
      auto [one, two] = co_await when_all(late(), number(1, 0));
      co_return one + two;
    };
    auto handle = spawn(body);
    co_await started;
    co_await until([&] { return event.awaited(); });
    event.set();  // before the cancel: the child's wait is over, though it has not run yet
    handle.cancel();
    Outcome<int> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.has_value());
    const int value = outcome.has_value() ? outcome.take() : -1;
    EXPECT_EQ(value, 6);
  });
}

TEST_P(WhenAllTest, NothingBeginsOnceACancelWasAskedFor) {
  int begun = 0;
  run([&]() -> Task<void> {
    auto child = [&]() -> Task<void> {
      ++begun;
      co_return;
    };
    ManualEvent gate;
    Turnstile turnstile;
    auto body = [&]() -> Task<void> {
      co_await gate;
      turnstile.pass();
      co_await when_all(child(), child());
    };
    auto handle = spawn(body);
    co_await until([&] { return gate.awaited(); });
    gate.set();
    handle.cancel();
    turnstile.open();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(begun, 0);
}

}  // namespace
}  // namespace weft::test::when_all_test
