// merge() and buffered(): order, fairness, how far they run ahead, errors, drops, cancels, and
// their behaviour out of memory.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>
#include <weft/streams.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::streams_ahead_test {
namespace {

using namespace std::chrono_literals;

class StreamsAheadTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(StreamsAheadTest);

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

// merge

TEST_P(StreamsAheadTest, MergeGivesAllOfAll) {
  Numbers got = run(streams::merge(numbers(0, 500), numbers(500, 700), numbers(0, 0),
                                   streams::from_range(std::views::iota(700, 1000))) |
                    streams::collect());
  EXPECT_TRUE(std::ranges::is_sorted(got | std::views::filter([](int i) { return i < 500; })))
      << "each source's own order stays";
  std::ranges::sort(got);
  EXPECT_TRUE(std::ranges::equal(got, std::views::iota(0, 1000)));
  EXPECT_EQ(run(streams::merge(numbers(0, 3)) | streams::collect()), (Numbers{0, 1, 2}));
}

TEST_P(StreamsAheadTest, MergeGivesWhatIsReadyFirst) {
  run([]() -> Task<void> {
    std::array<ManualEvent, 3> events;
    auto wait_for = [](ManualEvent& event, int id) -> AsyncGenerator<int> {
      for (;;) {
        co_await event;
        co_yield id;
      }
    };
    auto merged =
        streams::merge(wait_for(events[0], 0), wait_for(events[1], 1), wait_for(events[2], 2));
    for (const int next : {2, 0, 0, 1, 2}) {
      events.at(static_cast<std::size_t>(next)).set();
      auto item = co_await merged.next();
      EXPECT_EQ(item, next);
    }
    merged = {};
    co_await until([&] { return std::ranges::none_of(events, &ManualEvent::awaited); });
  });
}

AsyncGenerator<int> endless(int id, std::atomic<int>& made) {
  for (;;) {
    ++made;
    co_yield id;
  }
}

TEST_P(StreamsAheadTest, MergeIsFairAndRunsAheadByAsManyAsThereAreSources) {
  std::array<std::atomic<int>, 3> made{};
  std::array<int, 3> got{};
  run([&]() -> Task<void> {
    auto merged = streams::merge(endless(0, made[0]), endless(1, made[1]), endless(2, made[2]));
    while (std::ranges::min(got) < 100) {
      auto item = co_await merged.next();
      ++got.at(static_cast<std::size_t>(*item));
      if (got[0] % 10 == 0) co_await yield_now();
      EXPECT_LE(made[0] + made[1] + made[2], got[0] + got[1] + got[2] + 3);
    }
  });
  end_runtime();  // the sources refer to locals, and may go on for a while
  // On several workers the system decides which thread runs how long.
  if (GetParam() <= 1) {
    EXPECT_LE(std::ranges::max(got), 150);
  }
}

TEST_P(StreamsAheadTest, AnErrorOfASourceIsTheLastItem) {
  run([]() -> Task<void> {
    ManualEvent event;
    Log log;
    auto good = [](ManualEvent& e, Logged) -> AsyncGenerator<int> {
      co_yield 1;
      co_await e;
    };
    auto bad = []() -> AsyncGenerator<int> {
      co_yield 2;
      throw std::runtime_error("source");
    };
    auto merged = streams::merge(good(event, Logged(log, "the other")), bad());
    Numbers got;
    bool failed = false;
    try {
      while (auto item = co_await merged.next()) got.push_back(*item);
    } catch (const std::runtime_error&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    EXPECT_TRUE(std::ranges::count(got, 2) == 1);
    auto after = co_await merged.next();
    EXPECT_FALSE(after);
    co_await until([&] { return log.words().size() == 1; });
  });
}

// buffered

/// Counts how many run at once.
class Crowd {
 public:
  Task<int> visit(int number) {
    const int inside = ++inside_;
    int most = most_;
    while (most < inside && !most_.compare_exchange_weak(most, inside)) {
    }
    for (int i = 0; i <= number % 5; ++i) co_await yield_now();
    --inside_;
    co_return 2 * number;
  }
  [[nodiscard]] int most() const { return most_; }

 private:
  std::atomic<int> inside_ = 0;
  std::atomic<int> most_ = 0;
};

TEST_P(StreamsAheadTest, BufferedRunsSoManyAtOnceAndKeepsTheOrder) {
  for (const int most : {1, 2, 7}) {
    Crowd crowd;
    auto visit = [&](int i) { return crowd.visit(i); };
    const auto limit = static_cast<std::size_t>(most);
    EXPECT_TRUE(std::ranges::equal(
        run(numbers(0, 200) | streams::buffered(limit, visit) | streams::collect()),
        std::views::iota(0, 200) | std::views::transform([](int i) { return 2 * i; })));
    EXPECT_LE(crowd.most(), most);
    EXPECT_TRUE(GetParam() != 0 || crowd.most() >= std::min(most, 2));
    Numbers got =
        run(numbers(0, 200) | streams::buffered_unordered(limit, visit) | streams::collect());
    EXPECT_EQ(got.size(), 200U);
    std::ranges::sort(got);
    EXPECT_EQ(std::ranges::adjacent_find(got), got.end());
    EXPECT_LE(crowd.most(), most);
  }
}

TEST_P(StreamsAheadTest, OrderOfSourceOrOfEnds) {
  run([]() -> Task<void> {
    std::array<ManualEvent, 3> events;
    auto wait = [&](std::size_t i) -> Task<std::size_t> {
      co_await events.at(i);
      co_return i;
    };
    using Places = std::vector<std::size_t>;
    auto unordered = streams::from_range(Places{0, 1, 2}) | streams::buffered_unordered(3, wait);
    for (const std::size_t next : {2U, 0U, 1U}) {
      events.at(next).set();
      auto item = co_await unordered.next();
      EXPECT_EQ(item, next);
    }
    auto last = co_await unordered.next();
    EXPECT_FALSE(last);
    for (const std::size_t next : {2U, 1U, 0U}) events.at(next).set();
    auto ordered = streams::from_range(Places{0, 1, 2}) | streams::buffered(3, wait);
    const Places got = co_await (std::move(ordered) | streams::collect());
    EXPECT_EQ(got, (Places{0, 1, 2}));
  });
}

TEST_P(StreamsAheadTest, BufferedOfAwaitablesAndOfNothing) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(doubled(i));
  EXPECT_EQ(run(streams::from_range(std::move(tasks)) | streams::buffered(2) | streams::collect()),
            (Numbers{0, 2, 4, 6, 8}));
  std::atomic<int> sum = 0;
  auto add = [&](int i) -> Task<void> {
    co_await yield_now();
    sum += i;
  };
  EXPECT_EQ(run(numbers(0, 5) | streams::buffered_unordered(2, add) | streams::collect()).size(),
            5U);
  EXPECT_EQ(sum, 10);
  EXPECT_THROW((void)streams::buffered(0), std::invalid_argument);
  EXPECT_THROW((void)streams::buffered(SIZE_MAX), std::invalid_argument);
  EXPECT_THROW((void)streams::buffered(std::size_t{1} << 32), std::invalid_argument);
}

TEST_P(StreamsAheadTest, AnErrorComesAtItsPlace) {
  auto call = [](int i) -> Task<int> {
    if (i == 5) throw std::runtime_error("call");  // before the earlier ones have ended
    co_await yield_now();
    co_await yield_now();
    co_return i;
  };
  auto refuse = [&](int i) {
    if (i == 5) throw std::runtime_error("function");
    return call(i);
  };
  auto fails = []() -> AsyncGenerator<int> {
    for (int i = 0; i < 5; ++i) co_yield i;
    throw std::runtime_error("source");
  };
  auto items_before_failure = [](AsyncGenerator<int> stream) -> Task<Numbers> {
    Numbers got;
    bool failed = false;
    try {
      while (auto item = co_await stream.next()) got.push_back(*item);
    } catch (const std::runtime_error&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    co_return got;
  };
  const Numbers five{0, 1, 2, 3, 4};
  EXPECT_EQ(run(items_before_failure(numbers(0, 20) | streams::buffered(4, call))), five);
  EXPECT_EQ(run(items_before_failure(numbers(0, 20) | streams::buffered(4, refuse))), five);
  EXPECT_EQ(run(items_before_failure(fails() | streams::buffered(4, call))), five);
  const Numbers some =
      run(items_before_failure(numbers(0, 20) | streams::buffered_unordered(4, call)));
  EXPECT_EQ(std::ranges::count(some, 5), 0);
  EXPECT_LT(some.size(), 20U);  // how far the others got meanwhile varies
  EXPECT_EQ(run(items_before_failure(fails() | streams::buffered_unordered(4, call))).size() <= 5U,
            true);
  end_runtime();  // `refuse` refers to `call`
}

TEST_P(StreamsAheadTest, AConsumerThatPausesGetsEverything) {
  run([]() -> Task<void> {
    std::atomic<int> begun = 0;
    auto call = [&](int i) -> Task<int> {
      ++begun;
      co_return i;
    };
    auto stream = numbers(0, 100) | streams::buffered(3, call);
    int taken = 0;
    while (auto item = co_await stream.next()) {
      EXPECT_EQ(*item, taken);
      ++taken;
      co_await until([&] { return begun == std::min(taken + 3, 100); });
      for (int i = 0; i < 5; ++i) co_await yield_now();
      EXPECT_EQ(begun, std::min(taken + 3, 100)) << "no further than that";
    }
    EXPECT_EQ(taken, 100);
  });
}

// Drop and cancel

TEST_P(StreamsAheadTest, ADropCancelsWhatRuns) {
  run([]() -> Task<void> {
    ManualEvent event;
    std::atomic<int> ended = 0;
    struct Count {
      explicit Count(std::atomic<int>& c) : count(c) {}
      ~Count() { ++count; }
      std::atomic<int>& count;
    };
    auto wait = [&](int i) -> Task<int> {
      const Count here(ended);
      if (i > 0) co_await event;
      co_return i;
    };
    {
      auto never_begun = numbers(0, 10) | streams::buffered(1, wait);
      auto stream = numbers(0, 10) | streams::buffered(1, wait);
      auto item = co_await stream.next();
      EXPECT_EQ(item, 0);
      co_await until([&] { return event.awaited(); });
    }
    co_await until([&] { return ended == 2; });
    EXPECT_FALSE(event.awaited());
  });
}

TEST_P(StreamsAheadTest, AScopeWaitsForWhatItsStreamsHaveStarted) {
  Log log;
  run([&]() -> Task<void> {
    std::array<ManualEvent, 3> events;
    auto source = [&](std::size_t number) -> AsyncGenerator<int> {
      const Logged here(log, std::to_string(number));
      co_yield 1;
      co_await events.at(number);
    };
    co_await scope([&](Scope& s) -> Task<void> {
      auto merged = streams::merge(SpawnOptions().owner(s), source(0));
      auto item = co_await merged.next();
      EXPECT_EQ(item, 1);
      auto buffered = source(1) | streams::buffered(SpawnOptions().owner(s), 2, doubled);
      item = co_await buffered.next();
      EXPECT_EQ(item, 2);
      auto unordered = source(2) | streams::buffered_unordered(SpawnOptions().owner(s), 2, doubled);
      item = co_await unordered.next();
      EXPECT_EQ(item, 2);
    });
    EXPECT_EQ(log.words().size(), 3U);
  });
}

TEST_P(StreamsAheadTest, WhoseOwnerCancelsThemSaySo) {
  run([]() -> Task<void> {
    ManualEvent event;
    auto source = [&]() -> AsyncGenerator<int> {
      co_yield 1;
      co_await event;
    };
    co_await scope([&](Scope& s) -> Task<void> {
      auto merged = streams::merge(SpawnOptions().owner(s), source());
      auto item = co_await merged.next();
      EXPECT_EQ(item, 1);
      s.cancel_children();
      std::error_code code;
      try {
        item = co_await merged.next();
      } catch (const IoError& error) {
        code = error.code();
      }
      EXPECT_EQ(code, std::errc::operation_canceled);
    });
  });
}

TEST_P(StreamsAheadTest, CancelsOfTheConsumerAtRandomTimes) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  auto consume = [](std::atomic<int>& taken) -> Task<void> {
    auto merged = streams::merge(numbers(0, 1'000'000), numbers(0, 1'000'000));
    auto stream =
        std::move(merged) | streams::buffered_unordered(4, doubled) | streams::buffered(3, doubled);
    while (auto item = co_await stream.next()) {
      ++taken;
      if (taken % 4 == 0) co_await yield_now();
    }
  };
  run([&]() -> Task<void> {
    for (int round = 0; round < 100; ++round) {
      std::atomic<int> taken = 0;
      const int wanted = static_cast<int>(random() % 20);
      auto handle = spawn(consume, std::ref(taken));
      co_await until([&] { return taken >= wanted; });
      handle.cancel();
      const Outcome<void> outcome = co_await std::move(handle).outcome();
      EXPECT_TRUE(outcome.cancelled());
    }
  });
}

TEST_P(StreamsAheadTest, FromAFiberAndPastTheRuntimesEnd) {
  run(fiber([] {
    auto stream = streams::merge(numbers(0, 50), numbers(50, 100)) | streams::buffered(5, doubled);
    int sum = 0;
    while (auto item = await(stream.next())) sum += *item;
    EXPECT_EQ(sum, 9900);
    auto dropped =
        streams::merge(numbers(0, 50), numbers(50, 100)) | streams::buffered_unordered(5, doubled);
    EXPECT_TRUE(await(dropped.next()).has_value());
  }));
}

// Memory

TEST_P(StreamsAheadTest, OutOfMemoryIsAnErrorOfTheStream) {
  if (GetParam() != 0) return;  // a refusal affects one thread only
  int refused = 0;
  for (int successes = 0; successes < 60; ++successes) {
    refused += run([&]() -> Task<int> {
      int failed = 0;
      set_frame_failure_after(successes);
      try {
        auto stream = streams::merge(numbers(0, 4), numbers(4, 8)) | streams::buffered(2, doubled) |
                      streams::buffered_unordered(2, doubled);
        int items = 0;
        while (auto item = co_await stream.next()) ++items;
        EXPECT_EQ(items, 8);
      } catch (const std::bad_alloc&) {
        ++failed;
      }
      set_frame_failure_after(-1);
      co_return failed;
    });
  }
  EXPECT_GE(refused, 20);
}

TEST_P(StreamsAheadTest, MergeTakesNoBlockForAnItem) {
  run([&]() -> Task<void> {
    static constexpr int each = fewer_if_sanitized(100'000);
    auto many = []() -> AsyncGenerator<int> {
      for (int i = 0; i < each; ++i) co_yield i;
    };
    auto merged = streams::merge(many(), many());
    auto item = co_await merged.next();
    const std::int64_t blocks = frame_pool_stats().live_blocks;
    int items = 1;
    for (; item; item = co_await merged.next()) {
      if (++items % 1024 != 0 || items > each) continue;
      EXPECT_LE(frame_pool_stats().live_blocks, blocks);
    }
    EXPECT_EQ(items, 2 * each + 1);
  });
}

}  // namespace
}  // namespace weft::test::streams_ahead_test
