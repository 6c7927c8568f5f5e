// timeout(): the result in time, else timed_out when the awaitable has ended; a late result is not
// dropped.
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::timeout_test {
namespace {

using namespace std::chrono_literals;

class TimeoutTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(TimeoutTest);

Task<int> wait_for(ManualEvent& event, Log& log) {
  const Logged local(log, "unwound");
  co_await event;
  co_return 5;
}

template <class A>
Task<std::error_code> error_of(A awaitable) {
  std::error_code code;
  try {
    co_await std::move(awaitable);
  } catch (const IoError& error) {
    code = error.code();
  }
  co_return code;
}

TEST_P(TimeoutTest, GivesTheResultThatCameInTime) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent event;
    event.set();
    const int value = co_await timeout(wait_for(event, log), 1h);
    EXPECT_EQ(value, 5);
    co_await timeout(sleep_for(1ms), 1h);
    auto owner = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(2); };
    const std::unique_ptr<int> owned = co_await timeout(owner(), 1h);
    EXPECT_EQ(*owned, 2);
    int object = 0;
    auto reference = [&]() -> Task<int&> { co_return object; };
    int& same = co_await timeout(reference(), 1h);
    EXPECT_EQ(&same, &object);
  });
}

TEST_P(TimeoutTest, CancelsAwaitsAndThrowsWhenTheTimeIsOver) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    const TimePoint start = now();
    const std::error_code code = co_await error_of(timeout(wait_for(never, log), 5ms));
    log.add("after");
    EXPECT_EQ(code, std::errc::timed_out);
    EXPECT_GE(now() - start, 5ms);
    const std::error_code at_once = co_await error_of(timeout_at(wait_for(never, log), start));
    EXPECT_EQ(at_once, std::errc::timed_out);
  });
  EXPECT_EQ(log.words(), (std::vector<std::string>{"unwound", "after", "unwound"}));
}

TEST_P(TimeoutTest, GivesAResultInsteadOfThrowingToThoseWhoAwaitResults) {
  run([]() -> Task<void> {
    const Result<void> in_time = co_await timeout(attempt(sleep_for(1ms)), 1h);
    EXPECT_TRUE(in_time.has_value());
    const Result<void> late = co_await timeout(attempt(sleep_for(1h)), 1ms);
    EXPECT_FALSE(late.has_value());
    const bool timed_out = !late && late.error() == std::errc::timed_out;
    EXPECT_TRUE(timed_out);
    const Result<void> outside = co_await timeout(sleep_for(1h), 1ms).attempt();
    EXPECT_FALSE(outside.has_value());
  });
}

TEST_P(TimeoutTest, AFailureInTimeIsRethrown) {
  run([]() -> Task<void> {
    auto fail = []() -> Task<int> {
      co_await yield_now();
      throw std::domain_error("inside");
    };
    std::string what;
    try {
      const int value = co_await timeout(fail(), 1h);
      what = std::to_string(value);
    } catch (const std::domain_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "inside");
  });
}

TEST_P(TimeoutTest, AValueThatCameInSpiteOfTheTimeIsGiven) {
  run([]() -> Task<void> {
    auto deaf = []() -> Task<int> {  // passes no leaf after the deadline
      const TimePoint over = now() + 3ms;
      while (now() < over) {
      }
      co_return 9;
    };
    auto busy = [&]() -> Task<int> {
      const int value = co_await deaf();
      co_return value;
    };
    const int value = co_await timeout(busy(), 1ms);
    EXPECT_EQ(value, 9);
  });
}

TEST_P(TimeoutTest, ACancelEndsTheAwaitableAndTheTimer) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    auto body = [&]() -> Task<void> { co_await timeout(wait_for(never, log), 1h); };
    auto handle = spawn(body);
    co_await until([&] { return never.awaited(); });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(log.words(), std::vector<std::string>{"unwound"});
}

TEST_P(TimeoutTest, NestedTimeoutsEndAtTheEarliest) {
  run([]() -> Task<void> {
    const TimePoint start = now();
    const std::error_code code =
        co_await error_of(timeout(timeout(timeout(sleep_for(1h), 30min), 2ms), 20min));
    EXPECT_EQ(code, std::errc::timed_out);
    EXPECT_LT(now() - start, 10min);
  });
}

}  // namespace
}  // namespace weft::test::timeout_test
