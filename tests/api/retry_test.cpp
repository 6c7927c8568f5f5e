// retry(), RetryPolicy and Backoff: the pauses, what is retried, and cancels at each suspension.
#include <weft/fiber.hpp>
#include <weft/retry.hpp>
#include <weft/runtime.hpp>
#include <weft/sleep.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "support/runtime_fixture.hpp"

namespace weft::test::retry_test {
namespace {

using namespace std::chrono_literals;

IoError refused() {
  return IoError(std::make_error_code(std::errc::connection_refused), "connect", "db:1");
}

/// Fails so often, then answers. Each attempt takes a second.
class Server {
 public:
  explicit Server(int failures) : failures_(failures) {}
  Task<int> ask() {
    co_await sleep_for(1s);
    if (++asked_ <= failures_) throw refused();
    co_return 42;
  }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  int failures_;
  int asked_ = 0;
};

RetryPolicy plain() { return RetryPolicy().pauses(1s, 8s).jitter(Jitter::none).attempts(5); }

template <class Body>
void run_virtually(Body body) {
  Runtime runtime(with_virtual_time());
  runtime.block_on(std::move(body));
}

TEST(Retry, PausesLongerAndLonger) {
  run_virtually([]() -> Task<void> {
    Server server(3);
    const TimePoint start = now();
    const int answer = co_await retry(plain(), [&] { return server.ask(); });
    EXPECT_EQ(answer, 42);
    EXPECT_EQ(server.asked(), 4);
    EXPECT_GE(now() - start, 4s + (1s + 2s + 4s));
    EXPECT_LT(now() - start, 4s + (1s + 2s + 4s) + 10ms);
  });
}

TEST(Retry, ThrowsTheLastErrorWhenAttemptsAreUsedUp) {
  run_virtually([]() -> Task<void> {
    Server server(100);
    std::string what;
    try {
      (void)co_await retry(plain().attempts(3), [&] { return server.ask(); });
    } catch (const IoError& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "connect db:1: connection refused");
    EXPECT_EQ(server.asked(), 3);
  });
}

TEST(Retry, OneAttemptIsNoRetry) {
  run_virtually([]() -> Task<void> {
    Server server(1);
    bool failed = false;
    try {
      (void)co_await retry(plain().attempts(1), [&] { return server.ask(); });
    } catch (const IoError&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    EXPECT_EQ(server.asked(), 1);
  });
}

TEST(Retry, ErrorsThatNoAttemptCuresAreFinal) {
  run_virtually([]() -> Task<void> {
    int asked = 0;
    auto broken = [&]() -> Task<void> {
      ++asked;
      co_await yield_now();
      throw std::invalid_argument("a wrong name");
    };
    bool failed = false;
    try {
      co_await retry(plain(), std::ref(broken));
    } catch (const std::invalid_argument&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    EXPECT_EQ(asked, 1);
    EXPECT_TRUE(is_transient(std::make_error_code(std::errc::timed_out)));
    EXPECT_FALSE(is_transient(std::make_error_code(std::errc::permission_denied)));
    EXPECT_FALSE(is_transient(std::make_error_code(std::errc::operation_canceled)));
  });
}

TEST(Retry, APredicateOfATypeDecides) {
  run_virtually([]() -> Task<void> {
    int asked = 0;
    auto failing = [&](std::size_t attempt) -> Task<std::size_t> {
      co_await yield_now();
      ++asked;
      if (attempt == 1) throw std::runtime_error("busy");
      if (attempt == 2) throw std::runtime_error("broken");
      co_return attempt;
    };
    auto policy = plain().retry_if<std::runtime_error>(
        [](const std::runtime_error& error) { return error.what() == std::string("busy"); });
    std::string what;
    try {
      (void)co_await retry(policy, std::ref(failing));
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "broken");
    EXPECT_EQ(asked, 2);
  });
}

TEST(Retry, ErrorsThatAreValues) {
  run_virtually([]() -> Task<void> {
    Server server(2);
    const IoResult<int> answer = co_await retry(plain(), [&] { return attempt(server.ask()); });
    EXPECT_EQ(answer.value(), 42);
    EXPECT_EQ(server.asked(), 3);
    Server down(100);
    const IoResult<int> error =
        co_await retry(plain().attempts(2), [&] { return attempt(down.ask()); });
    EXPECT_EQ(error.error().code(), std::errc::connection_refused);
    EXPECT_EQ(down.asked(), 2);
    int asked = 0;
    auto code_only = [&]() -> Task<Result<int>> {
      co_await yield_now();
      if (++asked == 1) co_return weft::fail(std::errc::timed_out);
      co_return weft::fail(std::errc::permission_denied);
    };
    const Result<int> refused_for_good = co_await retry(plain(), std::ref(code_only));
    EXPECT_EQ(refused_for_good.error(), std::errc::permission_denied);
    EXPECT_EQ(asked, 2);
  });
}

TEST(Retry, BeginsNoPauseBeyondItsTime) {
  run_virtually([]() -> Task<void> {
    Server server(100);
    const TimePoint start = now();
    bool failed = false;
    try {  // attempts end at 1, 3, 6 and 11 s; the next pause would end at 19 s
      (void)co_await retry(plain().attempts(0).within(15s), [&] { return server.ask(); });
    } catch (const IoError&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    EXPECT_EQ(server.asked(), 4);
    EXPECT_LT(now() - start, 12s);
  });
}

TEST(Retry, CallsTheHookBeforeEachPause) {
  run_virtually([]() -> Task<void> {
    Server server(2);
    std::vector<std::string> lines;
    auto policy = plain().before_pause([&](const RetryPause& next) {
      std::string what;
      try {
        std::rethrow_exception(next.error);
      } catch (const std::exception& error) {
        what = error.what();
      }
      lines.push_back(std::to_string(next.attempt) + " " + std::to_string(next.pause / 1s) + " s " +
                      what);
    });
    (void)co_await retry(policy, [&] { return server.ask(); });
    EXPECT_EQ(lines, (std::vector<std::string>{"1 1 s connect db:1: connection refused",
                                               "2 2 s connect db:1: connection refused"}));
    auto stops = plain().before_pause([](const RetryPause&) { throw std::logic_error("stop"); });
    Server other(1);
    bool stopped = false;
    try {
      (void)co_await retry(stops, [&] { return other.ask(); });
    } catch (const std::logic_error&) {
      stopped = true;
    }
    EXPECT_TRUE(stopped);
  });
}

TEST(Retry, ComposesWithTimeoutsOfEachAndOfAll) {
  run_virtually([]() -> Task<void> {
    int asked = 0;
    auto slow_twice = [&](std::size_t attempt) -> Task<int> {
      ++asked;
      if (attempt <= 2) co_await sleep_for(1h);
      co_return 7;
    };
    auto each = [&](std::size_t attempt) { return timeout(slow_twice(attempt), 3s); };
    const TimePoint start = now();
    const int value = co_await retry(plain(), std::ref(each));
    EXPECT_EQ(value, 7);
    EXPECT_EQ(asked, 3);
    EXPECT_LT(now() - start, 3s + 1s + 3s + 2s + 10ms);
    auto never_ready = [&]() -> Task<int> {
      co_await sleep_for(1h);
      co_return 1;
    };
    const TimePoint again = now();
    std::error_code code;
    try {
      (void)co_await timeout(retry(plain(), std::ref(never_ready)), 10s);
    } catch (const IoError& error) {
      code = error.code();
    }
    EXPECT_EQ(code, std::errc::timed_out);
    EXPECT_LT(now() - again, 10s + 10ms);
  });
}

TEST(Retry, ACancelEndsAnAttemptAndAPause) {
  run_virtually([]() -> Task<void> {
    for (const Nanoseconds moment : {Nanoseconds(0s), Nanoseconds(500ms), Nanoseconds(1500ms)}) {
      Server server(100);
      auto task = spawn([&]() -> Task<int> {
        const int value = co_await retry(plain(), [&] { return server.ask(); });
        co_return value;
      });
      if (moment != 0s) co_await sleep_for(moment);
      task.cancel();
      const TimePoint asked_to = now();
      const Outcome<int> end = co_await std::move(task).outcome();
      EXPECT_TRUE(end.cancelled());
      EXPECT_EQ(now() - asked_to, 0s);
      EXPECT_EQ(server.asked(), moment > 1s ? 1 : 0);
    }
  });
}

TEST(Retry, WorksInAFiber) {
  Runtime runtime(with_virtual_time());
  Server server(1);
  auto body = [&] { return await(retry(plain(), [&] { return server.ask(); })); };
  EXPECT_EQ(runtime.block_on(fiber(std::ref(body))), 42);
}

TEST(Retry, RejectsPoliciesThatCannotBe) {
  EXPECT_THROW(RetryPolicy().pauses(-1s, 1s), std::invalid_argument);
  EXPECT_THROW(RetryPolicy().factor(0.5), std::invalid_argument);
  EXPECT_THROW(Backoff(1s, -1s), std::invalid_argument);
}

// The pauses

TEST(Backoff, StaysBetweenItsBounds) {
  Backoff full(1s, 10s, Jitter::full);
  Backoff equal(1s, 10s, Jitter::equal);
  Backoff decorrelated(1s, 10s, Jitter::decorrelated);
  Nanoseconds before = 1s;
  for (const Nanoseconds grown : {1s, 2s, 4s, 8s, 10s, 10s, 10s}) {
    const Nanoseconds from_zero = full.next();
    EXPECT_GE(from_zero, 0s);
    EXPECT_LE(from_zero, grown);
    const Nanoseconds from_half = equal.next();
    EXPECT_GE(from_half, grown / 2);
    EXPECT_LE(from_half, grown);
    const Nanoseconds free = decorrelated.next();
    EXPECT_GE(free, 1s);
    EXPECT_LE(free, std::min<Nanoseconds>(10s, 3 * before));
    before = free;
  }
}

TEST(Backoff, IsTheSameForASeedAndDiffersOtherwise) {
  const auto draw = [](Backoff backoff) {
    std::vector<Nanoseconds> pauses;
    for (int i = 0; i < 20; ++i) pauses.push_back(backoff.next());
    return pauses;
  };
  EXPECT_EQ(draw(Backoff(1s, 60s).seed(7)), draw(Backoff(1s, 60s).seed(7)));
  EXPECT_NE(draw(Backoff(1s, 60s).seed(7)), draw(Backoff(1s, 60s).seed(8)));
  EXPECT_NE(draw(Backoff(1s, 60s)), draw(Backoff(1s, 60s)));
}

TEST(Backoff, UsesItsWholeRange) {
  Backoff backoff(8s, 8s, Jitter::full);
  backoff.seed(1);
  int low = 0;
  int high = 0;
  for (int i = 0; i < 1000; ++i) {
    const Nanoseconds pause = backoff.next();
    low += pause < 2s ? 1 : 0;
    high += pause > 6s ? 1 : 0;
  }
  EXPECT_NEAR(low, 250, 60);
  EXPECT_NEAR(high, 250, 60);
}

TEST(Backoff, DoesNotOverflowAndBeginsAnew) {
  Backoff backoff(1h, Nanoseconds::max(), Jitter::none, 1000);
  Nanoseconds last = 0s;
  for (int i = 0; i < 100; ++i) {
    const Nanoseconds next = backoff.next();
    EXPECT_GE(next, last);
    last = next;
  }
  EXPECT_EQ(last, Nanoseconds::max());
  backoff.reset();
  EXPECT_EQ(backoff.next(), 1h);
}

}  // namespace
}  // namespace weft::test::retry_test
