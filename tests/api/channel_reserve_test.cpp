// Channels: places that are kept, many values at once, the wait for the close, weak senders.
#include <weft/channel.hpp>
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::channel_reserve_test {
namespace {

using namespace std::chrono_literals;

class ChannelReserveTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(ChannelReserveTest);

// Places

TEST(ChannelReserve, APlaceIsKeptForOneValue) {
  auto [sender, receiver] = channel<int>(2);
  auto first = sender.try_reserve();
  auto second = sender.try_reserve();
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(sender.capacity(), 2U);
  EXPECT_EQ(sender.size(), 0U);
  EXPECT_EQ(sender.try_reserve().error(), TrySend::full);
  EXPECT_EQ(sender.try_send(9), TrySend::full);
  EXPECT_TRUE(first->send(1).has_value());
  EXPECT_FALSE(*first);
  EXPECT_EQ(receiver.try_receive().value(), 1);
  EXPECT_EQ(sender.try_send(2), TrySend::sent);
  EXPECT_EQ(sender.try_send(3), TrySend::full);
  second->release();
  second->release();  // no effect
  EXPECT_EQ(sender.try_send(3), TrySend::sent);
  EXPECT_EQ(receiver.try_receive().value(), 2);
  EXPECT_EQ(receiver.try_receive().value(), 3);
}

TEST(ChannelReserve, ThePermitKeepsTheChannelOpen) {
  std::optional<SendPermit<int>> permit;
  auto [sender, receiver] = channel<int>(1);
  {
    auto gone = std::move(sender);
    permit.emplace(gone.try_reserve().value());
  }
  EXPECT_EQ(receiver.try_receive().error(), TryReceive::empty);
  EXPECT_TRUE(permit->send(5).has_value());
  EXPECT_EQ(receiver.try_receive().value(), 5);
  EXPECT_EQ(receiver.try_receive().error(), TryReceive::closed);
}

TEST(ChannelReserve, AClosedChannelReturnsTheValue) {
  auto [sender, receiver] = channel<std::unique_ptr<int>>(1);
  auto permit = sender.try_reserve().value();
  receiver.close();
  const auto result = permit.send(std::make_unique<int>(7));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(*result.error(), 7);
  EXPECT_EQ(sender.try_reserve().error(), TrySend::closed);
}

TEST(ChannelReserve, OfARendezvousAndAnUnboundedOne) {
  auto [sender, receiver] = channel<int>(0);
  EXPECT_THROW((void)sender.reserve(), std::logic_error);
  EXPECT_THROW((void)sender.try_reserve(), std::logic_error);
  auto [many, all] = unbounded_channel<int>();
  auto permit = many.try_reserve().value();
  EXPECT_TRUE(permit.send(1).has_value());
  EXPECT_EQ(all.try_receive().value(), 1);
}

TEST_P(ChannelReserveTest, WaitsForAPlaceInOrder) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(1);
    const auto full = co_await sender.send(0);
    EXPECT_TRUE(full.has_value());
    Log log;
    auto keep = [&, &from = sender](std::string name, int value) -> Task<void> {
      auto permit = co_await from.reserve();
      log.add(std::move(name));
      EXPECT_TRUE(permit->send(value).has_value());
    };
    auto first = spawn(std::ref(keep), std::string("first"), 1);
    co_await until([&s = sender] { return s.waiting() == 1; });
    auto sending = spawn([&from = sender]() -> Task<void> { (void)co_await from.send(2); });
    co_await until([&s = sender] { return s.waiting() == 2; });
    auto last = spawn(std::ref(keep), std::string("last"), 3);
    co_await until([&s = sender] { return s.waiting() == 3; });
    EXPECT_EQ(sender.try_send(9), TrySend::full);
    for (int expected = 0; expected <= 3; ++expected) {
      co_await until([&s = sender] { return s.size() == 1; });  // the permit's holder has sent
      const auto value = co_await receiver.receive();
      EXPECT_EQ(value, expected);
    }
    co_await std::move(first);
    co_await std::move(sending);
    co_await std::move(last);
    EXPECT_EQ(log.words(), (std::vector<std::string>{"first", "last"}));
  });
}

TEST_P(ChannelReserveTest, AKeptPlaceBesideWaitingReceiversAndSenders) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(1);
    auto permit = co_await sender.reserve();
    // No place is left, so this one waits; a receiver takes its value directly.
    auto waiting = spawn([&from = sender]() -> Task<bool> {
      auto own = co_await from.reserve();
      co_return own.has_value();
    });
    co_await until([&s = sender] { return s.waiting() == 1; });
    auto sending = spawn([&from = sender]() -> Task<void> { (void)co_await from.send(1); });
    co_await until([&s = sender] { return s.waiting() == 2; });
    const auto direct = co_await receiver.receive();
    EXPECT_EQ(direct, 1);
    co_await std::move(sending);
    auto receiving = spawn([&to = receiver]() -> Task<int> {
      const auto value = co_await to.receive();
      co_return value.value();
    });
    co_await until([&r = receiver] { return r.waiting() == 1; });
    EXPECT_FALSE(waiting.ended());
    EXPECT_EQ(sender.try_send(2), TrySend::sent);  // to the receiver that waits
    const int sent = co_await std::move(receiving);
    EXPECT_EQ(sent, 2);
    auto again = spawn([&to = receiver]() -> Task<int> {
      const auto value = co_await to.receive();
      co_return value.value();
    });
    co_await until([&r = receiver] { return r.waiting() == 1; });
    EXPECT_TRUE(permit->send(3).has_value());  // to the receiver; the place is the other's
    const int kept = co_await std::move(again);
    EXPECT_EQ(kept, 3);
    const bool got = co_await std::move(waiting);
    EXPECT_TRUE(got);
    EXPECT_EQ(sender.try_send(4), TrySend::sent);  // the permit went with its task
  });
}

TEST_P(ChannelReserveTest, ACancelKeepsNoPlace) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(1);
    (void)sender.try_send(1);
    auto waiting = spawn([&from = sender]() -> Task<void> { (void)co_await from.reserve(); });
    co_await until([&s = sender] { return s.waiting() == 1; });
    waiting.cancel();
    const Outcome<void> during = co_await std::move(waiting).outcome();
    EXPECT_TRUE(during.cancelled());
    auto early = spawn([&from = sender]() -> Task<void> { (void)co_await from.reserve(); });
    early.cancel();
    const Outcome<void> before = co_await std::move(early).outcome();
    EXPECT_TRUE(before.cancelled());
    EXPECT_EQ(receiver.try_receive().value(), 1);
    EXPECT_TRUE(sender.try_reserve().has_value());
  });
}

TEST_P(ChannelReserveTest, ACloseEndsTheWaitForAPlace) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(1);
    (void)sender.try_send(1);
    auto waiting = spawn([&from = sender]() -> Task<bool> {
      auto permit = co_await from.reserve();
      co_return permit.has_value();
    });
    co_await until([&s = sender] { return s.waiting() == 1; });
    receiver.close();
    const bool kept = co_await std::move(waiting);
    EXPECT_FALSE(kept);
  });
}

/// A value whose move throws when it is asked to.
class Fragile {
 public:
  explicit Fragile(int& throws_in) : throws_in_(&throws_in) {}
  Fragile(Fragile&& other) : throws_in_(other.throws_in_) {
    if (--*throws_in_ == 0) throw std::runtime_error("broke");
  }
  Fragile& operator=(Fragile&&) = delete;

 private:
  int* throws_in_;
};

TEST(ChannelReserve, AMoveThatThrowsLeavesThePlaceKept) {
  int throws_in = 0;
  auto [sender, receiver] = channel<Fragile>(1);
  auto permit = sender.try_reserve().value();
  throws_in = 1;  // the move into the channel
  EXPECT_THROW((void)permit.send(Fragile(throws_in)), std::runtime_error);
  EXPECT_TRUE(permit);
  EXPECT_EQ(sender.try_reserve().error(), TrySend::full);
  throws_in = 0;
  EXPECT_TRUE(permit.send(Fragile(throws_in)).has_value());
  EXPECT_TRUE(receiver.try_receive().has_value());
}

TEST_P(ChannelReserveTest, NoPlaceIsLost) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  run([seed]() -> Task<void> {
    constexpr int count = 200;
    auto [sender, receiver] = channel<int>(3);
    std::vector<int> seen(4 * count);
    co_await scope([&, &from = sender, &to = receiver](Scope& s) -> Task<void> {
      std::mt19937_64 seeds(seed);
      for (int part = 0; part < 4; ++part) {
        s.spawn([&from, part, random = std::mt19937_64(seeds())]() mutable -> Task<void> {
          for (int i = 0; i < count;) {
            if (random() % 3 == 0) {
              const auto sent = co_await from.send(part * count + i);
              EXPECT_TRUE(sent.has_value());
              ++i;
              continue;
            }
            const auto limit = std::chrono::microseconds(random() % 40);
            auto first = co_await select(from.reserve(), sleep_for(limit));
            if (!first.has<0>()) continue;
            auto permit = first.take<0>();
            if (random() % 4 == 0) continue;  // gives the place back
            if (random() % 4 == 0) co_await yield_now();
            EXPECT_TRUE(permit->send(part * count + i).has_value());
            ++i;
          }
        });
      }
      std::vector<int> batch;
      for (int total = 0; total < 4 * count;) {
        batch.clear();
        const std::size_t size = co_await to.receive_many(batch, 5);
        EXPECT_EQ(size, batch.size());
        EXPECT_LE(size, 5U);
        for (const int value : batch) ++seen.at(static_cast<std::size_t>(value));
        total += static_cast<int>(size);
      }
    });
    EXPECT_EQ(seen, std::vector<int>(4 * count, 1));
    EXPECT_TRUE(sender.try_reserve().has_value());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(sender.try_send(int{i}), TrySend::sent);
    EXPECT_EQ(sender.try_send(3), TrySend::full);
  });
}

// Many at once

TEST_P(ChannelReserveTest, ReceivesWhatIsThereUpToALimit) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(4);
    for (int i = 0; i < 4; ++i) (void)sender.try_send(int{i});
    auto sending = spawn([&from = sender]() -> Task<void> { (void)co_await from.send(4); });
    co_await until([&s = sender] { return s.waiting() == 1; });
    std::vector<int> out{-1};
    const std::size_t three = co_await receiver.receive_many(out, 3);
    EXPECT_EQ(three, 3U);
    EXPECT_EQ(out, (std::vector<int>{-1, 0, 1, 2}));
    const std::size_t none = co_await receiver.receive_many(out, 0);
    EXPECT_EQ(none, 0U);
    const std::size_t rest = co_await receiver.receive_many(out, 100);
    EXPECT_EQ(rest, 2U);
    EXPECT_EQ(out, (std::vector<int>{-1, 0, 1, 2, 3, 4}));
    co_await std::move(sending);
    auto waiting = spawn([&to = receiver]() -> Task<std::size_t> {
      std::vector<int> more;
      const std::size_t size = co_await to.receive_many(more, 10);
      co_return size;
    });
    co_await until([&r = receiver] { return r.waiting() == 1; });
    (void)sender.try_send(5);
    const std::size_t one = co_await std::move(waiting);
    EXPECT_EQ(one, 1U);
    sender.close();
    const std::size_t end = co_await receiver.receive_many(out, 10);
    EXPECT_EQ(end, 0U);
  });
}

TEST_P(ChannelReserveTest, ManyFromARendezvousAndUnderCancel) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(0);
    std::vector<JoinHandle<void>> sends;
    for (int i = 0; i < 3; ++i) {
      sends.push_back(spawn([&from = sender, i]() -> Task<void> { (void)co_await from.send(i); }));
    }
    co_await until([&s = sender] { return s.waiting() == 3; });
    std::vector<int> out;
    const std::size_t size = co_await receiver.receive_many(out, 10);
    EXPECT_EQ(size, 3U);
    for (JoinHandle<void>& send : sends) co_await std::move(send);
    auto waiting =
        spawn([&to = receiver, &out]() -> Task<void> { (void)co_await to.receive_many(out, 10); });
    co_await until([&r = receiver] { return r.waiting() == 1; });
    waiting.cancel();
    const Outcome<void> end = co_await std::move(waiting).outcome();
    EXPECT_TRUE(end.cancelled());
    EXPECT_EQ(out.size(), 3U);
  });
}

// The close

TEST_P(ChannelReserveTest, SendersWaitForTheClose) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(1);
    auto waiting = spawn([copy = sender]() -> Task<void> { co_await copy.wait_closed(); });
    auto cancelled = spawn([copy = sender]() -> Task<void> { co_await copy.wait_closed(); });
    co_await yield_now();
    cancelled.cancel();
    const Outcome<void> end = co_await std::move(cancelled).outcome();
    EXPECT_TRUE(end.cancelled());
    EXPECT_FALSE(waiting.ended());
    {
      const auto gone = std::move(receiver);
    }
    co_await std::move(waiting);
    co_await sender.wait_closed();  // at once
    auto in_fiber = [&s = sender] { await(s.wait_closed()); };
    co_await fiber(std::ref(in_fiber));
  });
}

// Weak senders

TEST(WeakSender, DoesNotKeepTheChannelOpen) {
  auto [sender, receiver] = channel<int>(2);
  const WeakSender<int> weak = sender.weak();
  const WeakSender<int> copy = weak;
  {
    const std::optional<Sender<int>> strong = copy.lock();
    ASSERT_TRUE(strong.has_value());
    EXPECT_EQ(strong->try_send(1), TrySend::sent);
  }
  {
    const auto gone = std::move(sender);
  }
  EXPECT_FALSE(weak.lock().has_value());
  EXPECT_EQ(receiver.try_receive().value(), 1);
  EXPECT_EQ(receiver.try_receive().error(), TryReceive::closed);
}

TEST(WeakSender, OutlivesTheChannelsHandles) {
  std::optional<WeakSender<std::string>> weak;
  {
    auto [sender, receiver] = channel<std::string>(2);
    (void)sender.try_send("a value that is not received");
    weak.emplace(sender.weak());
    EXPECT_TRUE(weak->lock().has_value());
  }
  EXPECT_FALSE(weak->lock().has_value());
}

TEST(WeakSender, MeetsTheLastSendersEnd) {
  for (int round = 0; round < 300; ++round) {
    auto [other, to] = channel<int>(4);
    const WeakSender<int> weak = other.weak();
    std::thread thread(
        [last = std::optional<Sender<int>>(std::move(other))]() mutable { last.reset(); });
    int sent = 0;
    if (const auto strong = weak.lock()) sent += strong->try_send(1) == TrySend::sent ? 1 : 0;
    thread.join();
    int received = 0;
    while (to.try_receive().has_value()) ++received;
    EXPECT_EQ(received, sent);
  }
}

}  // namespace
}  // namespace weft::test::channel_reserve_test
