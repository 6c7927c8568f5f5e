// RateLimiter and ConcurrencyLimit: never more than the bound, in order, and nothing lost by a
// cancel.
#include <weft/fiber.hpp>
#include <weft/join_set.hpp>
#include <weft/rate_limit.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::rate_limit_test {
namespace {

using namespace std::chrono_literals;

template <class Body>
void run_virtually(Body body) {
  Runtime runtime(with_virtual_time());
  runtime.block_on(std::move(body));
}

TEST(RateLimiter, GivesTheBurstAndThenTheRate) {
  run_virtually([]() -> Task<void> {
    RateLimiter rate(10, 1s, 5);
    const TimePoint start = now();
    for (int i = 0; i < 5; ++i) co_await rate.acquire();
    EXPECT_EQ(now(), start);
    for (int i = 1; i <= 20; ++i) {
      co_await rate.acquire();
      EXPECT_GE(now() - start, i * 100ms);
      EXPECT_LT(now() - start, i * 100ms + 10ms);
    }
  });
}

TEST(RateLimiter, SavesUpNoMoreThanTheBurst) {
  run_virtually([]() -> Task<void> {
    RateLimiter rate(10, 1s, 3);
    EXPECT_EQ(rate.available(), 3U);
    co_await rate.acquire(3);
    EXPECT_EQ(rate.available(), 0U);
    co_await sleep_for(150ms);
    EXPECT_EQ(rate.available(), 1U);
    co_await sleep_for(1h);
    EXPECT_EQ(rate.available(), 3U);
    EXPECT_TRUE(rate.try_acquire(2));
    EXPECT_FALSE(rate.try_acquire(2));
    EXPECT_TRUE(rate.try_acquire(1));
    EXPECT_FALSE(rate.try_acquire(1));
    EXPECT_FALSE(rate.try_acquire(4));
  });
}

/// Grants at all times stay within every window's bound, whatever the rate.
TEST(RateLimiter, NeverGivesMoreThanItsBound) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  run_virtually([seed]() -> Task<void> {
    std::mt19937_64 random(seed);
    for (int round = 0; round < 30; ++round) {
      const std::size_t permits = 1 + random() % 1000;
      const Nanoseconds period =
          Nanoseconds(1 + static_cast<std::int64_t>(random() % 3'000'000'000));
      const std::size_t burst = 1 + random() % 20;
      RateLimiter rate(permits, period, burst);
      std::vector<TimePoint> grants;
      for (int i = 0; i < 60; ++i) {
        if (random() % 4 == 0)
          co_await sleep_for(period * static_cast<int>(random() % 3) / permits);
        const std::size_t wanted = 1 + random() % burst;
        if (random() % 3 == 0) {
          if (!rate.try_acquire(wanted)) continue;
        } else {
          co_await rate.acquire(wanted);
        }
        grants.insert(grants.end(), wanted, now());
      }
      for (std::size_t from = 0; from < grants.size(); ++from) {
        for (std::size_t to = from; to < grants.size(); ++to) {
          const auto time = static_cast<long double>((grants[to] - grants[from]).count());
          const long double bound =
              static_cast<long double>(burst) +
              time * static_cast<long double>(permits) / static_cast<long double>(period.count());
          if (static_cast<long double>(to - from + 1) <= bound + 1e-6L) continue;
          ADD_FAILURE() << permits << " in " << period.count() << " ns, burst " << burst << ": "
                        << to - from + 1 << " within " << time << " ns";
          co_return;
        }
      }
    }
  });
}

TEST(RateLimiter, IsAsFastAsItsRate) {
  run_virtually([]() -> Task<void> {
    RateLimiter rate(3, 1s, 1);  // a third of a second is no whole number of nanoseconds
    const TimePoint start = now();
    for (int i = 0; i < 3001; ++i) co_await rate.acquire();
    EXPECT_GE(now() - start, 1000s);
    EXPECT_LT(now() - start, 1000s + 1s);
  });
}

TEST(RateLimiter, ServesInOrder) {
  run_virtually([]() -> Task<void> {
    RateLimiter rate(1, 1s, 4);
    co_await rate.acquire(4);
    Log log;
    auto take = [&](std::size_t permits, std::string name) -> Task<void> {
      co_await rate.acquire(permits);
      log.add(std::move(name));
    };
    auto many = spawn(std::ref(take), std::size_t{4}, std::string("four"));
    co_await until([&] { return rate.waiting() == 1; });
    auto one = spawn(std::ref(take), std::size_t{1}, std::string("one"));
    co_await until([&] { return rate.waiting() == 2; });
    co_await sleep_for(2s);
    EXPECT_FALSE(rate.try_acquire(1));  // there are two, but others wait
    co_await std::move(one);
    co_await std::move(many);
    EXPECT_EQ(log.words(), (std::vector<std::string>{"four", "one"}));
    EXPECT_EQ(rate.waiting(), 0U);
  });
}

TEST(RateLimiter, ACancelUsesNothingUp) {
  run_virtually([]() -> Task<void> {
    RateLimiter rate(1, 1s, 2);
    co_await rate.acquire(2);
    const TimePoint start = now();
    auto first = spawn([&]() -> Task<void> { co_await rate.acquire(2); });
    co_await until([&] { return rate.waiting() == 1; });
    auto second = spawn([&]() -> Task<void> { co_await rate.acquire(1); });
    co_await until([&] { return rate.waiting() == 2; });
    co_await sleep_for(1500ms);
    first.cancel();  // while its permits accrue
    const Outcome<void> end = co_await std::move(first).outcome();
    EXPECT_TRUE(end.cancelled());
    co_await std::move(second);
    EXPECT_LT(now() - start, 1600ms);  // what had accrued is the second's
    auto third = spawn([&]() -> Task<void> { co_await rate.acquire(2); });
    auto fourth = spawn([&]() -> Task<void> { co_await rate.acquire(2); });
    co_await until([&] { return rate.waiting() == 2; });
    fourth.cancel();  // while it waits for its turn
    const Outcome<void> queued = co_await std::move(fourth).outcome();
    EXPECT_TRUE(queued.cancelled());
    auto fifth = spawn([&]() -> Task<void> { co_await rate.acquire(2); });
    fifth.cancel();  // before it begins
    const Outcome<void> early = co_await std::move(fifth).outcome();
    EXPECT_TRUE(early.cancelled());
    co_await std::move(third);
    EXPECT_EQ(rate.waiting(), 0U);
  });
}

TEST(RateLimiter, RejectsWhatCannotBe) {
  EXPECT_THROW(RateLimiter(0, 1s, 1), std::invalid_argument);
  EXPECT_THROW(RateLimiter(1, 0s, 1), std::invalid_argument);
  EXPECT_THROW(RateLimiter(1, -1s, 1), std::invalid_argument);
  EXPECT_THROW(RateLimiter(1, 1s, 0), std::invalid_argument);
  EXPECT_THROW(RateLimiter(1, std::chrono::hours::max(), 10), std::invalid_argument);
  RateLimiter rate(5, 1s, 2);
  EXPECT_THROW((void)rate.acquire(3), std::invalid_argument);
  EXPECT_EQ(rate.burst(), 2U);
  RateLimiter fastest(1'000'000'000'000, 1s, 1'000'000);
  EXPECT_TRUE(fastest.try_acquire(1'000'000));
}

TEST(RateLimiter, WorksOutsideARuntimeAndInAFiber) {
  RateLimiter rate(1, 1s, 2);
  EXPECT_TRUE(rate.try_acquire());
  Runtime runtime(with_virtual_time());
  auto body = [&] {
    await(rate.acquire());
    return 1;
  };
  EXPECT_EQ(runtime.block_on(fiber(std::ref(body))), 1);
}

class RateLimitTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(RateLimitTest);

TEST_P(RateLimitTest, ManyTasksShareALimiter) {
  std::atomic<int> granted = 0;
  const auto start = std::chrono::steady_clock::now();
  run([&]() -> Task<void> {
    RateLimiter rate(10'000, 1s, 10);
    co_await scope([&](Scope& s) -> Task<void> {
      for (int i = 0; i < 8; ++i) {
        s.spawn([&]() -> Task<void> {
          for (int turn = 0; turn < 25; ++turn) {
            co_await rate.acquire();
            ++granted;
          }
        });
      }
      co_return;
    });
  });
  EXPECT_EQ(granted, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 19ms);  // 190 of them at 10 a millisecond
}

TEST_P(RateLimitTest, ConcurrencyIsBounded) {
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  run([&]() -> Task<void> {
    const ConcurrencyLimit limit(3);
    auto work = [&]() -> Task<int> {
      const int now_inside = ++inside;
      for (int seen = most; seen < now_inside && !most.compare_exchange_weak(seen, now_inside);)
        continue;
      co_await yield_now();
      --inside;
      co_return 1;
    };
    JoinSet<int> set;
    for (int i = 0; i < 50; ++i) {
      set.spawn([&work, copy = limit]() { return copy.run(std::ref(work)); });
    }
    int sum = 0;
    while (auto value = co_await set.next()) sum += *value;
    EXPECT_EQ(sum, 50);
    EXPECT_EQ(limit.in_use(), 0U);
    EXPECT_EQ(limit.most(), 3U);
  });
  EXPECT_LE(most, 3);
}

TEST_P(RateLimitTest, APlaceOutlivesItsLimit) {
  run([]() -> Task<void> {
    OwnedPermit place;
    {
      const ConcurrencyLimit limit(1);
      place = limit.try_acquire();
      EXPECT_FALSE(limit.try_acquire());
      EXPECT_EQ(limit.in_use(), 1U);
    }
    EXPECT_TRUE(place);
    place.release();
    EXPECT_FALSE(place);
    co_return;
  });
}

TEST_P(RateLimitTest, AClosedLimitEndsWaitsWithAnError) {
  run([]() -> Task<void> {
    const ConcurrencyLimit limit(1);
    OwnedPermit held = co_await limit.acquire();
    auto waiting = spawn([&]() -> Task<void> { const OwnedPermit p = co_await limit.acquire(); });
    co_await until([&] { return limit.waiting() == 1; });
    limit.close();
    const Outcome<void> end = co_await std::move(waiting).outcome();
    EXPECT_TRUE(end.failed());
    held.release();
    EXPECT_FALSE(limit.try_acquire());
    bool refused = false;
    try {
      const OwnedPermit later = co_await limit.acquire();
    } catch (const IoError& error) {
      refused = error.code() == std::errc::operation_canceled;
    }
    EXPECT_TRUE(refused);
  });
  EXPECT_THROW(ConcurrencyLimit(0), std::invalid_argument);
}

}  // namespace
}  // namespace weft::test::rate_limit_test
