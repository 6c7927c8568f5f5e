// CancellationSource, CancellationToken, run_until_cancelled(): trees of them, bridges to
// std::stop_token, and races of cancels with everything else.
#include <weft/cancellation_token.hpp>
#include <weft/channel.hpp>
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::cancellation_token_test {
namespace {

using namespace std::chrono_literals;

class CancellationTokenTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(CancellationTokenTest);

TEST(CancellationToken, IsCancelledForGood) {
  const CancellationSource source;
  const CancellationToken token = source.token();
  EXPECT_FALSE(token.is_cancelled());
  source.cancel();
  source.cancel();
  EXPECT_TRUE(token.is_cancelled());
  EXPECT_TRUE(source.is_cancelled());
  EXPECT_TRUE(source.token().is_cancelled());
}

TEST(CancellationToken, ChildrenAreCancelledWithTheirParent) {
  const CancellationSource root;
  const CancellationSource left(root.token());
  const CancellationSource right(root.token());
  const CancellationSource leaf(left.token());
  left.cancel();
  EXPECT_TRUE(leaf.is_cancelled());
  EXPECT_FALSE(right.is_cancelled());
  EXPECT_FALSE(root.is_cancelled());
  root.cancel();
  EXPECT_TRUE(right.is_cancelled());
  const CancellationSource late(root.token());
  EXPECT_TRUE(late.is_cancelled());
}

TEST(CancellationToken, ADeepTreeTakesNoStack) {
  const CancellationSource root;
  std::optional<CancellationSource> leaf(root);
  for (int i = 0; i < 200'000; ++i) leaf.emplace(CancellationSource(leaf->token()));
  root.cancel();
  EXPECT_TRUE(leaf->is_cancelled());
  leaf.reset();  // the whole chain goes
  EXPECT_TRUE(root.is_cancelled());
}

TEST(CancellationToken, BridgesToAStopToken) {
  const CancellationSource source;
  const std::stop_token stop = source.token().stop_token();
  int calls = 0;
  const std::stop_callback callback(stop, [&] { ++calls; });
  EXPECT_EQ(stop, source.token().stop_token());
  EXPECT_FALSE(stop.stop_requested());
  source.cancel();
  EXPECT_TRUE(stop.stop_requested());
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(source.token().stop_token().stop_requested());
  const CancellationSource cancelled_before;
  cancelled_before.cancel();
  EXPECT_TRUE(cancelled_before.token().stop_token().stop_requested());
}

TEST(CancellationToken, FollowsAStopToken) {
  std::stop_source stop;
  const CancellationSource source(stop.get_token());
  const CancellationSource child(source.token());
  EXPECT_FALSE(source.is_cancelled());
  stop.request_stop();
  EXPECT_TRUE(source.is_cancelled());
  EXPECT_TRUE(child.is_cancelled());
  const CancellationSource late(stop.get_token());
  EXPECT_TRUE(late.is_cancelled());
  {
    const CancellationSource gone((std::stop_source().get_token()));
  }
}

/// The request to stop drops the last reference of what it cancels.
TEST(CancellationToken, MayGoWithinItsOwnCancel) {
  std::stop_source stop;
  std::optional<CancellationSource> source(std::in_place, stop.get_token());
  const std::stop_token token = source->token().stop_token();
  const std::stop_callback callback(token, [&] { source.reset(); });
  stop.request_stop();
  EXPECT_FALSE(source.has_value());
  EXPECT_TRUE(token.stop_requested());
}

TEST_P(CancellationTokenTest, EndsTheWaitsForIt) {
  run([]() -> Task<void> {
    const CancellationSource source;
    const CancellationSource child(source.token());
    std::vector<JoinHandle<void>> waits;
    for (const CancellationSource* each : {&source, &child, &child}) {
      waits.push_back(
          spawn([token = each->token()]() -> Task<void> { co_await token.cancelled(); }));
    }
    co_await yield_now();
    std::thread thread([&] { source.cancel(); });
    for (JoinHandle<void>& wait : waits) co_await std::move(wait);
    thread.join();
    co_await source.token().cancelled();  // at once
    auto in_fiber = [&] { await(child.token().cancelled()); };
    co_await fiber(std::ref(in_fiber));
  });
}

TEST_P(CancellationTokenTest, AWaitThatIsCancelledLeavesTheToken) {
  run([]() -> Task<void> {
    const CancellationSource source;
    auto wait = spawn([token = source.token()]() -> Task<void> { co_await token.cancelled(); });
    co_await yield_now();
    wait.cancel();
    const Outcome<void> end = co_await std::move(wait).outcome();
    EXPECT_TRUE(end.cancelled());
    EXPECT_FALSE(source.is_cancelled());
  });
}

TEST_P(CancellationTokenTest, RunUntilCancelledGivesTheResultOrNothing) {
  run([]() -> Task<void> {
    const CancellationSource source;
    auto answer = []() -> Task<int> { co_return 42; };
    const auto value = co_await run_until_cancelled(source.token(), answer());
    EXPECT_EQ(value, 42);
    const auto nothing = co_await run_until_cancelled(source.token(), yield_now());
    EXPECT_TRUE(nothing.has_value());
    std::string what;
    auto broken = []() -> Task<int> {
      co_await yield_now();
      throw std::runtime_error("broken");
    };
    try {
      (void)co_await run_until_cancelled(source.token(), broken());
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "broken");
    auto endless = spawn([&]() -> Task<bool> {
      const auto end = co_await run_until_cancelled(source.token(), sleep_for(1h));
      co_return end.has_value();
    });
    co_await yield_now();
    source.cancel();
    const bool ended = co_await std::move(endless);
    EXPECT_FALSE(ended);
    bool begun = false;
    auto late = [&]() -> Task<void> {
      begun = true;
      co_return;
    };
    const auto none = co_await run_until_cancelled(source.token(), late());
    EXPECT_FALSE(none.has_value());
    EXPECT_FALSE(begun);
  });
}

TEST_P(CancellationTokenTest, NoValueIsLostToAToken) {
  run([]() -> Task<void> {
    constexpr int count = 300;
    auto [sender, receiver] = channel<int>(0);
    std::vector<int> seen(count);
    std::atomic<int> total = 0;
    auto sending = spawn([out = sender]() -> Task<void> {
      for (int i = 0; i < count; ++i) {
        const auto sent = co_await out.send(i);
        EXPECT_TRUE(sent.has_value());
      }
    });
    while (total < count) {
      const CancellationSource source;
      auto cancelling = spawn([copy = source]() -> Task<void> {
        co_await yield_now();
        copy.cancel();
      });
      const auto value = co_await run_until_cancelled(source.token(), receiver.receive());
      if (value.has_value() && value->has_value()) {
        ++seen.at(static_cast<std::size_t>(**value));
        ++total;
      }
      co_await std::move(cancelling);
    }
    co_await std::move(sending);
    EXPECT_EQ(seen, std::vector<int>(count, 1));
  });
}

TEST_P(CancellationTokenTest, ACancelOfTheTaskReachesTheWork) {
  run([]() -> Task<void> {
    const CancellationSource source;
    Log log;
    auto task = spawn([&, token = source.token()]() -> Task<void> {
      const Logged outer(log, "task");
      auto work = [&]() -> Task<void> {
        const Logged inner(log, "work");
        co_await sleep_for(1h);
      };
      (void)co_await run_until_cancelled(token, work());
    });
    co_await yield_now();
    task.cancel();
    const Outcome<void> end = co_await std::move(task).outcome();
    EXPECT_TRUE(end.cancelled());
    EXPECT_EQ(log.words(), (std::vector<std::string>{"work", "task"}));
  });
}

/// Trees that grow and go while they are cancelled, from threads.
TEST(CancellationToken, CancelsMeetGrowingTrees) {
  for (int round = 0; round < 200; ++round) {
    const CancellationSource root;
    std::atomic<int> ready = 0;
    auto grow = [&] {
      ++ready;
      std::vector<CancellationSource> sources{root};
      for (int i = 0; i < 30; ++i) {
        sources.push_back(CancellationSource(sources[static_cast<std::size_t>(i) / 2].token()));
        if (i % 5 == 4) sources[static_cast<std::size_t>(i) / 3] = CancellationSource(root.token());
      }
      for (;;) {
        bool all = true;
        for (const CancellationSource& each : sources) all = all && each.is_cancelled();
        if (all) return;
        std::this_thread::yield();
      }
    };
    std::thread first(grow);
    std::thread second(grow);
    while (ready != 2) std::this_thread::yield();
    std::thread stop([&] { root.cancel(); });
    stop.join();
    first.join();
    second.join();
  }
}

TEST(CancellationToken, AThreadWaits) {
  const CancellationSource source;
  std::thread thread([token = source.token()] { token.blocking_wait(); });
  source.cancel();
  thread.join();
}

}  // namespace
}  // namespace weft::test::cancellation_token_test
