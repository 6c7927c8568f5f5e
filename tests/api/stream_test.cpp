// Streams: the concept, sources, operators, consumers; their errors, drops and cancels.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>
#include <weft/streams.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::stream_test {
namespace {

using namespace std::chrono_literals;

class StreamTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(StreamTest);

using Numbers = std::vector<int>;
using Words = std::vector<std::string>;

AsyncGenerator<int> numbers(int from, int to) {
  for (int i = from; i < to; ++i) {
    if (i % 3 == 0) co_await yield_now();
    co_yield i;
  }
}
Task<int> doubled(int number) {
  co_await yield_now();
  co_return 2 * number;
}
Task<bool> is_even(int number) {
  co_await yield_now();
  co_return number % 2 == 0;
}

/// Gives pointers, and uses none of weft's types, as a user's own stream might.
class Countdown {
 public:
  explicit Countdown(int from) : left_(from) {}
  Task<const int*> next() {
    co_await yield_now();
    co_return left_-- > 0 ? &left_ : nullptr;
  }

 private:
  int left_;
};
struct NoStream {
  int next() { return 0; }
};

TEST_P(StreamTest, WhatAStreamIs) {
  static_assert(Stream<AsyncGenerator<int>> && Stream<Countdown>);
  static_assert(!Stream<NoStream> && !Stream<int>);
  static_assert(std::same_as<StreamValue<AsyncGenerator<int>>, int>);
  static_assert(std::same_as<StreamValue<AsyncGenerator<int&>>, int&>);
  static_assert(std::same_as<StreamValue<Countdown>, const int&>);
  EXPECT_EQ(run(Countdown(3) | streams::map([](int i) { return i; }) | streams::collect()),
            (Numbers{2, 1, 0}));
}

// Sources

TEST_P(StreamTest, FromRangesOfEveryKind) {
  EXPECT_EQ(run(streams::from_range(Numbers{1, 2}) | streams::collect()), (Numbers{1, 2}));
  EXPECT_EQ(run(streams::from_range(std::views::iota(1, 4)) | streams::collect()),
            (Numbers{1, 2, 3}));
  const Words kept{std::string(50, 'a'), "b"};
  EXPECT_EQ(run(streams::from_range(std::views::all(kept)) | streams::collect()), kept);
  EXPECT_EQ(kept[0].size(), 50U);
  std::vector<std::unique_ptr<int>> owners;
  owners.push_back(std::make_unique<int>(5));
  const auto got = run(streams::from_range(std::move(owners)) | streams::collect());
  EXPECT_EQ(*got.at(0), 5);
}

TEST_P(StreamTest, FromAFunctionThatGivesTheNext) {
  int left = 3;
  auto receive = [&]() -> Task<std::optional<int>> {
    co_await yield_now();
    if (left == 0) co_return std::nullopt;
    co_return left--;
  };
  EXPECT_EQ(run(streams::from_next(receive) | streams::collect()), (Numbers{3, 2, 1}));
  auto step = [](int& state) -> Task<std::optional<int>> {
    state *= 2;
    if (state > 20) co_return std::nullopt;
    co_return state;
  };
  EXPECT_EQ(run(streams::unfold(1, step) | streams::collect()), (Numbers{2, 4, 8, 16}));
}

TEST_P(StreamTest, Ticks) {
  run([]() -> Task<void> {
    const TimePoint start = now();
    auto three = streams::ticks(1ms) | streams::take(3) | streams::collect();
    const std::vector<TimePoint> due = co_await std::move(three);
    EXPECT_EQ(due.size(), 3U);
    EXPECT_GE(due.front(), start + 1ms);
    EXPECT_GE(due.at(1), due.at(0) + 1ms);
    EXPECT_GE(now(), due.back());
    auto wrong = streams::ticks(0ms);
    bool refused = false;
    try {
      co_await wrong.next();
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
  });
}

// Operators

TEST_P(StreamTest, MapAndFilterWithValuesAndAwaitables) {
  auto plain = numbers(0, 6) | streams::map([](int i) { return std::to_string(i); });
  EXPECT_EQ(run(std::move(plain) | streams::collect()), (Words{"0", "1", "2", "3", "4", "5"}));
  EXPECT_EQ(run(numbers(0, 4) | streams::map(doubled) | streams::collect()), (Numbers{0, 2, 4, 6}));
  EXPECT_EQ(run(numbers(0, 6) | streams::filter([](int i) { return i > 3; }) | streams::collect()),
            (Numbers{4, 5}));
  EXPECT_EQ(run(numbers(0, 6) | streams::filter(is_even) | streams::collect()), (Numbers{0, 2, 4}));
}

TEST_P(StreamTest, MoveOnlyItemsPassThroughEverything) {
  auto make = [](int i) { return std::make_unique<int>(i); };
  auto odd = [](const std::unique_ptr<int>& owner) { return *owner % 2 == 1; };
  auto stream = numbers(0, 20) | streams::map(make) | streams::filter(odd) | streams::skip(1) |
                streams::take_while([](const auto& owner) { return *owner < 15; }) |
                streams::take(4) | streams::enumerate() | streams::chunk(3);
  const auto chunks = run(std::move(stream) | streams::collect());
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0].size(), 3U);
  EXPECT_EQ(chunks[1].at(0).first, 3U);
  EXPECT_EQ(*chunks[1].at(0).second, 9);
}

TEST_P(StreamTest, ReferencesStayReferences) {
  struct Person {
    std::string name;
    int age;
  };
  std::vector<Person> people{{"a", 1}, {"b", 2}, {"c", 3}};
  auto each = [](std::vector<Person>& from) -> AsyncGenerator<Person&> {
    for (Person& person : from) co_yield person;
  };
  run(each(people) | streams::filter([](const Person& p) { return p.age > 1; }) | streams::take(5) |
      streams::map(&Person::age) | streams::for_each([](int& age) { age *= 10; }));
  EXPECT_EQ(people[0].age + people[1].age + people[2].age, 51);
  const auto all = run(each(people) | streams::collect());
  EXPECT_EQ(&all.at(2).get(), &people[2]);
}

TEST_P(StreamTest, TakeSkipEnumerateChunk) {
  EXPECT_EQ(run(numbers(0, 9) | streams::take(2) | streams::collect()), (Numbers{0, 1}));
  EXPECT_EQ(run(numbers(0, 2) | streams::take(9) | streams::collect()), (Numbers{0, 1}));
  EXPECT_EQ(run(numbers(0, 5) | streams::skip(3) | streams::collect()), (Numbers{3, 4}));
  EXPECT_EQ(run(numbers(0, 5) | streams::skip(9) | streams::collect()), Numbers());
  auto small = [](int i) -> Task<bool> { co_return i < 3; };
  EXPECT_EQ(run(numbers(0, 9) | streams::take_while(small) | streams::collect()),
            (Numbers{0, 1, 2}));
  const auto numbered = run(numbers(5, 7) | streams::enumerate() | streams::collect());
  EXPECT_EQ(numbered, (std::vector<std::pair<std::size_t, int>>{{0, 5}, {1, 6}}));
  const auto chunks = run(numbers(0, 5) | streams::chunk(2) | streams::collect());
  EXPECT_EQ(chunks, (std::vector<Numbers>{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(run(numbers(0, 4) | streams::chunk(2) | streams::collect()).size(), 2U);
  EXPECT_THROW((void)streams::chunk(0), std::invalid_argument);
}

TEST_P(StreamTest, TakeAsksForNoMore) {
  run([]() -> Task<void> {
    auto source = numbers(0, 10);
    auto few = streams::borrow(source) | streams::take(2) | streams::collect();
    const Numbers first = co_await std::move(few);
    EXPECT_EQ(first, (Numbers{0, 1}));
    auto none = streams::borrow(source) | streams::take(0) | streams::collect();
    const Numbers nothing = co_await std::move(none);
    EXPECT_EQ(nothing, Numbers());
    auto item = co_await source.next();
    EXPECT_EQ(item, 2);
  });
}

TEST_P(StreamTest, ThrottleKeepsItemsApart) {
  run([]() -> Task<void> {
    auto slow = numbers(0, 4) | streams::throttle(2ms);
    const TimePoint start = now();
    int items = 0;
    while (auto item = co_await slow.next()) {
      EXPECT_GE(now(), start + items * 2ms);
      ++items;
    }
    EXPECT_EQ(items, 4);
  });
}

TEST_P(StreamTest, TimeoutEachEndsAStreamThatIsTooSlow) {
  run([]() -> Task<void> {
    ManualEvent event;
    auto source = [](ManualEvent& e) -> AsyncGenerator<int> {
      co_yield 1;
      co_yield 2;
      co_await e;
      co_yield 3;
    };
    auto hasty = source(event) | streams::timeout_each(1ms);
    Numbers got;
    std::error_code code;
    try {
      while (auto item = co_await hasty.next()) got.push_back(*item);
    } catch (const IoError& error) {
      code = error.code();
    }
    EXPECT_EQ(got, (Numbers{1, 2}));
    EXPECT_EQ(code, std::errc::timed_out);
    EXPECT_FALSE(event.awaited());
    auto after = co_await hasty.next();
    EXPECT_FALSE(after);
    auto patient = source(event) | streams::timeout_each(1h);
    event.set();
    const Numbers all = co_await (std::move(patient) | streams::collect());
    EXPECT_EQ(all, (Numbers{1, 2, 3}));
  });
}

TEST_P(StreamTest, ForEachAndFold) {
  Numbers seen;
  run(numbers(0, 3) | streams::for_each([&](int i) { seen.push_back(i); }));
  run(streams::for_each(numbers(3, 5), [&](int i) -> Task<void> {
    co_await yield_now();
    seen.push_back(i);
  }));
  EXPECT_EQ(seen, (Numbers{0, 1, 2, 3, 4}));
  EXPECT_EQ(run(numbers(1, 4) |
                streams::fold(std::string("0"),
                              [](std::string text, int i) { return text + std::to_string(i); })),
            "0123");
  auto add = [](int sum, int i) -> Task<int> { co_return sum + i; };
  EXPECT_EQ(run(numbers(1, 5) | streams::fold(10, add)), 20);
}

TEST_P(StreamTest, FromAFiber) {
  const int sum = run(fiber([] {
    auto stream = numbers(0, 10) | streams::map(doubled) | streams::skip(1);
    int total = 0;
    while (auto item = await(stream.next())) total += *item;
    return total + await(numbers(0, 3) | streams::fold(0, std::plus<int>()));
  }));
  EXPECT_EQ(sum, 93);
}

// Ends

TEST_P(StreamTest, ErrorsOfSourcesAndFunctionsComeOutOfNext) {
  auto fail_at = [](int bad) {
    return [bad](int i) {
      if (i == bad) throw std::runtime_error("function");
      return i;
    };
  };
  run([&]() -> Task<void> {
    Log log;
    auto source = [](Log& l) -> AsyncGenerator<int> {
      const Logged here(l, "source");
      for (int i = 0; i < 5; ++i) co_yield i;
      throw std::logic_error("source");
    };
    Numbers got;
    bool failed = false;
    auto mapped = source(log) | streams::map(fail_at(3));
    try {
      while (auto item = co_await mapped.next()) got.push_back(*item);
    } catch (const std::runtime_error&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    EXPECT_EQ(got, (Numbers{0, 1, 2}));
    EXPECT_EQ(log.words(), (Words{"source"})) << "the source goes with it";
    failed = false;
    try {
      co_await (source(log) | streams::for_each([](int) {}));
    } catch (const std::logic_error&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
  });
}

TEST_P(StreamTest, ACancelUnwindsAllOperators) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent event;
    auto source = [](ManualEvent& e, Log& l) -> AsyncGenerator<int> {
      const Logged here(l, "source");
      for (;;) {
        co_await e;
        co_yield 1;
      }
    };
    auto consume = [&](std::shared_ptr<Logged> last) -> Task<void> {
      auto keep = [last = std::move(last)](int i) { return i > 0; };
      auto stream = source(event, log) | streams::filter(std::move(keep)) | streams::chunk(2) |
                    streams::throttle(1ns) | streams::enumerate();
      while (auto item = co_await stream.next()) EXPECT_EQ(item->second.size(), 2U);
    };
    auto handle = spawn(consume, std::make_shared<Logged>(log, "function"));
    for (int i = 0; i < 3; ++i) {
      co_await until([&] { return event.awaited(); });
      event.set();
    }
    co_await until([&] { return event.awaited(); });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_FALSE(event.awaited());
  });
  EXPECT_EQ(log.words(), (Words{"source", "function"}));
}

TEST_P(StreamTest, ASourceWhoseWaitCanBeCancelledIsUsedOn) {
  run([]() -> Task<void> {
    ManualEvent event;
    auto receive = [&]() -> Task<std::optional<int>> {
      co_await event;
      co_return 1;
    };
    auto stream = streams::from_next(receive);
    for (int i = 0; i < 3; ++i) {
      auto first = co_await select(stream.next(), yield_now());
      EXPECT_EQ(first.index(), 1U);
    }
    event.set();
    auto item = co_await stream.next();
    EXPECT_EQ(item, 1);
  });
}

// Memory and stack

TEST_P(StreamTest, OperatorsTakeABlockEachAndNoneForAnItem) {
  StackMeter meter;
  auto many = []() -> AsyncGenerator<int> {
    for (int i = 0; i < 1'000'000; ++i) co_yield i;
  };
  constexpr int most = fewer_if_sanitized(400'000);
  run([&]() -> Task<void> {
    const FramePoolStats before = frame_pool_stats();
    auto stream = many() | streams::map([](int i) { return i + 1; }) |
                  streams::filter([](int i) { return i % 2 == 0; }) | streams::take(most) |
                  streams::take_while([](int i) { return i > 0; }) | streams::skip(10);
    const FramePoolStats with = frame_pool_stats();
    EXPECT_LE(with.live_blocks, before.live_blocks + 6);
    EXPECT_LE(with.live_bytes - before.live_bytes, 6 * 384);
    set_frame_failure_after(0);
    long items = 0;
    while (auto item = co_await stream.next()) {
      if (++items % 16 == 0) meter.note();
    }
    set_frame_failure_after(-1);
    EXPECT_EQ(items, most - 10);
  });
  EXPECT_LT(meter.bytes(), 512U * 1024);
}

}  // namespace
}  // namespace weft::test::stream_test
