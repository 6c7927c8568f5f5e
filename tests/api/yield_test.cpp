// yield_now(): all ready tasks run first, no task starves, a cancel takes effect there.
#include <weft/fiber.hpp>
#include <weft/metrics.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::yield_test {
namespace {

using namespace std::chrono_literals;

class YieldTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(YieldTest);

TEST_P(YieldTest, AMillionYieldsUseConstantStack) {
  StackMeter meter;
  run([&]() -> Task<void> {
    for (int i = 0; i < 1'000'000; ++i) {
      co_await yield_now();
      if (i % 16 == 0) meter.note();
    }
  });
  EXPECT_LT(meter.bytes(), 512U * 1024);
}

TEST_P(YieldTest, ReadyTasksRunFirst) {
  if (GetParam() > 1) GTEST_SKIP() << "an order is promised only on one worker";
  Log log;
  run([&]() -> Task<void> {
    auto note = [&](std::string word) -> Task<void> {
      log.add(word);
      co_await yield_now();
      log.add(word + " again");
    };
    auto first = spawn(note, std::string("a"));
    auto second = spawn(note, std::string("b"));
    co_await yield_now();
    log.add("main");
    co_await std::move(first);
    co_await std::move(second);
  });
  const std::vector<std::string> words = log.words();
  ASSERT_EQ(words.size(), 5U);
  EXPECT_EQ(words[2], "main") << "both had their turn before the yield was over";
}

TEST_P(YieldTest, ASpinningTaskStarvesNeitherTimersNorOthers) {
  run([]() -> Task<void> {
    std::atomic<bool> stop{false};
    std::array<std::atomic<std::size_t>, 2> turns{};
    auto spin = [&](std::atomic<std::size_t>& own) -> Task<void> {
      while (!stop.load()) {
        co_await yield_now();
        ++own;
      }
    };
    auto spinner = spawn(spin, std::ref(turns[0]));
    auto another = spawn(spin, std::ref(turns[1]));
    co_await sleep_for(5ms);
    auto selection = co_await select(sleep_for(2ms), sleep_for(1h));
    EXPECT_EQ(selection.index(), 0U);
    co_await until([&] { return turns[0] > 0 && turns[1] > 0; });
    stop = true;
    co_await std::move(spinner);
    co_await std::move(another);
  });
}

void compute_for(std::chrono::nanoseconds time) {
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < time) {
  }
}

TEST_P(YieldTest, ATaskThatComputesForLongIsSetBack) {
  if (GetParam() > 1) GTEST_SKIP() << "on several workers each of the two may have its own";
  run([this]() -> Task<void> {
    std::atomic<bool> stop{false};
    auto spin = [&]() -> Task<void> {
      while (!stop.load()) co_await yield_now();
    };
    auto spinner = spawn(spin);
    while (runtime().metrics().total.long_runs == 0) {
      compute_for(200us);
      co_await yield_now();
    }
    stop = true;
    co_await std::move(spinner);
  });
}

TEST_P(YieldTest, AFiberThatComputesForLongIsSetBack) {
  if (GetParam() > 1) GTEST_SKIP() << "on several workers each of the two may have its own";
  run([this]() -> Task<void> {
    std::atomic<bool> stop{false};
    auto spinner = spawn(fiber([&] {
      while (!stop.load()) await(yield_now());
    }));
    auto computing = spawn(fiber([&] {
      while (runtime().metrics().total.long_runs == 0) {
        compute_for(200us);
        await(yield_now());
      }
      stop = true;
    }));
    co_await std::move(computing);
    co_await std::move(spinner);
  });
}

TEST_P(YieldTest, ACancelEndsAYieldingLoop) {
  Log log;
  run([&]() -> Task<void> {
    std::atomic<int> turns{0};
    auto spin = [&]() -> Task<void> {
      const Logged local(log, "unwound");
      for (;;) {
        co_await yield_now();
        ++turns;
      }
    };
    auto spinner = spawn(spin);
    co_await until([&] { return turns.load() > 10; });
    spinner.cancel();
    const Outcome<void> outcome = co_await std::move(spinner).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(log.words(), std::vector<std::string>{"unwound"});
}

}  // namespace
}  // namespace weft::test::yield_test
