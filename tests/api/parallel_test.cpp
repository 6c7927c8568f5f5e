// parallel(), parallel_invoke(), parallel_for(), parallel_reduce(): results, exceptions, cancels,
// and the threads that may call them.
#include <weft/fiber.hpp>
#include <weft/parallel.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "os/fault.hpp"
#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::parallel_test {
namespace {

using namespace std::chrono_literals;

class Parallel : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(Parallel);

std::uint64_t fibonacci(int n) {
  if (n < 2) return static_cast<std::uint64_t>(n);
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  parallel_invoke([&] { a = fibonacci(n - 1); }, [&] { b = fibonacci(n - 2); });
  return a + b;
}

TEST_P(Parallel, GivesWhatASerialRunGives) {
  EXPECT_EQ(run(parallel([] { return fibonacci(22); })), 17711U);
  EXPECT_EQ(fibonacci(15), 610U) << "outside of a team";
  run(fiber([] { EXPECT_EQ(await(parallel([] { return fibonacci(18); })), 2584U); }));
}

TEST_P(Parallel, TakesResultsOfEveryKind) {
  int object = 0;
  run(parallel([] {}));
  EXPECT_EQ(*run(parallel([] { return std::make_unique<int>(3); })), 3);
  EXPECT_EQ(&run(parallel([&]() -> int& { return object; })), &object);
  EXPECT_EQ(run(parallel([held = std::make_unique<int>(4)] { return *held; })), 4);
}

TEST_P(Parallel, InvokeTakesAnyNumber) {
  std::array<int, 5> done{};
  run(parallel([&] {
    parallel_invoke([&] { done[0] = 1; }, [&] { done[1] = 2; }, [&] { done[2] = 3; },
                    [&] { done[3] = 4; }, [&] { done[4] = 5; });
  }));
  EXPECT_EQ(done, (std::array<int, 5>{1, 2, 3, 4, 5}));
}

TEST_P(Parallel, ALoopVisitsEachIndexOnce) {
  for (const unsigned grain : {1U, 7U, 100'000U}) {
    std::vector<std::atomic<int>> visits(10'000);
    run(parallel([&] {
      parallel_for(std::size_t{0}, visits.size(), [&](std::size_t i) { ++visits[i]; }, grain);
    }));
    for (const auto& each : visits) ASSERT_EQ(each, 1);
  }
  run(parallel([] { parallel_for(3, 3, [](int) { FAIL() << "there is nothing to visit"; }); }));
  run(parallel([] { parallel_for(3, -3, [](int) { FAIL() << "there is nothing to visit"; }); }));
}

TEST_P(Parallel, ALoopMayGoFromEndToEndOfItsType) {
  std::atomic<int> visits{0};
  run(parallel([&] {
    parallel_for(static_cast<signed char>(SCHAR_MIN), static_cast<signed char>(SCHAR_MAX),
                 [&](signed char) { ++visits; });
  }));
  EXPECT_EQ(visits, 255);
}

TEST_P(Parallel, AReductionKeepsTheOrder) {
  std::string expected;
  for (int i = 0; i < 2000; ++i) expected += static_cast<char>('a' + i % 26);
  for (int repeat = 0; repeat < 20; ++repeat) {
    const std::string got = run(parallel([] {
      return parallel_reduce(
          0, 2000, std::string(),
          [](int i) { return std::string(1, static_cast<char>('a' + i % 26)); },
          [](std::string left, std::string right) { return left + right; });
    }));
    ASSERT_EQ(got, expected);
  }
  EXPECT_EQ(parallel_reduce(1, 101, 0, [](int i) { return i; }, std::plus<>()), 5050);
}

TEST_P(Parallel, LoopsWithinLoopsKeepTheOrder) {
  const auto letters = [](int from, int to) {
    return parallel_reduce(
        from, to, std::string(),
        [](int i) { return std::string(1, static_cast<char>('a' + i % 26)); }, std::plus<>());
  };
  const std::string expected = letters(0, 30 * 30);
  for (int repeat = 0; repeat < 20; ++repeat) {
    const std::string got = run(parallel([&] {
      return parallel_reduce(
          0, 30, std::string(), [&](int i) { return letters(30 * i, 30 * (i + 1)); },
          std::plus<>());
    }));
    ASSERT_EQ(got, expected);
  }
}

/// Its copy is made in parallel.
class Numbers {
 public:
  explicit Numbers(int value = 0) : numbers_(64, value) {}
  Numbers(const Numbers& other) : numbers_(other.numbers_.size()) {
    parallel_for(std::size_t{0}, numbers_.size(),
                 [&](std::size_t i) { numbers_[i] = other.numbers_[i]; });
  }
  Numbers(Numbers&&) = default;
  Numbers& operator=(Numbers&&) = default;
  ~Numbers() = default;
  friend Numbers operator+(Numbers left, const Numbers& right) {
    for (std::size_t i = 0; i < left.numbers_.size(); ++i) left.numbers_[i] += right.numbers_[i];
    return left;
  }
  [[nodiscard]] bool all_are(int value) const {
    return std::ranges::count(numbers_, value) == std::ssize(numbers_);
  }

 private:
  std::vector<int> numbers_;
};

TEST(ParallelTeam, ACopyMayFork) {
  RuntimeOptions options;
  options.workers = 1;
  options.compute_threads = 4;
  Runtime runtime(options);
  for (int repeat = 0; repeat < 50; ++repeat) {
    const Numbers sum = runtime.block_on(parallel([] {
      return parallel_reduce(0, 200, Numbers(), [](int i) { return Numbers(i); }, std::plus<>());
    }));
    ASSERT_TRUE(sum.all_are(199 * 200 / 2));
  }
}

/// Both halves wait for each other. They end only if two threads run them.
void meet(std::atomic<int>& arrived) {
  const auto arrive = [&] {
    ++arrived;
    while (arrived < 2) parallel_invoke([] {}, [] {});
  };
  parallel_invoke(arrive, arrive);
}

TEST_P(Parallel, AnotherThreadTakesPart) {
  RuntimeOptions options = options_for(GetParam());
  options.compute_threads = 2;
  Runtime own(std::move(options));
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> arrived{0};
    own.block_on(parallel([&] { meet(arrived); }));
    EXPECT_EQ(arrived, 2);
  }
}

TEST_P(Parallel, TheExceptionIsThatOfASerialRun) {
  const auto fails = [](const char* what) { throw std::domain_error(what); };
  for (int i = 0; i < 100; ++i) {
    try {
      run(parallel([&] {
        parallel_invoke([&] { fibonacci(8), fails("first"); }, [&] { fails("second"); });
      }));
      ADD_FAILURE() << "no exception";
    } catch (const std::domain_error& error) {
      EXPECT_STREQ(error.what(), "first");
    }
    EXPECT_THROW(
        run(parallel([&] { parallel_invoke([] { fibonacci(8); }, [&] { fails("second"); }); })),
        std::domain_error);
  }
}

TEST_P(Parallel, AFailedLoopEndsBeforeItsExceptionComesOut) {
  for (int i = 0; i < 50; ++i) {
    std::atomic<int> inside{0};
    EXPECT_THROW(run(parallel([&] {
                   parallel_for(0, 1000, [&](int k) {
                     ++inside;
                     fibonacci(5);
                     --inside;
                     if (k == 500) throw std::domain_error("no");
                   });
                 })),
                 std::domain_error);
    EXPECT_EQ(inside, 0) << "somebody was still at it";
  }
}

TEST_P(Parallel, ACancelEndsAComputationWithoutAnEnd) {
  ManualEvent begun;
  std::atomic<int> unwound{0};
  run([&]() -> Task<void> {
    auto handle = spawn(parallel([&] {
      const std::shared_ptr<void> at_the_end(nullptr, [&](void*) { ++unwound; });
      begun.set();
      for (;;) fibonacci(10);
    }));
    co_await begun;
    handle.cancel();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(unwound, 1);
}

TEST_P(Parallel, AResultThatCameInSpiteOfACancelIsDelivered) {
  ManualEvent begun;
  std::atomic<bool> cancelled{false};
  run([&]() -> Task<void> {
    auto handle = spawn(parallel([&] {
      begun.set();
      while (!cancelled) std::this_thread::yield();
      return 7;  // without another fork
    }));
    co_await begun;
    handle.cancel();
    cancelled = true;
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_FALSE(outcome.cancelled());
    EXPECT_EQ(outcome.value(), 7);
  });
}

TEST_P(Parallel, WhatHasNotBegunIsTakenBack) {
  RuntimeOptions options = options_for(GetParam());
  options.compute_threads = 1;
  Runtime own(std::move(options));
  ManualEvent begun;
  std::atomic<bool> go_on{false};
  bool second_ran = false;
  own.block_on([&]() -> Task<void> {
    auto first = spawn(parallel([&] {
      begun.set();
      while (!go_on) std::this_thread::yield();
    }));
    co_await begun;
    auto second = spawn(parallel([&] { second_ran = true; }));
    co_await yield_now();
    second.cancel();
    const auto outcome = co_await std::move(second).outcome();
    EXPECT_TRUE(outcome.cancelled());
    go_on = true;
    co_await std::move(first);
  });
  EXPECT_FALSE(second_ran);
}

TEST_P(Parallel, TasksGoOnMeanwhile) {
  std::atomic<bool> done{false};
  run([&]() -> Task<void> {
    auto computes = spawn(parallel([&] {
      while (!done) fibonacci(5);
    }));
    for (int i = 0; i < 100; ++i) co_await yield_now();
    co_await sleep_for(1ms);
    done = true;
    co_await std::move(computes);
  });
}

TEST_P(Parallel, ManyAtOnceShareTheTeam) {
  std::atomic<std::uint64_t> sum{0};
  run(scope([&](Scope& children) -> Task<void> {
    for (int i = 0; i < 100; ++i) {
      children.spawn(parallel([&sum] { sum += fibonacci(12); })).detach();
    }
    co_return;
  }));
  EXPECT_EQ(sum, 14'400U);
}

TEST_P(Parallel, AShutdownCancelsWhatComputes) {
  std::atomic<bool> begun{false};
  run([&]() -> Task<void> {
    spawn(parallel([&] {
      begun = true;
      for (;;) fibonacci(10);
    })).detach();
    co_await until([&] { return begun.load(); });
  });
  end_runtime();
}

TEST_P(Parallel, OutsideOfARuntimeAllIsDoneByTheCaller) {
  std::set<std::thread::id> threads;
  parallel_for(0, 100, [&](int) { threads.insert(std::this_thread::get_id()); });
  EXPECT_EQ(threads, std::set<std::thread::id>{std::this_thread::get_id()});
}

}  // namespace
}  // namespace weft::test::parallel_test
