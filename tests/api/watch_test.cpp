// watch: the newest value, changes that are seen once, borrowed values, the end and cancel.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/on_complete.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/watch.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::watch_test {
namespace {

using namespace std::chrono_literals;

class WatchTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(WatchTest);

TEST(Watch, TheNewestValueAndWhetherItIsNew) {
  auto [sender, receiver] = watch(std::string("a"));
  EXPECT_EQ(*receiver.borrow(), "a");
  EXPECT_FALSE(receiver.has_changed()) << "the first value was seen";
  sender.send("b");
  sender.send("c");
  auto copy = receiver;
  auto later = sender.subscribe();
  EXPECT_TRUE(receiver.has_changed());
  EXPECT_FALSE(later.has_changed());
  EXPECT_EQ(*receiver.borrow(), "c");
  EXPECT_FALSE(receiver.has_changed());
  EXPECT_EQ(*copy.blocking_changed().value(), "c");
  EXPECT_FALSE(copy.has_changed());
  sender.modify([](std::string& value) { value += "d"; });
  EXPECT_EQ(*copy.borrow(), "cd");
  EXPECT_EQ(*sender.borrow(), "cd");
  EXPECT_EQ(sender.receivers(), 3U);
}

TEST(Watch, ABorrowedValueDoesNotChangeAndOutlivesAll) {
  auto ends = std::make_unique<Watch<std::string>>(watch(std::string("a")));
  const Borrowed<std::string> first = ends->receiver.borrow();
  const Borrowed<std::string> copy = first;
  ends->sender.send("b");
  Borrowed<std::string> second = ends->sender.borrow();
  ends.reset();
  EXPECT_EQ(*first, "a");
  EXPECT_EQ(&*copy, &*first);
  EXPECT_EQ(second->size(), 1U);
  second = copy;
  EXPECT_EQ(*second, "a");
}

TEST(Watch, TheEnd) {
  auto [sender, receiver] = watch(1);
  sender.send(2);
  {
    const auto copy = sender;
    const auto gone = std::move(sender);
    EXPECT_FALSE(receiver.closed());
  }
  EXPECT_TRUE(receiver.closed());
  EXPECT_EQ(*receiver.blocking_changed().value(), 2) << "the last value first";
  EXPECT_FALSE(receiver.blocking_changed());
  EXPECT_EQ(*receiver.borrow(), 2) << "it stays";
}

TEST(Watch, SendsWithoutReceiversCount) {
  auto [sender, receiver] = watch(1);
  {
    const auto gone = std::move(receiver);
  }
  EXPECT_EQ(sender.receivers(), 0U);
  sender.send(2);
  auto next = sender.subscribe();
  EXPECT_EQ(*next.borrow(), 2);
  sender.send(3);
  EXPECT_TRUE(next.has_changed());
}

TEST(Watch, WhatThrowsChangesNothing) {
  auto [sender, receiver] = watch(1);
  EXPECT_THROW(sender.modify([](int& value) {
    value = 2;
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(*receiver.borrow(), 1);
  const Borrowed<int> held = receiver.borrow();
  set_frame_failure_after(0);
  EXPECT_THROW(sender.send(2), std::bad_alloc);
  set_frame_failure_after(-1);
  EXPECT_FALSE(receiver.has_changed());
  sender.send(3);
  EXPECT_EQ(*receiver.borrow(), 3);
}

TEST(Watch, TwoBlocksAreEnoughWhileNobodyBorrows) {
  const std::int64_t before = frame_pool_stats().live_blocks;
  {
    auto [sender, receiver] = watch(0);
    sender.send(1);
    const std::int64_t blocks = frame_pool_stats().live_blocks;
    set_frame_failure_after(0);
    for (int i = 0; i < 100; ++i) {
      sender.send(i);
      EXPECT_EQ(*receiver.borrow(), i);
    }
    set_frame_failure_after(-1);
    EXPECT_EQ(frame_pool_stats().live_blocks, blocks);
  }
  EXPECT_EQ(frame_pool_stats().live_blocks, before);
}

/// Sends in its destructor, as a helper might to report that it stops.
struct SendsAtItsEnd {
  explicit SendsAtItsEnd(std::function<void()>* function) : at_end(function) {}
  SendsAtItsEnd(SendsAtItsEnd&& other) noexcept : at_end(std::exchange(other.at_end, nullptr)) {}
  SendsAtItsEnd(const SendsAtItsEnd& other) : at_end(other.at_end) {}
  ~SendsAtItsEnd() {
    if (at_end != nullptr && *at_end) std::exchange(*at_end, nullptr)();
  }
  std::function<void()>* at_end;
};

TEST(Watch, AValueMaySendAsItIsDestroyed) {
  std::function<void()> nothing;
  std::function<void()> sends;
  auto [sender, receiver] = watch(SendsAtItsEnd(&sends));
  sends = [&to = sender, &nothing] { to.send(SendsAtItsEnd(&nothing)); };
  sender.send(SendsAtItsEnd(nullptr));
  EXPECT_EQ(receiver.borrow()->at_end, &nothing) << "the last one sent";
  EXPECT_FALSE(sends);
  sender.send(SendsAtItsEnd(&sends));
  sends = [&to = sender, &nothing] { to.send(SendsAtItsEnd(&nothing)); };
  sender.modify([](SendsAtItsEnd& value) { value.at_end = nullptr; });
  EXPECT_EQ(receiver.borrow()->at_end, &nothing);
}

TEST(Watch, MovedValues) {
  auto [sender, receiver] = watch(std::make_unique<int>(1));
  sender.send(std::make_unique<int>(2));
  EXPECT_EQ(**receiver.borrow(), 2);
}

TEST_P(WatchTest, EveryReceiverSeesTheLastValue) {
  run([]() -> Task<void> {
    auto [sender, receiver] = watch(0);
    std::vector<JoinHandle<int>> receiving;
    for (int i = 0; i < 8; ++i) {
      receiving.push_back(spawn([from = receiver]() mutable -> Task<int> {
        int last = 0;
        while (auto now = co_await from.changed()) {
          EXPECT_GT(**now, last);
          last = **now;
        }
        co_return last;
      }));
    }
    auto sending = spawn([to = std::move(sender)]() -> Task<void> {
      for (int i = 1; i <= 500; ++i) {
        to.send(i);
        if (i % 20 == 0) co_await yield_now();
      }
    });
    co_await std::move(sending);
    for (auto& handle : receiving) {
      const int last = co_await std::move(handle);
      EXPECT_EQ(last, 500);
    }
  });
}

TEST_P(WatchTest, NoChangeByModifyIsLost) {
  run([]() -> Task<void> {
    auto [sender, receiver] = watch(0);
    std::vector<JoinHandle<void>> senders;
    for (int i = 0; i < 8; ++i) {
      senders.push_back(spawn([to = sender]() -> Task<void> {
        for (int k = 0; k < 200; ++k) {
          to.modify([](int& value) { ++value; });
          if (k % 10 == 0) co_await yield_now();
        }
      }));
    }
    for (auto& handle : senders) co_await std::move(handle);
    EXPECT_EQ(*receiver.borrow(), 1600);
  });
}

TEST_P(WatchTest, ACancelledWaitHasNotSeenTheChange) {
  run([]() -> Task<void> {
    auto [sender, receiver] = watch(0);
    auto& from = receiver;
    auto timed = co_await select(from.changed(), sleep_for(1ms));
    EXPECT_EQ(timed.index(), 1U);
    EXPECT_EQ(sender.waiting(), 0U);
    for (int i = 1; i <= 200; ++i) {
      auto waiting = spawn([&from]() -> Task<bool> {
        const auto changed = co_await from.changed();
        co_return changed.has_value();
      });
      auto canceller = spawn([&waiting]() -> Task<void> {
        waiting.cancel();
        co_return;
      });
      if (i % 2 == 0) co_await yield_now();
      sender.send(i);
      co_await std::move(canceller);
      const Outcome<bool> outcome = co_await std::move(waiting).outcome();
      EXPECT_EQ(from.has_changed(), outcome.cancelled());
      EXPECT_EQ(*from.borrow(), i);
    }
  });
}

TEST_P(WatchTest, FromFibersCallbacksAndThreads) {
  auto [sender, receiver] = watch(0);
  std::thread thread([from = receiver]() mutable {
    while (from.blocking_changed()) continue;
    EXPECT_EQ(*from.borrow(), 1);
  });
  run([to = std::move(sender), &from = receiver]() mutable -> Task<void> {
    EXPECT_THROW(static_cast<void>(from.blocking_changed()), std::logic_error);
    auto other = from;
    auto fiber = spawn(weft::fiber([&] { return await(from.changed()).value(); }));
    auto called =
        on_complete(other.changed(), [](std::optional<Borrowed<int>> now) { return now.value(); });
    co_await until([&] { return to.waiting() >= 2; });
    to.send(1);
    const auto one = co_await std::move(fiber);
    const auto two = co_await std::move(called);
    EXPECT_EQ(*one + *two, 2);
    const auto gone = std::move(to);
  });
  thread.join();
}

TEST_P(WatchTest, WaitForLooksAtThePresentValueToo) {
  run([]() -> Task<void> {
    auto [sender, receiver] = watch(1);
    auto& from = receiver;
    const auto present = co_await from.wait_for([](int value) { return value == 1; });
    EXPECT_EQ(**present, 1);
    EXPECT_FALSE(from.has_changed());
    auto waits = [&]() -> Task<int> {
      const auto value = co_await from.wait_for([](int each) { return each > 10; });
      co_return value ? **value : -1;
    };
    auto waiting = spawn(waits);
    co_await until([&to = sender] { return to.waiting() == 1; });
    sender.send(5);
    co_await until([&, &to = sender] { return !from.has_changed() && to.waiting() == 1; });
    sender.send(20);
    const int accepted = co_await std::move(waiting);
    EXPECT_EQ(accepted, 20);
    auto again = spawn(waits);
    const int still = co_await std::move(again);
    EXPECT_EQ(still, 20) << "the value was seen, and counts all the same";
  });
}

TEST_P(WatchTest, WaitForEndsWithTheLastSender) {
  run([]() -> Task<void> {
    auto ends = std::make_unique<Watch<int>>(watch(1));
    WatchReceiver<int> receiver = ends->receiver;
    auto waits = [&]() -> Task<bool> {
      const auto value = co_await receiver.wait_for([](int each) { return each == 3; });
      co_return value.has_value();
    };
    auto waiting = spawn(waits);
    co_await until([&] { return ends->sender.waiting() == 1; });
    ends->sender.send(2);
    ends.reset();
    const bool found = co_await std::move(waiting);
    EXPECT_FALSE(found);
    auto [sender, late] = watch(1);
    sender.send(3);
    auto& last = late;
    {
      const auto gone = std::move(sender);
    }
    const auto value = co_await last.wait_for([](int each) { return each == 3; });
    EXPECT_TRUE(value.has_value()) << "the last value is looked at";
  });
}

}  // namespace
}  // namespace weft::test::watch_test
