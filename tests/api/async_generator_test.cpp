// AsyncGenerator<T>: items of every kind, waiting inside, early drop, cancel at every point,
// exceptions, stack and memory, consumers that are coroutines and fibers.
#include <weft/async_generator.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::async_generator_test {
namespace {

using namespace std::chrono_literals;

class AsyncGeneratorTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(AsyncGeneratorTest);

using Words = std::vector<std::string>;
using Numbers = std::vector<int>;

AsyncGenerator<int> numbers(int from, int to) {
  for (int i = from; i < to; ++i) co_yield i;
}

template <class T>
Task<std::vector<T>> all_of(AsyncGenerator<T> generator) {
  std::vector<T> items;
  while (auto item = co_await generator.next()) items.push_back(*std::move(item));
  co_return items;
}

// Items

TEST_P(AsyncGeneratorTest, GivesItsItemsAndThenNothing) {
  EXPECT_EQ(run(all_of(numbers(3, 8))), (Numbers{3, 4, 5, 6, 7}));
  EXPECT_EQ(run(all_of(numbers(3, 3))), Numbers());
  run([]() -> Task<void> {
    AsyncGenerator<int> generator = numbers(1, 2);
    EXPECT_TRUE(generator);
    auto item = co_await generator.next();
    EXPECT_EQ(item, 1);
    for (int i = 0; i < 3; ++i) {
      item = co_await generator.next();
      EXPECT_FALSE(item);
      EXPECT_FALSE(generator);
    }
  });
}

TEST_P(AsyncGeneratorTest, TheBodyMayWaitWhereverItLikes) {
  auto body = []() -> AsyncGenerator<int> {
    co_await yield_now();
    for (int i = 0; i < 3; ++i) {
      co_await sleep_for(1us);
      const int doubled = co_await [](int n) -> Task<int> {
        co_await yield_now();
        co_return 2 * n;
      }(i);
      co_yield doubled;
      co_await yield_now();
    }
  };
  EXPECT_EQ(run(all_of(body())), (Numbers{0, 2, 4}));
}

TEST_P(AsyncGeneratorTest, RunsOnlyWhileNextIsAwaited) {
  Log log;
  auto body = [](Log& l) -> AsyncGenerator<int> {
    l.add("begun");
    co_yield 1;
    l.add("asked again");
  };
  run([&]() -> Task<void> {
    AsyncGenerator<int> generator = body(log);
    auto not_awaited = generator.next();
    co_await yield_now();
    EXPECT_EQ(log.words(), Words());
    auto item = co_await not_awaited;
    EXPECT_EQ(item, 1);
    co_await yield_now();
    EXPECT_EQ(log.words(), (Words{"begun"}));
    item = co_await generator.next();
    EXPECT_FALSE(item);
    EXPECT_EQ(log.words(), (Words{"begun", "asked again"}));
  });
}

TEST_P(AsyncGeneratorTest, GivesWhatIsMoveOnlyCopiedAndConverted) {
  auto owners = []() -> AsyncGenerator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(1);
    auto kept = std::make_unique<int>(2);
    co_yield std::move(kept);
    EXPECT_EQ(kept, nullptr);
  };
  const auto got = run(all_of(owners()));
  EXPECT_EQ(*got.at(0) + *got.at(1), 3);

  auto text = []() -> AsyncGenerator<std::string> {
    const std::string fixed(100, 'a');
    std::string kept(100, 'b');
    co_yield fixed;
    co_yield kept;
    EXPECT_EQ(kept.size(), 100U) << "an lvalue is copied";
    co_yield "converted";
    co_yield std::move(kept);
  };
  EXPECT_EQ(run(all_of(text())), (Words{std::string(100, 'a'), std::string(100, 'b'), "converted",
                                        std::string(100, 'b')}));
}

TEST_P(AsyncGeneratorTest, GivesReferencesToTheSameObjects) {
  Numbers items{1, 2, 3};
  auto each = [](auto& from) -> AsyncGenerator<decltype(from.front())> {
    for (auto& item : from) co_yield item;
  };
  run([&]() -> Task<void> {
    auto changeable = each(items);
    while (auto item = co_await changeable.next()) *item *= 10;
    const Words words{"a", "bc"};
    auto fixed = each(words);
    std::size_t letters = 0;
    while (auto item = co_await fixed.next()) letters += item->size();
    EXPECT_EQ(letters, 3U);
  });
  EXPECT_EQ(items, (Numbers{10, 20, 30}));
}

TEST_P(AsyncGeneratorTest, MovesBetweenItemsAndTasks) {
  run([]() -> Task<void> {
    AsyncGenerator<int> generator = numbers(0, 10);
    auto some = [](AsyncGenerator<int>& from) -> Task<int> {
      auto item = co_await from.next();
      co_return *item;
    };
    for (int i = 0; i < 5; ++i) {
      auto handle = spawn(some, std::ref(generator));
      const int item = co_await std::move(handle);
      EXPECT_EQ(item, i);
    }
    AsyncGenerator<int> moved = std::move(generator);
    EXPECT_FALSE(generator);
    auto nothing = co_await generator.next();
    EXPECT_FALSE(nothing);
    generator = std::move(moved);
    auto item = co_await generator.next();
    EXPECT_EQ(item, 5);
    generator = numbers(20, 22);  // the rest is dropped
    item = co_await generator.next();
    EXPECT_EQ(item, 20);
  });
}

// Ends

TEST_P(AsyncGeneratorTest, ADropDestroysWhatTheBodyHas) {
  Log log;
  auto body = [](Log& l, Logged) -> AsyncGenerator<int> {
    const Logged outer(l, "outer");
    for (int i = 0;; ++i) {
      const Logged inner(l, "inner");
      co_await yield_now();
      co_yield i;
    }
  };
  run([&]() -> Task<void> {
    {
      AsyncGenerator<int> never_begun = body(log, Logged(log, "argument"));
    }
    EXPECT_EQ(log.words(), (Words{"argument"}));
    auto generator = body(log, Logged(log, "argument"));
    while (auto item = co_await generator.next()) {
      if (*item == 1) break;
    }
    generator = AsyncGenerator<int>();
    EXPECT_EQ(log.words(), (Words{"argument", "inner", "inner", "outer", "argument"}));
  });
}

TEST_P(AsyncGeneratorTest, ExceptionsComeOutOfNext) {
  Log log;
  auto body = [](Log& l, int good) -> AsyncGenerator<int> {
    const Logged here(l, "unwound");
    for (int i = 0; i < good; ++i) co_yield i;
    co_await yield_now();
    throw std::runtime_error("body");
  };
  run([&]() -> Task<void> {
    for (const int good : {0, 1, 2}) {
      auto generator = body(log, good);
      int items = 0;
      bool failed = false;
      try {
        while (auto item = co_await generator.next()) ++items;
      } catch (const std::runtime_error&) {
        failed = true;
      }
      EXPECT_EQ(items, good);
      EXPECT_TRUE(failed);
      EXPECT_EQ(log.words().size(), static_cast<std::size_t>(good) + 1);
      auto after = co_await generator.next();
      EXPECT_FALSE(after);
    }
  });
}

AsyncGenerator<int> fail_deep() {
  co_yield 1;
  co_await yield_now();
  throw std::runtime_error("deep");
}
Task<void> consume_failing() {
  auto generator = fail_deep();
  while (auto item = co_await generator.next()) co_await yield_now();
}

TEST_P(AsyncGeneratorTest, AnUnseenFailureHasASiteInTheBodyAndOneInTheConsumer) {
  allow_failures();
  run([&]() -> Task<void> {
    spawn(consume_failing).detach();
    co_await until([&] { return !failures().empty(); });
  });
  end_runtime();
  ASSERT_EQ(failures().size(), 1U);
  EXPECT_EQ(failures()[0].what, "deep");
  EXPECT_EQ(failures()[0].sites.size(), 2U);
}

TEST_P(AsyncGeneratorTest, NoMemoryForTheFrameIsThrownByTheCall) {
  std::vector<AsyncGenerator<int>> kept;  // keeps compilers from eliding the frame
  set_frame_failure_after(0);
  EXPECT_THROW(kept.push_back(numbers(0, 1)), std::bad_alloc);
  set_frame_failure_after(-1);
}

// Cancel

/// Where the consumer or the body waits when the cancel comes.
enum class At { before_first, in_child, between, in_consumer };

AsyncGenerator<int> wait_at(At at, ManualEvent& event, Log& log) {
  const Logged here(log, "body");
  if (at == At::before_first) co_await event;
  co_yield 1;
  if (at == At::in_child) {
    co_await [](ManualEvent& e, Log& l) -> Task<void> {
      const Logged child(l, "child");
      co_await e;
    }(event, log);
  }
  if (at == At::between) co_await event;
  co_yield 2;
}
Task<int> consume_at(At at, ManualEvent& event, Log& log) {
  const Logged outer(log, "consumer");
  auto generator = wait_at(at, event, log);
  const Logged inner(log, "consumer's second");
  int sum = 0;
  while (auto item = co_await generator.next()) {
    sum += *item;
    if (at == At::in_consumer && sum == 1) co_await event;
  }
  co_return sum;
}

TEST_P(AsyncGeneratorTest, ACancelUnwindsBodyAndConsumerWhereverTheyWait) {
  for (const At at : {At::before_first, At::in_child, At::between, At::in_consumer}) {
    SCOPED_TRACE(static_cast<int>(at));
    Log log;
    run([&]() -> Task<void> {
      ManualEvent event;
      auto handle = spawn(consume_at, at, std::ref(event), std::ref(log));
      co_await until([&] { return event.awaited(); });
      handle.cancel();
      const Outcome<int> outcome = co_await std::move(handle).outcome();
      EXPECT_TRUE(outcome.cancelled());
      EXPECT_FALSE(event.awaited());
    });
    Words expected{"body", "consumer's second", "consumer"};
    if (at == At::in_child) expected.insert(expected.begin(), "child");
    if (at == At::in_consumer) expected = Words{"consumer's second", "body", "consumer"};
    EXPECT_EQ(log.words(), expected);
  }
}

TEST_P(AsyncGeneratorTest, WhatWasGotInSpiteOfACancelIsGiven) {
  for (const At at : {At::before_first, At::in_child, At::between}) {
    Log log;
    run([&]() -> Task<void> {
      ManualEvent event;
      auto handle = spawn(consume_at, at, std::ref(event), std::ref(log));
      co_await until([&] { return event.awaited(); });
      event.set();
      handle.cancel();
      const Outcome<int> outcome = co_await std::move(handle).outcome();
      EXPECT_EQ(outcome.has_value() ? outcome.value() : 0, 3);
    });
  }
}

TEST_P(AsyncGeneratorTest, ACancelOfOneWaitEndsTheGenerator) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent event;
    auto generator = wait_at(At::between, event, log);
    auto item = co_await generator.next();
    EXPECT_EQ(item, 1);
    auto first = co_await select(generator.next(), yield_now());
    EXPECT_EQ(first.index(), 1U);
    EXPECT_EQ(log.words(), (Words{"body"}));
    for (int i = 0; i < 2; ++i) {
      std::error_code code;
      try {
        item = co_await generator.next();
      } catch (const IoError& error) {
        code = error.code();
      }
      EXPECT_EQ(code, std::errc::operation_canceled) << "not to be taken for its end";
    }
    generator = wait_at(At::between, event, log);
    item = co_await timeout(generator.next(), 1h);
    EXPECT_EQ(item, 1);
  });
}

TEST_P(AsyncGeneratorTest, CancelsAtRandomTimesLoseNoToken) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  auto tokens = [](ManualEvent& event) -> AsyncGenerator<int> {
    for (;;) {
      co_await event;
      co_yield 1;
    }
  };
  auto consume = [&](ManualEvent& event, std::atomic<std::size_t>& got) -> Task<void> {
    auto generator = tokens(event);
    while (auto item = co_await generator.next()) ++got;
  };
  run([&]() -> Task<void> {
    for (int round = 0; round < 300; ++round) {
      ManualEvent event;
      std::atomic<std::size_t> got = 0;
      auto handle = spawn(consume, std::ref(event), std::ref(got));
      const std::size_t sets = random() % 8;
      for (std::size_t i = 0; i < sets; ++i) {
        event.set();
        for (std::size_t yields = random() % 3; yields > 0; --yields) co_await yield_now();
      }
      handle.cancel();
      const Outcome<void> outcome = co_await std::move(handle).outcome();
      EXPECT_TRUE(outcome.cancelled());
      EXPECT_EQ(got + event.tokens(), sets);
    }
  });
}

// From fibers

TEST_P(AsyncGeneratorTest, IsConsumedFromAFiber) {
  const int sum = run(fiber([] {
    auto body = []() -> AsyncGenerator<int> {
      for (int i = 0; i < 1000; ++i) {
        if (i % 3 == 0) co_await yield_now();
        co_yield i;
      }
    };
    auto generator = body();
    int total = 0;
    while (auto item = await(generator.next())) total += *item;
    auto failing = fail_deep();
    EXPECT_EQ(await(failing.next()), 1);
    EXPECT_THROW((void)await(failing.next()), std::runtime_error);
    auto dropped = body();
    EXPECT_EQ(await(dropped.next()), 0);
    return total;
  }));
  EXPECT_EQ(sum, 499'500);
}

TEST_P(AsyncGeneratorTest, ACancelledFiberUnwindsTheBodyFirst) {
  for (const At at : {At::before_first, At::in_child, At::between, At::in_consumer}) {
    Log log;
    run([&]() -> Task<void> {
      ManualEvent event;
      auto consume = [&] {
        const Logged here(log, "fiber");
        auto generator = wait_at(at, event, log);
        while (auto item = await(generator.next())) {
          if (at == At::in_consumer) await(event);
        }
      };
      auto handle = spawn(fiber(consume));
      co_await until([&] { return event.awaited(); });
      handle.cancel();
      const Outcome<void> outcome = co_await std::move(handle).outcome();
      EXPECT_TRUE(outcome.cancelled());
    });
    Words expected{"body", "fiber"};
    if (at == At::in_child) expected.insert(expected.begin(), "child");
    EXPECT_EQ(log.words(), expected);
  }
}

// Stack and memory

constexpr std::size_t most_stack = 512 * 1024;

TEST_P(AsyncGeneratorTest, AMillionItemsUseConstantStackAndOneSmallBlock) {
  StackMeter meter;
  auto body = [](StackMeter& stack) -> AsyncGenerator<int> {
    for (int i = 0; i < 1'000'000; ++i) {
      if (i % 16 == 0) stack.note();
      co_yield i;
    }
  };
  const long sum = run([&]() -> Task<long> {
    const FramePoolStats before = frame_pool_stats();
    auto generator = body(meter);
    const FramePoolStats with = frame_pool_stats();
    EXPECT_LE(with.live_blocks, before.live_blocks + 1);  // a compiler may elide it
    EXPECT_LE(with.live_bytes - before.live_bytes, 256);
    long total = 0;
    while (auto item = co_await generator.next()) {
      total += *item;
      if (*item % 16 == 0) meter.note();
      if (*item % 4096 != 0) continue;
      EXPECT_EQ(frame_pool_stats().live_blocks, with.live_blocks);
    }
    EXPECT_EQ(frame_pool_stats().live_blocks, before.live_blocks) << "the end frees the frame";
    co_return total;
  });
  EXPECT_EQ(sum, 499'999'500'000);
  EXPECT_LT(meter.bytes(), most_stack);
}

TEST_P(AsyncGeneratorTest, NextTakesNoBlockAtAll) {
  run([&]() -> Task<void> {
    auto generator = numbers(0, 100);
    set_frame_failure_after(0);  // the next block that this thread allocates is refused
    int sum = 0;
    while (auto item = co_await generator.next()) sum += *item;
    set_frame_failure_after(-1);
    EXPECT_EQ(sum, 4950);
  });
}

AsyncGenerator<int> pass_on(AsyncGenerator<int> source, StackMeter& meter) {
  while (auto item = co_await source.next()) {
    meter.note();
    co_yield *item;
  }
}

TEST_P(AsyncGeneratorTest, ALongPipelineUsesConstantStack) {
  StackMeter meter;
  auto pipeline = numbers(0, 20);
  for (int i = 0; i < 2000; ++i) pipeline = pass_on(std::move(pipeline), meter);
  EXPECT_EQ(run(all_of(std::move(pipeline))).size(), 20U);
  EXPECT_LT(meter.bytes(), most_stack);
}

TEST_P(AsyncGeneratorTest, ManyItemsWithoutAWaitLetOthersRun) {
  run([]() -> Task<void> {
    std::atomic<bool> other_ran = false;
    auto other = [&]() -> Task<void> {
      other_ran = true;
      co_return;
    };
    auto handle = spawn(other);
    auto generator = numbers(0, 1'000'000'000);
    while (auto item = co_await generator.next()) {
      if (other_ran) break;
      if (*item > 100'000'000) ADD_FAILURE() << "nobody else had a turn";
      if (*item > 100'000'000) break;
    }
    co_await std::move(handle);
  });
}

}  // namespace
}  // namespace weft::test::async_generator_test
