// with_deadline(): inherited by all tasks below, the earliest holds, and the effect of a deadline
// that has passed.
#include <weft/deadline.hpp>
#include <weft/fiber.hpp>
#include <weft/finally.hpp>
#include <weft/scope.hpp>
#include <weft/shield.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/task_local.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <system_error>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::deadline_test {
namespace {

using namespace std::chrono_literals;

class DeadlineTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(DeadlineTest);

/// With virtual time, so that expected times are exact.
class VirtualDeadlineTest : public ::testing::Test {
 protected:
  template <class W>
  decltype(auto) run(W work) {
    Runtime runtime(with_virtual_time());
    return runtime.block_on(std::move(work));
  }
};

/// "value", "timed out", or another error's text.
template <class A>
Task<std::string> end_of(A awaitable) {
  std::string end = "value";
  try {
    (void)co_await std::move(awaitable);
  } catch (const IoError& error) {
    end = error.code() == std::errc::timed_out ? "timed out" : error.what();
  }
  co_return end;
}

Task<int> sleep_and_give(Nanoseconds duration, int value) {
  co_await sleep_for(duration);
  co_return value;
}

TEST_P(DeadlineTest, ThereIsNoneUnlessOneIsSet) {
  EXPECT_EQ(current_deadline(), TimePoint::max());
  EXPECT_EQ(remaining(), Nanoseconds::max());
  run([]() -> Task<void> {
    EXPECT_EQ(current_deadline(), TimePoint::max());
    EXPECT_EQ(remaining(), Nanoseconds::max());
    auto body = []() -> Task<int> {
      EXPECT_GT(remaining(), 59min);
      EXPECT_LE(remaining(), 1h);
      co_await yield_now();
      EXPECT_GT(remaining(), 59min);
      co_return 4;
    };
    const int given = co_await with_deadline(body(), 1h);
    EXPECT_EQ(given, 4);
    EXPECT_EQ(remaining(), Nanoseconds::max());
  });
}

TEST_P(DeadlineTest, NothingRemainsHoweverLongItHasPassed) {
  run([]() -> Task<void> {
    int asked = 0;
    // The first run of the body comes before the deadline's effect.
    auto body = [&]() -> Task<void> {
      EXPECT_EQ(remaining(), 0ns);
      ++asked;
      co_return;
    };
    for (const TimePoint at : {TimePoint::min(), TimePoint::min() + 1ns, TimePoint()}) {
      (void)co_await end_of(with_deadline(body(), at));
    }
    (void)co_await end_of(with_deadline(body(), Nanoseconds::min()));
    EXPECT_GT(asked, 0);
  });
}

TEST_P(DeadlineTest, IsInheritedByChildrenFibersAndCallbacks) {
  run([]() -> Task<void> {
    const TimePoint at = deadline_after(1h);
    std::atomic<int> seen{0};
    auto check = [&, at]() -> Task<void> {
      co_await yield_now();
      EXPECT_EQ(current_deadline(), at);
      ++seen;
    };
    auto body = [&](Scope& s) -> Task<void> {
      s.spawn(check);
      s.spawn(fiber([&] { await(check()); }));
      co_await when_all(check(), check());
      co_await timeout(check(), 1min);
      co_await with_deadline(check(), at + 1s);  // the earlier one holds
      auto other = spawn([&]() -> Task<void> {
        EXPECT_EQ(remaining(), Nanoseconds::max());
        co_return;
      });
      co_await std::move(other);
    };
    co_await with_deadline(scope(body), at);
    EXPECT_EQ(seen, 6);
  });
}

TEST_P(DeadlineTest, CancelsAllBelowWhenTheTimeIsOver) {
  run([]() -> Task<void> {
    ManualEvent a;
    ManualEvent b;
    ManualEvent c;
    auto body = [&](Scope& s) -> Task<void> {
      s.spawn([&]() -> Task<void> { co_await a; });
      s.spawn(fiber([&] { await(b); }));
      co_await c;
    };
    const std::string end = co_await end_of(with_deadline(scope(body), 1ms));
    EXPECT_EQ(end, "timed out");
    EXPECT_FALSE(a.awaited() || b.awaited() || c.awaited());
  });
}

TEST_P(DeadlineTest, GivesAResultWhereTheAwaitableDoes) {
  run([]() -> Task<void> {
    auto never = []() -> Task<Result<int>> {
      co_await sleep_for(1h);
      co_return 1;
    };
    const Result<int> result = co_await with_deadline(never(), 1ms);
    EXPECT_EQ(result.error(), std::errc::timed_out);
  });
}

TEST_P(DeadlineTest, ACancelFromOutsideIsNoTimeout) {
  run([]() -> Task<void> {
    ManualEvent never;
    auto task = spawn([&]() -> Task<void> { co_await with_deadline(never.wait(), 1h); });
    co_await until([&] { return never.awaited(); });
    task.cancel();
    const Outcome<void> ended = co_await std::move(task).outcome();
    EXPECT_TRUE(ended.cancelled());
  });
}

TEST_P(DeadlineTest, WorksFromAFiber) {
  run([]() -> Task<void> {
    auto task = spawn(fiber([] {
      ManualEvent never;
      EXPECT_THROW(await(with_deadline(never.wait(), 1ms)), IoError);
      EXPECT_EQ(remaining(), Nanoseconds::max());
      EXPECT_EQ(await(with_deadline(sleep_and_give(0ns, 5), 1h)), 5);
    }));
    co_await std::move(task);
  });
}

// Which of two nested deadlines takes effect, and which call reports it. The work takes 10 s.
TEST_F(VirtualDeadlineTest, TheEarliestHoldsAndItsOwnerIsTold) {
  struct Row {
    Nanoseconds outer;
    Nanoseconds inner;
    std::string told_outer;
    std::string told_inner;  // empty: it was cancelled
    Nanoseconds after;
  };
  const Row rows[] = {
      {20s, 30s, "value", "value", 10s},   {20s, 5s, "value", "timed out", 5s},
      {5s, 20s, "timed out", "", 5s},      {5s, 3s, "value", "timed out", 3s},
      {3s, 5s, "timed out", "", 3s},       {5s, 5s, "timed out", "", 5s},
      {10s, 20s, "value", "value", 10s},   {0s, 20s, "timed out", "", 0s},
      {20s, 0s, "value", "timed out", 0s}, {-1s, 1s, "timed out", "", 0s},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(&row - rows);
    run([&]() -> Task<void> {
      const TimePoint start = now();
      std::string told_inner;
      auto inner = [&]() -> Task<void> {
        told_inner = co_await end_of(with_deadline(sleep_and_give(10s, 1), row.inner));
      };
      const std::string told_outer = co_await end_of(with_deadline(inner(), row.outer));
      EXPECT_EQ(told_inner, row.told_inner);
      EXPECT_EQ(told_outer, row.told_outer);
      EXPECT_EQ(now() - start, row.after);
    });
  }
}

TEST_F(VirtualDeadlineTest, RemainingCountsDownToZero) {
  run([]() -> Task<void> {
    auto body = []() -> Task<void> {
      EXPECT_EQ(remaining(), 10s);
      co_await sleep_for(4s);
      EXPECT_EQ(remaining(), 6s);
      auto shorter = []() -> Task<void> {
        EXPECT_EQ(remaining(), 1s);
        co_return;
      };
      co_await with_deadline(shorter(), 1s);
      EXPECT_EQ(remaining(), 6s);
    };
    co_await with_deadline(body(), 10s);
  });
}

// A timeout is local to its call: tasks below are not told, and the first to expire takes effect.
TEST_F(VirtualDeadlineTest, ATimeoutIsNotInheritedButHolds) {
  run([]() -> Task<void> {
    auto body = []() -> Task<void> {
      auto told = []() -> Task<void> {
        EXPECT_EQ(remaining(), 10s);
        co_await sleep_for(1h);
      };
      const std::string end = co_await end_of(timeout(told(), 2s));
      EXPECT_EQ(end, "timed out");
      EXPECT_EQ(remaining(), 8s);
      co_await timeout(sleep_for(1h), 20s);
    };
    const TimePoint start = now();
    const std::string end = co_await end_of(with_deadline(body(), 10s));
    EXPECT_EQ(end, "timed out");
    EXPECT_EQ(now() - start, 10s);
  });
}

// Code that runs through the cancel has only the deadlines that are set within it.
TEST_F(VirtualDeadlineTest, WhatIsCalledSeesWhatItWouldSeeAsACoroutine) {
  run([]() -> Task<void> {
    const TaskLocal<int> number;
    Nanoseconds at_cleanup{};
    Nanoseconds at_waiting_cleanup{};
    auto waits_then = [&](Nanoseconds& at) {
      at = remaining();
      return sleep_for(1s);
    };
    auto body = [&]() -> Task<void> {
      auto spawned = spawn([&] {
        EXPECT_EQ(remaining(), Nanoseconds::max()) << "nothing of the caller's";
        EXPECT_EQ(number.find(), nullptr);
        return sleep_for(1s);
      });
      EXPECT_EQ(number.get(), 3) << "and the caller's is as before";
      co_await std::move(spawned);
      auto first = finally(sleep_for(1h), [&] { at_cleanup = remaining(); });
      co_await finally(std::move(first), [&] { return waits_then(at_waiting_cleanup); });
    };
    const std::string end = co_await end_of(with_deadline(number.with(3, body()), 10s));
    EXPECT_EQ(end, "timed out");
    EXPECT_EQ(at_cleanup, Nanoseconds::max());
    EXPECT_EQ(at_waiting_cleanup, Nanoseconds::max());
  });
}

TEST_F(VirtualDeadlineTest, AShieldHidesTheDeadlineAndCleanupsDo) {
  run([]() -> Task<void> {
    const TaskLocal<int> number;
    const TimePoint start = now();
    bool cleaned = false;
    auto body = [&]() -> Task<void> {
      auto shielded = [&]() -> Task<void> {
        EXPECT_EQ(remaining(), Nanoseconds::max());
        EXPECT_EQ(number.get(), 3);
        const std::string end = co_await end_of(with_deadline(sleep_for(1h), 15s));
        EXPECT_EQ(end, "timed out");
      };
      co_await shield(shielded());
      EXPECT_EQ(remaining(), 0s);
      auto cleanup = [&]() -> Task<void> {
        EXPECT_EQ(remaining(), Nanoseconds::max());
        co_await sleep_for(5s);
        cleaned = true;
      };
      co_await finally(sleep_for(1h), cleanup);
    };
    const std::string end = co_await end_of(with_deadline(number.with(3, body()), 10s));
    EXPECT_EQ(end, "timed out");
    EXPECT_TRUE(cleaned);
    EXPECT_EQ(now() - start, 20s);
  });
}

}  // namespace
}  // namespace weft::test::deadline_test
