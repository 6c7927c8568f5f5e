// broadcast: every receiver gets every value, in order; a slow receiver learns of its loss; end and
// cancel.
#include <weft/broadcast.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/on_complete.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::broadcast_test {
namespace {

using namespace std::chrono_literals;

class BroadcastTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(BroadcastTest);

using Ints = std::vector<int>;

/// Returns all values up to the end. Missed values are counted.
Task<Ints> receive_all(BroadcastReceiver<int> receiver, std::uint64_t& missed) {
  Ints all;
  while (auto item = co_await receiver.receive()) {
    if (*item) {
      all.push_back(**item);
    } else {
      missed += item->error().count;
    }
  }
  co_return all;
}

TEST(Broadcast, EveryoneGetsWhatIsSentAfterItSubscribed) {
  auto [sender, first] = broadcast<int>(4);
  EXPECT_EQ(sender.send(1), 1U);
  auto second = sender.subscribe();
  EXPECT_EQ(sender.send(2), 2U);
  auto copy = first;  // gets the values that `first` has not got yet
  EXPECT_EQ(sender.receivers(), 3U);
  for (auto* receiver : {&first, &copy}) {
    EXPECT_EQ(**receiver->try_receive(), 1);
    EXPECT_EQ(**receiver->try_receive(), 2);
    EXPECT_EQ(receiver->try_receive().error(), TryReceive::empty);
  }
  EXPECT_EQ(**second.try_receive(), 2);
  EXPECT_EQ(second.try_receive().error(), TryReceive::empty);
}

TEST(Broadcast, WhoIsTooSlowIsToldAndGoesOnWithTheOldest) {
  for (const std::size_t capacity : {1U, 3U}) {
    auto [sender, receiver] = broadcast<int>(capacity);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(sender.send(i), 1U);
    const auto lagged = receiver.try_receive();
    ASSERT_TRUE(lagged && !*lagged);
    EXPECT_EQ(lagged->error(), Lagged{10 - capacity});
    for (std::size_t i = 10 - capacity; i < 10; ++i) {
      EXPECT_EQ(**receiver.try_receive(), static_cast<int>(i));
    }
    EXPECT_EQ(receiver.try_receive().error(), TryReceive::empty);
  }
}

TEST(Broadcast, TheEnd) {
  auto [sender, receiver] = broadcast<int>(4);
  EXPECT_EQ(sender.send(1), 1U);
  {
    const auto copy = sender;
    const auto gone = std::move(sender);
    EXPECT_FALSE(receiver.closed());
  }
  EXPECT_TRUE(receiver.closed());
  EXPECT_EQ(**receiver.try_receive(), 1) << "what is kept can still be received";
  EXPECT_EQ(receiver.try_receive().error(), TryReceive::closed);
  EXPECT_FALSE(receiver.blocking_receive());
}

TEST(Broadcast, WithoutReceiversAndAfterCloseValuesAreDestroyed) {
  auto value = std::make_shared<int>(1);
  auto [sender, receiver] = broadcast<std::shared_ptr<int>>(2);
  {
    const auto gone = std::move(receiver);
  }
  EXPECT_EQ(sender.send(value), 0U);
  EXPECT_EQ(value.use_count(), 1);
  auto next = sender.subscribe();
  EXPECT_EQ(sender.send(value), 1U);
  EXPECT_EQ(value.use_count(), 2);
  sender.close();
  EXPECT_EQ(sender.send(value), 0U);
  EXPECT_EQ(value.use_count(), 2);
  EXPECT_TRUE(next.try_receive());
}

TEST(Broadcast, ValuesGoWhenTheyAreNoLongerKept) {
  auto [sender, receiver] = broadcast<std::shared_ptr<int>>(2);
  auto value = std::make_shared<int>(1);
  sender.send(value);
  sender.send(nullptr);
  EXPECT_EQ(value.use_count(), 2);
  sender.send(nullptr);
  EXPECT_EQ(value.use_count(), 1) << "two are kept";
}

TEST(Broadcast, NoRoomIsRefused) {
  EXPECT_THROW(static_cast<void>(broadcast<int>(0)), std::length_error);
  EXPECT_THROW(static_cast<void>(broadcast<int>(SIZE_MAX)), std::length_error);
}

struct Stubborn {
  explicit Stubborn(bool* fails) : fails_(fails) {}
  Stubborn(const Stubborn& other) : fails_(other.fails_) {
    if (*fails_) throw std::runtime_error("the copy fails");
  }
  bool* fails_;
};

TEST(Broadcast, WhatThrowsChangesNothing) {
  bool fails = false;
  auto [sender, receiver] = broadcast<Stubborn>(1);
  sender.send(Stubborn(&fails));
  fails = true;
  EXPECT_THROW(static_cast<void>(receiver.try_receive()), std::runtime_error);
  EXPECT_THROW(sender.send(Stubborn(&fails)), std::runtime_error);
  fails = false;
  EXPECT_TRUE(receiver.try_receive().value()) << "it is still the next one";
  EXPECT_EQ(receiver.try_receive().error(), TryReceive::empty);
  EXPECT_EQ(sender.send(Stubborn(&fails)), 1U);
  EXPECT_TRUE(receiver.try_receive().value());
}

/// Copied only, also where it could be moved. The copy that takes `countdown` to zero throws.
struct Fragile {
  Fragile(int number, int* countdown) : value(number), countdown_(countdown) {}
  Fragile(const Fragile& other) : value(other.value), countdown_(other.countdown_) {
    if (--*countdown_ == 0) throw std::runtime_error("the copy fails");
  }
  int value;

 private:
  int* countdown_;
};

TEST(Broadcast, NoneIsLostWhicheverCopyFails) {
  int failed = 0;
  for (int copy = 1; copy < 10; ++copy) {
    int countdown = 0;
    auto [sender, receiver] = broadcast<Fragile>(2);
    sender.send(Fragile(1, &countdown));
    sender.send(Fragile(2, &countdown));
    auto expect_none_lost = [&](auto receive) {
      countdown = copy;
      try {
        static_cast<void>(receive());
      } catch (const std::runtime_error&) {
        ++failed;
        EXPECT_EQ(receive().value()->value, 1);
      }
    };
    auto tries = receiver;
    expect_none_lost([&] { return tries.try_receive(); });
    auto waits = receiver;
    expect_none_lost([&] { return waits.blocking_receive(); });
  }
  EXPECT_GE(failed, 4) << "of each kind more than the first copy";
}

TEST_P(BroadcastTest, ManyReceiversGetEverythingInOrder) {
  std::uint64_t missed = 0;
  run([&]() -> Task<void> {
    auto [sender, receiver] = broadcast<int>(1000);
    std::vector<JoinHandle<Ints>> receiving;
    for (int i = 0; i < 8; ++i) {
      receiving.push_back(spawn(receive_all, sender.subscribe(), std::ref(missed)));
    }
    {
      const auto gone = std::move(receiver);
    }
    auto sending = spawn([to = std::move(sender)]() -> Task<void> {
      for (int i = 0; i < 1000; ++i) {
        to.send(i);
        if (i % 50 == 0) co_await yield_now();
      }
    });
    Ints expected(1000);
    std::iota(expected.begin(), expected.end(), 0);
    for (auto& handle : receiving) {
      const Ints all = co_await std::move(handle);
      EXPECT_EQ(all, expected);
    }
    co_await std::move(sending);
  });
  EXPECT_EQ(missed, 0U);
}

TEST_P(BroadcastTest, WhatIsMissedIsCounted) {
  std::uint64_t missed = 0;
  run([&]() -> Task<void> {
    auto [sender, receiver] = broadcast<int>(2);
    auto receiving = spawn(receive_all, std::move(receiver), std::ref(missed));
    auto sending = [to = std::move(sender)]() -> Task<void> {
      for (int i = 0; i < 3000; ++i) {
        EXPECT_EQ(to.send(i), 1U);
        if (i % 5 == 0) co_await yield_now();
      }
    };
    auto handle = spawn(std::move(sending));
    const Ints all = co_await std::move(receiving);
    co_await std::move(handle);
    EXPECT_EQ(all.size() + missed, 3000U);
    EXPECT_EQ(all.back(), 2999);
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  });
}

TEST_P(BroadcastTest, ALostSelectLosesNothing) {
  run([]() -> Task<void> {
    auto [sender, receiver] = broadcast<int>(500);
    auto sending = spawn([to = std::move(sender)]() -> Task<void> {
      for (int i = 0; i < 300; ++i) {
        to.send(i);
        co_await yield_now();
      }
    });
    int next = 0;
    for (;;) {
      auto got = co_await select(receiver.receive(), yield_now());
      if (!got.has<0>()) continue;
      auto item = got.take<0>();
      if (!item) break;
      EXPECT_EQ(**item, next++);
    }
    EXPECT_EQ(next, 300);
    co_await std::move(sending);
  });
}

TEST_P(BroadcastTest, FromFibersCallbacksAndThreads) {
  auto [sender, receiver] = broadcast<int>(4);
  auto of_thread = sender.subscribe();
  std::thread thread([&of_thread] {
    EXPECT_EQ(**of_thread.blocking_receive(), 1);
    EXPECT_FALSE(of_thread.blocking_receive());
  });
  run([&to = sender, &from = receiver]() -> Task<void> {
    EXPECT_THROW(static_cast<void>(from.blocking_receive()), std::logic_error);
    auto other = to.subscribe();
    auto fiber = spawn(weft::fiber([&] { return **await(from.receive()); }));
    auto called =
        on_complete(other.receive(), [](std::optional<BroadcastItem<int>> item) { return **item; });
    co_await until([&] { return to.waiting() >= 2; });
    to.send(1);
    const int one = co_await std::move(fiber);
    const int two = co_await std::move(called);
    EXPECT_EQ(one + two, 2);
    to.close();
  });
  thread.join();
}

TEST_P(BroadcastTest, OperationsTakeNoMemory) {
  run([]() -> Task<void> {
    auto [sender, receiver] = broadcast<int>(4);
    const std::int64_t blocks = frame_pool_stats().live_blocks;
    for (int i = 0; i < 1000; ++i) {
      sender.send(i);
      const auto item = co_await receiver.receive();
      EXPECT_EQ(**item, i);
      EXPECT_LE(frame_pool_stats().live_blocks, blocks);
    }
  });
}

}  // namespace
}  // namespace weft::test::broadcast_test
