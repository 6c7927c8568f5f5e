// Channels: order, capacity, the end on either side, handles, and the contexts of use.
#include <weft/channel.hpp>
#include <weft/fiber.hpp>
#include <weft/on_complete.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::channel_test {
namespace {

using namespace std::chrono_literals;

class ChannelTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(ChannelTest);

using Ints = std::vector<int>;

Ints numbers(int count) {
  Ints all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

Task<void> send_numbers(Sender<int> sender, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const auto sent = co_await sender.send(i);
    EXPECT_TRUE(sent);
  }
}

Task<Ints> receive_all(Receiver<int> receiver) {
  Ints all;
  while (auto value = co_await receiver.receive()) all.push_back(*value);
  co_return all;
}

/// Starts a send that has to wait, and returns when it waits.
Task<JoinHandle<SendResult<int>>> queue_send(const Sender<int>& sender, int value) {
  const std::size_t before = sender.waiting();
  auto handle = spawn([&sender, value]() -> Task<SendResult<int>> {
    auto sent = co_await sender.send(value);
    co_return sent;
  });
  co_await until([&] { return sender.waiting() == before + 1; });
  co_return handle;
}
Task<JoinHandle<std::optional<int>>> queue_receive(const Receiver<int>& receiver) {
  const std::size_t before = receiver.waiting();
  auto handle = spawn([&receiver]() -> Task<std::optional<int>> {
    auto value = co_await receiver.receive();
    co_return value;
  });
  co_await until([&] { return receiver.waiting() == before + 1; });
  co_return handle;
}

TEST(Channel, WithoutARuntime) {
  auto [sender, receiver] = channel<int>(2);
  EXPECT_EQ(sender.capacity(), 2U);
  EXPECT_EQ(receiver.try_receive().error(), TryReceive::empty);
  EXPECT_EQ(sender.try_send(1), TrySend::sent);
  EXPECT_EQ(sender.try_send(2), TrySend::sent);
  EXPECT_EQ(sender.try_send(3), TrySend::full);
  EXPECT_EQ(receiver.size(), 2U);
  EXPECT_EQ(receiver.try_receive(), 1);
  EXPECT_EQ(sender.try_send(3), TrySend::sent);
  sender.close();
  EXPECT_TRUE(receiver.closed());
  EXPECT_EQ(sender.try_send(4), TrySend::closed);
  EXPECT_EQ(receiver.try_receive(), 2);
  EXPECT_EQ(receiver.blocking_receive(), 3);
  EXPECT_EQ(receiver.try_receive().error(), TryReceive::closed);
  EXPECT_EQ(receiver.blocking_receive(), std::nullopt);
}

TEST(Channel, TooLargeACapacityIsRefused) {
  EXPECT_THROW(static_cast<void>(channel<int>(SIZE_MAX)), std::length_error);
}

TEST(Channel, HandlesAreCounted) {
  auto [sender, receiver] = channel<int>(4);
  {
    const Sender<int> copy = sender;
    const Sender<int> gone = std::move(sender);
    EXPECT_FALSE(receiver.closed());
  }
  EXPECT_TRUE(receiver.closed()) << "with the last of them";
  auto other = channel<int>(4);
  {
    const Receiver<int> copy = other.receiver;
    const Receiver<int> gone = std::move(other.receiver);
    EXPECT_FALSE(other.sender.closed());
  }
  EXPECT_EQ(other.sender.try_send(1), TrySend::closed);
}

TEST(Channel, AnUnboundedOneGrowsAndKeepsTheOrder) {
  auto [sender, receiver] = unbounded_channel<int>();
  EXPECT_EQ(sender.capacity(), SIZE_MAX);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(sender.try_send(std::move(i)), TrySend::sent);
    EXPECT_EQ(receiver.size(), 5000U);
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(receiver.try_receive(), i);
  }
}

TEST_P(ChannelTest, ValuesComeInOrderWhateverTheCapacity) {
  for (const std::size_t capacity : {0U, 1U, 3U, 64U, 5000U}) {
    const Ints received = run([&]() -> Task<Ints> {
      auto [sender, receiver] = channel<int>(capacity);
      auto sending = spawn(send_numbers, std::move(sender), 0, 3000);
      Ints all = co_await receive_all(std::move(receiver));
      co_await std::move(sending);
      co_return all;
    });
    EXPECT_EQ(received, numbers(3000)) << "capacity " << capacity;
  }
}

TEST_P(ChannelTest, AnUnboundedSendNeverWaits) {
  run([]() -> Task<void> {
    auto [sender, receiver] = unbounded_channel<int>();
    co_await send_numbers(std::move(sender), 0, 3000);
    const Ints all = co_await receive_all(std::move(receiver));
    EXPECT_EQ(all, numbers(3000));
  });
}

TEST_P(ChannelTest, WhoWaitsToReceiveIsServedInOrder) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(4);
    std::vector<JoinHandle<std::optional<int>>> waiting;
    for (int i = 0; i < 10; ++i) {
      auto handle = co_await queue_receive(receiver);
      waiting.push_back(std::move(handle));
    }
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(sender.try_send(std::move(i)), TrySend::sent);
      EXPECT_EQ(sender.size(), 0U) << "handed over directly";
    }
    for (int i = 0; i < 10; ++i) {
      const auto value = co_await std::move(waiting[static_cast<std::size_t>(i)]);
      EXPECT_EQ(value, i);
    }
  });
}

TEST_P(ChannelTest, AFreedPlaceGoesToWhoWaitedLongest) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(2);
    co_await send_numbers(sender, 0, 2);
    std::vector<JoinHandle<SendResult<int>>> waiting;
    for (int i = 2; i < 8; ++i) {
      auto handle = co_await queue_send(sender, i);
      waiting.push_back(std::move(handle));
    }
    for (int i = 0; i < 6; ++i) {
      EXPECT_EQ(receiver.try_receive(), i);
      EXPECT_EQ(sender.try_send(99), TrySend::full) << "nobody passes";
      EXPECT_EQ(receiver.size(), 2U);
      const auto sent = co_await std::move(waiting[static_cast<std::size_t>(i)]);
      EXPECT_TRUE(sent);
    }
    EXPECT_EQ(receiver.try_receive(), 6);
    EXPECT_EQ(receiver.try_receive(), 7);
  });
}

TEST_P(ChannelTest, ARendezvousEndsWhenTheValueIsTaken) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(0);
    EXPECT_EQ(sender.try_send(1), TrySend::full);
    auto first = co_await queue_send(sender, 1);
    auto second = co_await queue_send(sender, 2);
    EXPECT_FALSE(first.ended());
    EXPECT_EQ(receiver.try_receive(), 1);
    const auto sent = co_await std::move(first);
    EXPECT_TRUE(sent);
    const auto value = co_await receiver.receive();
    EXPECT_EQ(value, 2);
    co_await std::move(second);
    auto receiving = co_await queue_receive(receiver);
    EXPECT_EQ(sender.try_send(3), TrySend::sent);
    const auto third = co_await std::move(receiving);
    EXPECT_EQ(third, 3);
  });
}

// The end

TEST_P(ChannelTest, ReceiversGetWhatIsInsideAndThenTheEnd) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(4);
    co_await send_numbers(std::move(sender), 0, 4);
    EXPECT_TRUE(receiver.closed());
    const Ints all = co_await receive_all(receiver);
    EXPECT_EQ(all, numbers(4));
    const auto none = co_await receiver.receive();
    EXPECT_FALSE(none);
  });
}

TEST_P(ChannelTest, TheLastSenderEndsTheWaitsOfReceivers) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(4);
    auto first = co_await queue_receive(receiver);
    auto second = co_await queue_receive(receiver);
    {
      const auto gone = std::move(sender);
    }
    const auto one = co_await std::move(first);
    const auto two = co_await std::move(second);
    EXPECT_FALSE(one || two);
  });
}

TEST_P(ChannelTest, ACloseGivesWaitingSendersTheirValuesBack) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(1);
    co_await send_numbers(sender, 0, 1);
    auto first = co_await queue_send(sender, 1);
    auto second = co_await queue_send(sender, 2);
    receiver.close();
    const auto one = co_await std::move(first);
    const auto two = co_await std::move(second);
    EXPECT_EQ(one.error(), 1);
    EXPECT_EQ(two.error(), 2);
    const auto late = co_await sender.send(3);
    EXPECT_EQ(late.error(), 3);
    EXPECT_EQ(receiver.try_receive(), 0) << "what is inside can still be received";
    EXPECT_EQ(receiver.try_receive().error(), TryReceive::closed);
  });
}

TEST_P(ChannelTest, TheLastReceiverEndsTheWaitsOfSendersAndWhatIsInside) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<std::shared_ptr<int>>(1);
    auto value = std::make_shared<int>(1);
    EXPECT_EQ(sender.try_send(std::shared_ptr<int>(value)), TrySend::sent);
    auto waiting = spawn([&]() -> Task<bool> {
      auto sent = co_await sender.send(value);
      co_return !sent && sent.error() == value;
    });
    co_await until([&] { return sender.waiting() == 1; });
    {
      const auto gone = std::move(receiver);
    }
    const bool returned = co_await std::move(waiting);
    EXPECT_TRUE(returned);
    EXPECT_EQ(value.use_count(), 1) << "what was inside has been destroyed";
  });
}

// Contexts of use

TEST_P(ChannelTest, ManySendersAndReceiversGetEachValueOnce) {
  constexpr int each = 1000;
  std::vector<std::atomic<int>> seen(4 * each);
  run([&]() -> Task<void> {
    auto [sender, receiver] = channel<int>(8);
    const Sender<int> to = std::move(sender);
    const Receiver<int> from = std::move(receiver);
    auto body = [&](Scope& s) -> Task<void> {
      for (int i = 0; i < 4; ++i) {
        s.spawn(send_numbers, to, i * each, each);
        s.spawn([&]() -> Task<void> {
          int last[4] = {-1, -1, -1, -1};
          for (int k = 0; k < each; ++k) {
            const auto value = co_await from.receive();
            int& before = last[*value / each];
            EXPECT_LT(before, *value) << "one sender's values come in order";
            before = *value;
            ++seen[static_cast<std::size_t>(*value)];
          }
        });
      }
      co_return;
    };
    co_await scope(body);
    EXPECT_EQ(from.size(), 0U);
  });
  for (const auto& times : seen) EXPECT_EQ(times, 1);
}

TEST_P(ChannelTest, BetweenFibers) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(2);
    auto sending = spawn(fiber([to = std::move(sender)] {
      for (int i = 0; i < 500; ++i) EXPECT_TRUE(await(to.send(i)));
    }));
    auto receiving = spawn(fiber([from = std::move(receiver)] {
      Ints all;
      while (auto value = await(from.receive())) all.push_back(*value);
      return all;
    }));
    co_await std::move(sending);
    const Ints all = co_await std::move(receiving);
    EXPECT_EQ(all, numbers(500));
  });
}

TEST_P(ChannelTest, ByCallbacks) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(1);
    auto received =
        on_complete(receiver.receive(), [](std::optional<int> value) { return *value + 1; });
    auto sent =
        on_complete(sender.send(41), [](SendResult<int> result) { return result.has_value(); });
    const bool ok = co_await std::move(sent);
    EXPECT_TRUE(ok);
    const int value = co_await std::move(received);
    EXPECT_EQ(value, 42);
  });
}

TEST_P(ChannelTest, FromAThreadAndBack) {
  auto to_tasks = channel<int>(2);
  auto to_thread = channel<int>(2);
  std::thread thread([to = std::move(to_tasks.sender), from = std::move(to_thread.receiver)] {
    for (int i = 0; i < 500; ++i) {
      EXPECT_TRUE(to.blocking_send(i));
      EXPECT_EQ(from.blocking_receive(), i);
    }
    to.close();
    EXPECT_EQ(from.blocking_receive(), std::nullopt);
  });
  run([&]() -> Task<void> {
    const auto back = std::move(to_thread.sender);
    while (auto value = co_await to_tasks.receiver.receive()) {
      const auto sent = co_await back.send(*value);
      EXPECT_TRUE(sent);
    }
  });
  thread.join();
}

TEST_P(ChannelTest, AThreadThatWaitsToSendGetsItsValueBack) {
  auto [sender, receiver] = channel<std::unique_ptr<int>>(0);
  std::thread thread([&to = sender] {
    auto sent = to.blocking_send(std::make_unique<int>(7));
    ASSERT_FALSE(sent);
    EXPECT_EQ(*sent.error(), 7);
  });
  run([&to = sender, &from = receiver]() -> Task<void> {
    co_await until([&] { return to.waiting() == 1; });
    from.close();
  });
  thread.join();
}

TEST_P(ChannelTest, ABlockingCallOnAWorkerIsRefused) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(1);
    EXPECT_THROW(static_cast<void>(receiver.blocking_receive()), std::logic_error);
    EXPECT_TRUE(sender.blocking_send(1)) << "it need not wait";
    EXPECT_THROW(static_cast<void>(sender.blocking_send(2)), std::logic_error);
    EXPECT_EQ(receiver.blocking_receive(), 1);
    co_return;
  });
}

TEST_P(ChannelTest, AnEndlessLoopLetsOthersRun) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(1);
    std::atomic<bool> stop = false;
    auto other = spawn([&]() -> Task<void> {
      stop = true;
      co_return;
    });
    while (!stop) {
      const auto sent = co_await sender.send(1);
      EXPECT_TRUE(sent);
      const auto value = co_await receiver.receive();
      EXPECT_EQ(value, 1);
    }
    co_await std::move(other);
  });
}

}  // namespace
}  // namespace weft::test::channel_test
