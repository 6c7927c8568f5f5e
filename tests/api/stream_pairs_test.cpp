// zip(), chain(), peekable(), and Interval::reset().
#include <weft/fiber.hpp>
#include <weft/interval.hpp>
#include <weft/runtime.hpp>
#include <weft/sleep.hpp>
#include <weft/streams.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::stream_pairs_test {
namespace {

using namespace std::chrono_literals;

class StreamPairsTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(StreamPairsTest);

AsyncGenerator<int> numbers(int from, int to) {
  for (int i = from; i < to; ++i) {
    if (i % 2 == 0) co_await yield_now();
    co_yield i;
  }
}
AsyncGenerator<std::string> words(std::vector<std::string> all) {
  for (std::string& word : all) co_yield std::move(word);
}
AsyncGenerator<int> failing(int after) {
  for (int i = 0; i < after; ++i) co_yield i;
  throw std::runtime_error("broken");
}

TEST_P(StreamPairsTest, ZipEndsWithTheShorter) {
  run([]() -> Task<void> {
    const std::vector<std::string> three{"a", "b", "c"};
    auto pairs = co_await (numbers(0, 10) | streams::zip(words(three)) | streams::collect());
    EXPECT_EQ(pairs, (std::vector<std::pair<int, std::string>>{{0, "a"}, {1, "b"}, {2, "c"}}));
    auto shorter = co_await (numbers(0, 1) | streams::zip(numbers(5, 9)) | streams::collect());
    EXPECT_EQ(shorter, (std::vector<std::pair<int, int>>{{0, 5}}));
    std::vector<std::pair<int, int>> before;
    auto broken = numbers(0, 9) | streams::zip(failing(1));
    std::string what;
    try {
      while (auto pair = co_await broken.next()) before.push_back(*pair);
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "broken");
    EXPECT_EQ(before.size(), 1U);
  });
}

TEST_P(StreamPairsTest, ZipOfReferencesAndMoveOnlyItems) {
  run([]() -> Task<void> {
    int object = 3;
    auto references = [](int& value) -> AsyncGenerator<int&> { co_yield value; };
    auto pointers = []() -> AsyncGenerator<std::unique_ptr<int>> {
      auto value = std::make_unique<int>(4);
      co_yield std::move(value);
    };
    auto both = references(object) | streams::zip(pointers());
    auto pair = co_await both.next();
    EXPECT_EQ(&pair->first.get(), &object);
    EXPECT_EQ(*pair->second, 4);
    const auto end = co_await both.next();
    EXPECT_FALSE(end.has_value());
  });
}

TEST_P(StreamPairsTest, ChainGoesOnWithTheNext) {
  run([]() -> Task<void> {
    auto all = co_await (numbers(0, 2) | streams::chain(numbers(5, 7)) |
                         streams::chain(numbers(9, 9)) | streams::collect());
    EXPECT_EQ(all, (std::vector<int>{0, 1, 5, 6}));
    auto broken = failing(1) | streams::chain(numbers(0, 3));
    const auto first = co_await broken.next();
    EXPECT_EQ(first, 0);
    bool failed = false;
    try {
      (void)co_await broken.next();
    } catch (const std::runtime_error&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    const auto end = co_await broken.next();
    EXPECT_FALSE(end.has_value());
  });
}

TEST_P(StreamPairsTest, PeekLeavesTheItem) {
  run([]() -> Task<void> {
    auto stream = numbers(0, 3) | streams::peekable();
    static_assert(Stream<decltype(stream)>);
    const auto* const first = co_await stream.peek();
    EXPECT_EQ(**first, 0);
    const auto* const again = co_await stream.peek();
    EXPECT_EQ(first, again);
    const auto taken = co_await stream.next();
    EXPECT_EQ(taken, 0);
    const auto refused = co_await stream.next_if([](int value) { return value > 1; });
    EXPECT_FALSE(refused.has_value());
    const auto wanted = co_await stream.next_if([](int value) { return value == 1; });
    EXPECT_EQ(wanted, 1);
    auto rest = co_await (std::move(stream) | streams::collect());
    EXPECT_EQ(rest, (std::vector<int>{2}));
    auto none = numbers(0, 0) | streams::peekable();
    const auto* const nothing = co_await none.peek();
    EXPECT_EQ(nothing, nullptr);
    const auto end = co_await none.next();
    EXPECT_FALSE(end.has_value());
  });
}

TEST_P(StreamPairsTest, ACancelDestroysWhatZipHolds) {
  run([]() -> Task<void> {
    Log log;
    auto logged = [](Log& to) -> AsyncGenerator<Logged> {
      Logged item(to, "item");
      co_yield std::move(item);
    };
    auto endless = []() -> AsyncGenerator<int> {
      co_await sleep_for(1h);
      co_yield 1;
    };
    auto task = spawn([&]() -> Task<void> {
      auto both = logged(log) | streams::zip(endless());
      (void)co_await both.next();
    });
    co_await yield_now();
    task.cancel();
    const Outcome<void> end = co_await std::move(task).outcome();
    EXPECT_TRUE(end.cancelled());
    EXPECT_EQ(log.words(), (std::vector<std::string>{"item"}));
  });
}

TEST(IntervalReset, MovesTheGrid) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    Interval interval(10s);
    const TimePoint start = now();
    co_await sleep_for(7s);
    interval.reset();
    const TimePoint reset = co_await interval.tick();
    EXPECT_EQ(reset - start, 17s);
    interval.reset_after(1s);
    const TimePoint sooner = co_await interval.tick();
    EXPECT_GE(sooner - reset, 1s);
    EXPECT_LT(sooner - reset, 1s + 1ms);
    const TimePoint next = co_await interval.tick();
    EXPECT_EQ(next - sooner, 10s);
    co_await sleep_for(25s);
    interval.reset();  // ticks that were missed are dropped
    const TimePoint later = now();
    const TimePoint after = co_await interval.tick();
    EXPECT_EQ(after - later, 10s);
    interval.reset_at(start);
    const TimePoint past = co_await interval.tick();
    EXPECT_EQ(past, start);
    interval.reset_after(0s);
    const TimePoint before = now();
    const TimePoint at_once = co_await interval.tick();
    EXPECT_EQ(at_once, before);
    EXPECT_EQ(interval.period(), Nanoseconds(10s));
  });
}

}  // namespace
}  // namespace weft::test::stream_pairs_test
