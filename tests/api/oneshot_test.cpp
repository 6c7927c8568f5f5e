// oneshot: one value, its return, the loss of either end, cancel, and the contexts of use.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/on_complete.hpp>
#include <weft/oneshot.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::oneshot_test {
namespace {

using namespace std::chrono_literals;

class OneshotTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(OneshotTest);

using Ptr = std::unique_ptr<int>;

TEST(Oneshot, OneAllocation) {
  const std::int64_t before = frame_pool_stats().live_blocks;
  {
    auto [sender, receiver] = oneshot<Ptr>();
    EXPECT_EQ(frame_pool_stats().live_blocks, before + 1);
    EXPECT_EQ(receiver.try_receive().error(), TryReceive::empty);
    EXPECT_TRUE(std::move(sender).send(std::make_unique<int>(1)));
    EXPECT_FALSE(sender);
    EXPECT_EQ(frame_pool_stats().live_blocks, before + 1);
    EXPECT_EQ(**receiver.try_receive(), 1);
    EXPECT_EQ(receiver.try_receive().error(), TryReceive::closed) << "there was one";
  }
  EXPECT_EQ(frame_pool_stats().live_blocks, before);
}

TEST(Oneshot, TheValueComesBackIfNobodyReceives) {
  auto [sender, receiver] = oneshot<Ptr>();
  EXPECT_FALSE(sender.closed());
  {
    const auto gone = std::move(receiver);
  }
  EXPECT_TRUE(sender.closed());
  const auto result = std::move(sender).send(std::make_unique<int>(5));
  ASSERT_FALSE(result);
  EXPECT_EQ(*result.error(), 5);
}

TEST(Oneshot, ACloseKeepsWhatWasSentBefore) {
  auto early = oneshot<int>();
  EXPECT_TRUE(std::move(early.sender).send(1));
  early.receiver.close();
  EXPECT_EQ(early.receiver.try_receive(), 1);
  auto late = oneshot<int>();
  late.receiver.close();
  EXPECT_EQ(std::move(late.sender).send(1).error(), 1);
  EXPECT_EQ(late.receiver.try_receive().error(), TryReceive::closed);
}

TEST(Oneshot, AnUnreceivedValueIsDestroyedOnce) {
  auto value = std::make_shared<int>(1);
  {
    auto [sender, receiver] = oneshot<std::shared_ptr<int>>();
    EXPECT_TRUE(std::move(sender).send(value));
    EXPECT_EQ(value.use_count(), 2);
  }
  EXPECT_EQ(value.use_count(), 1);
}

struct Stubborn {
  Stubborn() = default;
  Stubborn(Stubborn&& other) : fails(other.fails) {
    if (fails) throw std::runtime_error("the move fails");
  }
  bool fails = false;
};

TEST(Oneshot, AMoveThatThrowsSendsNothing) {
  auto [sender, receiver] = oneshot<Stubborn>();
  Stubborn value;
  value.fails = true;
  EXPECT_THROW(static_cast<void>(std::move(sender).send(std::move(value))), std::runtime_error);
  EXPECT_TRUE(sender);
  EXPECT_EQ(receiver.try_receive().error(), TryReceive::empty);
  EXPECT_TRUE(std::move(sender).send(Stubborn()));
  EXPECT_TRUE(receiver.try_receive());
}

TEST_P(OneshotTest, AwaitedBeforeAndAfterItIsSent) {
  run([]() -> Task<void> {
    auto [sender, receiver] = oneshot<Ptr>();
    auto later = spawn([to = std::move(sender)]() mutable -> Task<void> {
      co_await yield_now();
      const auto sent = std::move(to).send(std::make_unique<int>(1));
      EXPECT_TRUE(sent);
    });
    const auto first = co_await receiver;
    EXPECT_EQ(**first, 1);
    const auto again = co_await receiver;
    EXPECT_FALSE(again) << "it is given once";
    co_await std::move(later);

    auto ready = oneshot<int>();
    EXPECT_TRUE(std::move(ready.sender).send(2));
    const auto second = co_await std::move(ready.receiver);
    EXPECT_EQ(second, 2);
  });
}

TEST_P(OneshotTest, ADroppedSenderEndsTheWait) {
  run([]() -> Task<void> {
    auto [sender, receiver] = oneshot<int>();
    auto dropper = spawn([to = std::move(sender)]() mutable -> Task<void> {
      co_await yield_now();
      const auto gone = std::move(to);
    });
    const auto none = co_await receiver;
    EXPECT_FALSE(none);
    co_await std::move(dropper);
  });
}

TEST_P(OneshotTest, ACancelledWaitLeavesTheValue) {
  run([]() -> Task<void> {
    auto [sender, receiver] = oneshot<int>();
    auto timed = co_await select(receiver.receive(), sleep_for(1ms));
    EXPECT_EQ(timed.index(), 1U);
    EXPECT_TRUE(std::move(sender).send(3));
    const auto value = co_await timeout(receiver.receive(), 1min);
    EXPECT_EQ(value, 3);
  });
}

TEST_P(OneshotTest, ACancelOfTheTaskThatOwnsItClosesIt) {
  run([]() -> Task<void> {
    auto [sender, receiver] = oneshot<int>();
    auto waiting = spawn(std::move(receiver));
    co_await yield_now();
    waiting.cancel();
    const auto outcome = co_await std::move(waiting).outcome();
    EXPECT_TRUE(outcome.cancelled());
    const auto result = std::move(sender).send(1);
    EXPECT_FALSE(result);
  });
}

TEST_P(OneshotTest, FromFibersCallbacksAndThreads) {
  auto to_thread = oneshot<int>();
  auto from_thread = oneshot<int>();
  std::thread thread(
      [from = std::move(to_thread.receiver), to = std::move(from_thread.sender)]() mutable {
        const auto value = from.blocking_receive();
        EXPECT_TRUE(std::move(to).send(*value + 1));
      });
  run([&]() -> Task<void> {
    auto [sender, receiver] = oneshot<int>();
    auto sending = spawn(fiber([&, to = std::move(sender)]() mutable {
      EXPECT_TRUE(std::move(to_thread.sender).send(1));
      const auto value = await(from_thread.receiver);
      EXPECT_TRUE(std::move(to).send(*value + 1));
    }));
    auto called =
        on_complete(std::move(receiver), [](std::optional<int> value) { return *value + 1; });
    const int result = co_await std::move(called);
    EXPECT_EQ(result, 4);
    co_await std::move(sending);
    auto [quiet_sender, quiet] = oneshot<int>();
    EXPECT_THROW(static_cast<void>(quiet.blocking_receive()), std::logic_error);
  });
  thread.join();
}

TEST_P(OneshotTest, NothingIsLostUnderCancels) {
  run([]() -> Task<void> {
    for (int round = 0; round < 300; ++round) {
      auto [sender, receiver] = oneshot<Ptr>();
      auto& from = receiver;
      auto waiting = spawn([&from]() -> Task<Ptr> {
        auto value = co_await from;
        co_return std::move(*value);
      });
      auto canceller = spawn([&waiting]() -> Task<void> {
        waiting.cancel();
        co_return;
      });
      if (round % 2 == 0) co_await yield_now();
      const auto sent = std::move(sender).send(std::make_unique<int>(round));
      EXPECT_TRUE(sent);
      co_await std::move(canceller);
      Outcome<Ptr> outcome = co_await std::move(waiting).outcome();
      const Ptr value = outcome.has_value() ? outcome.take() : *receiver.try_receive();
      EXPECT_EQ(*value, round);
    }
  });
}

}  // namespace
}  // namespace weft::test::oneshot_test
