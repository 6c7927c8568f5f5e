// Channels: no value is lost or given twice under cancels; move-only values; values whose move
// throws; memory.
#include <weft/channel.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <ostream>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::channel_value_test {
namespace {

using namespace std::chrono_literals;

class ChannelValueTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(ChannelValueTest);

using Ptr = std::unique_ptr<int>;

enum class Event { nothing, receive, send, close, cancel };
constexpr Event kEvents[] = {Event::nothing, Event::receive, Event::send, Event::close,
                             Event::cancel};

// Cancel against every other event, in each order

template <class Handle>
void apply(Event event, const Sender<Ptr>& sender, const Receiver<Ptr>& receiver,
           const Handle& handle, std::vector<int>& taken, int& sent) {
  if (event == Event::receive) {
    if (auto value = receiver.try_receive()) taken.push_back(**value);
  } else if (event == Event::send) {
    auto value = std::make_unique<int>(100 + sent);
    if (sender.try_send(std::move(value)) == TrySend::sent) ++sent;
  } else if (event == Event::close) {
    receiver.close();
  } else if (event == Event::cancel) {
    handle.cancel();
  }
}

/// A sender that waits while events happen.
Task<void> play_send(std::size_t capacity, Event first, Event second) {
  auto [sender, receiver] = channel<Ptr>(capacity);
  const Sender<Ptr>& to = sender;
  for (std::size_t i = 0; i < capacity; ++i) {
    EXPECT_EQ(to.try_send(std::make_unique<int>(static_cast<int>(i))), TrySend::sent);
  }
  auto handle = spawn([&to]() -> Task<SendResult<Ptr>> {
    auto result = co_await to.send(std::make_unique<int>(50));
    co_return result;
  });
  co_await until([&] { return to.waiting() == 1; });
  std::vector<int> taken;
  int sent = static_cast<int>(capacity);
  apply(first, to, receiver, handle, taken, sent);
  apply(second, to, receiver, handle, taken, sent);
  if (!handle.ended() && to.waiting() == 1) handle.cancel();
  Outcome<SendResult<Ptr>> outcome = co_await std::move(handle).outcome();
  const bool was_sent = outcome.has_value() && outcome.value().has_value();
  if (was_sent) ++sent;
  if (outcome.has_value() && !was_sent) {
    EXPECT_EQ(*outcome.value().error(), 50) << "given back";
  }
  to.close();
  while (auto value = co_await receiver.receive()) taken.push_back(**value);
  EXPECT_EQ(taken.size(), static_cast<std::size_t>(sent)) << "sent == received";
  EXPECT_EQ(std::count(taken.begin(), taken.end(), 50), was_sent ? 1 : 0);
}

TEST_P(ChannelValueTest, ASendAgainstEverything) {
  for (const std::size_t capacity : {0U, 1U, 2U}) {
    for (const Event first : kEvents) {
      for (const Event second : kEvents) {
        SCOPED_TRACE(::testing::Message() << capacity << ": " << static_cast<int>(first) << ", "
                                          << static_cast<int>(second));
        run([&] { return play_send(capacity, first, second); });
      }
    }
  }
}

/// A receiver that waits while events happen.
Task<void> play_receive(std::size_t capacity, Event first, Event second) {
  auto [sender, receiver] = channel<Ptr>(capacity);
  const Receiver<Ptr>& from = receiver;
  auto handle = spawn([&from]() -> Task<std::optional<Ptr>> {
    auto value = co_await from.receive();
    co_return value;
  });
  co_await until([&] { return from.waiting() == 1; });
  std::vector<int> taken;
  int sent = 0;
  apply(first, sender, from, handle, taken, sent);
  apply(second, sender, from, handle, taken, sent);
  if (!handle.ended() && from.waiting() == 1) handle.cancel();
  Outcome<std::optional<Ptr>> outcome = co_await std::move(handle).outcome();
  if (outcome.has_value() && outcome.value()) {
    EXPECT_EQ(**outcome.value(), 100) << "the first that was sent";
    taken.push_back(**outcome.value());
  }
  sender.close();
  while (auto value = co_await from.receive()) taken.push_back(**value);
  EXPECT_EQ(taken.size(), static_cast<std::size_t>(sent)) << "sent == received";
}

TEST_P(ChannelValueTest, AReceiveAgainstEverything) {
  for (const std::size_t capacity : {0U, 1U, 2U}) {
    for (const Event first : kEvents) {
      for (const Event second : kEvents) {
        SCOPED_TRACE(::testing::Message() << capacity << ": " << static_cast<int>(first) << ", "
                                          << static_cast<int>(second));
        run([&] { return play_receive(capacity, first, second); });
      }
    }
  }
}

TEST_P(ChannelValueTest, CancelledBeforeItBegins) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<int>(1);
    auto gate = channel<int>(1);
    auto handle = spawn([&]() -> Task<void> {
      const auto opened = co_await gate.receiver.receive();
      EXPECT_EQ(opened, 1);
      const auto never = co_await sender.send(1);
      EXPECT_TRUE(never);
    });
    co_await until([&] { return gate.receiver.waiting() == 1; });
    EXPECT_EQ(gate.sender.try_send(1), TrySend::sent);
    handle.cancel();  // sticky: a value that was handed over is delivered first
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_FALSE(outcome.failed());
    EXPECT_EQ(receiver.size(), outcome.has_value() ? 1U : 0U);
  });
}

// Select and timeout

Task<void> send_some(Sender<Ptr> sender, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const auto sent = co_await sender.send(std::make_unique<int>(i));
    EXPECT_TRUE(sent);
    if (i % 7 == 0) co_await yield_now();
  }
}

struct Drained {
  Drained() : next{0, 1000} {}
  void note(const std::optional<Ptr>& value, std::size_t side) {
    if (!value) {
      open[side] = false;
      return;
    }
    EXPECT_EQ(**value, next[side]++) << "in order, and none is missing";
  }
  int next[2];
  bool open[2] = {true, true};
};

TEST_P(ChannelValueTest, ASelectOverTwoLosesNothing) {
  run([]() -> Task<void> {
    auto left = channel<Ptr>(2);
    auto right = channel<Ptr>(0);
    auto first = spawn(send_some, std::move(left.sender), 0, 500);
    auto second = spawn(send_some, std::move(right.sender), 1000, 500);
    Drained drained;
    while (drained.open[0] && drained.open[1]) {
      auto got = co_await select(left.receiver.receive(), right.receiver.receive());
      if (got.has<0>()) drained.note(got.take<0>(), 0);
      if (got.has<1>()) drained.note(got.take<1>(), 1);
    }
    while (drained.open[0]) {
      const auto value = co_await left.receiver.receive();
      drained.note(value, 0);
    }
    while (drained.open[1]) {
      const auto value = co_await right.receiver.receive();
      drained.note(value, 1);
    }
    EXPECT_EQ(drained.next[0], 500);
    EXPECT_EQ(drained.next[1], 1500);
    co_await std::move(first);
    co_await std::move(second);
  });
}

TEST_P(ChannelValueTest, ATimeoutLosesNothing) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<Ptr>(3);
    auto sending = spawn(send_some, std::move(sender), 0, 300);
    Drained drained;
    for (int i = 0; drained.open[0]; ++i) {
      auto got = co_await select(receiver.receive(), sleep_for(std::chrono::microseconds(i % 5)));
      if (got.has<0>()) drained.note(got.take<0>(), 0);
    }
    EXPECT_EQ(drained.next[0], 300);
    co_await std::move(sending);
    auto [quiet_sender, quiet] = channel<Ptr>(3);
    bool timed_out = false;
    try {
      const auto none = co_await timeout(quiet.receive(), 1ms);
      EXPECT_FALSE(none);
    } catch (const IoError& error) {
      timed_out = error.code() == std::errc::timed_out;
    }
    EXPECT_TRUE(timed_out);
    EXPECT_EQ(quiet.waiting(), 0U);
  });
}

struct Tally {
  std::atomic<int> sent = 0;
  std::atomic<int> received = 0;
  std::atomic<int> returned = 0;
};

Task<void> send_one(const Sender<Ptr>& sender, Tally& tally) {
  const auto result = co_await sender.send(std::make_unique<int>(1));
  ++(result ? tally.sent : tally.returned);
}
Task<void> receive_one(const Receiver<Ptr>& receiver, Tally& tally) {
  const auto value = co_await receiver.receive();
  if (value) ++tally.received;
}

TEST_P(ChannelValueTest, NothingIsLostUnderCancelsFromEverywhere) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(::testing::Message() << "WEFT_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    run([&]() -> Task<void> {
      Tally tally;
      auto [sender, receiver] = channel<Ptr>(random() % 3);
      std::vector<JoinHandle<void>> handles;
      for (int i = 0; i < 24; ++i) {
        if (random() % 2 == 0) {
          handles.push_back(spawn(send_one, std::cref(sender), std::ref(tally)));
        } else {
          handles.push_back(spawn(receive_one, std::cref(receiver), std::ref(tally)));
        }
        if (random() % 4 == 0) co_await yield_now();
        if (random() % 2 == 0) handles[random() % handles.size()].cancel();
      }
      if (random() % 2 == 0) co_await yield_now();
      sender.close();
      for (JoinHandle<void>& handle : handles) {
        const Outcome<void> outcome = co_await std::move(handle).outcome();
        EXPECT_FALSE(outcome.failed());
      }
      int inside = 0;
      while (auto value = receiver.try_receive()) ++inside;
      EXPECT_EQ(tally.sent, tally.received + inside);
      EXPECT_EQ(sender.waiting() + receiver.waiting(), 0U);
    });
  }
}

TEST_P(ChannelValueTest, AFiberThatIsCancelledTakesNone) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<Ptr>(1);
    const Receiver<Ptr>& from = receiver;
    auto handle = spawn(fiber([&from] { static_cast<void>(await(from.receive())); }));
    co_await until([&] { return from.waiting() == 1; });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_EQ(sender.try_send(std::make_unique<int>(1)), TrySend::sent);
    EXPECT_EQ(receiver.size(), 1U);
  });
}

// Values whose move throws

/// A move counts down, and throws at zero; negative: never.
class Fragile {
 public:
  explicit Fragile(int value, int moves_left = -1) : value_(value), moves_left_(moves_left) {}
  Fragile(Fragile&& other) : value_(other.value_), moves_left_(other.moves_left_) {
    if (moves_left_ == 0) throw std::runtime_error("the move fails");
    if (moves_left_ > 0) --moves_left_;
    other.moves_left_ = moves_left_;
  }
  Fragile& operator=(Fragile&&) = delete;
  void fail_after(int moves) { moves_left_ = moves; }
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_;
  int moves_left_;
};

TEST(ChannelFragile, AMoveThatThrowsInTrySendSendsNothing) {
  auto [sender, receiver] = channel<Fragile>(2);
  EXPECT_THROW(static_cast<void>(sender.try_send(Fragile(1, 0))), std::runtime_error);
  EXPECT_EQ(receiver.size(), 0U);
  EXPECT_EQ(sender.try_send(Fragile(2, 1)), TrySend::sent);
  EXPECT_EQ(sender.try_send(Fragile(3)), TrySend::sent);
  EXPECT_THROW(static_cast<void>(receiver.try_receive()), std::runtime_error);
  EXPECT_EQ(receiver.size(), 1U) << "that one is lost";
  const auto value = receiver.try_receive();
  EXPECT_EQ(value->value(), 3);
}

TEST_P(ChannelValueTest, EveryMoveOfAWaitThatThrowsLeavesTheChannelWhole) {
  // The number of moves depends on the path. Each of them fails once.
  for (const std::size_t capacity : {0U, 1U}) {
    for (int moves = 0; moves < 12; ++moves) {
      run([&]() -> Task<void> {
        auto [sender, receiver] = channel<Fragile>(capacity);
        if (capacity == 1) {
          EXPECT_EQ(sender.try_send(Fragile(0)), TrySend::sent);
        }
        auto sending = spawn([&]() -> Task<bool> {
          auto first = Fragile(1);
          first.fail_after(moves);
          const auto result = co_await sender.send(std::move(first));
          co_return result.has_value();
        });
        co_await until([&] { return sending.ended() || sender.waiting() == 1; });
        auto second = spawn([&]() -> Task<bool> {
          const auto result = co_await sender.send(Fragile(2));
          co_return result.has_value();
        });
        std::vector<int> seen;
        bool lost = false;
        while (seen.empty() || seen.back() != 2) {
          try {
            const auto value = co_await receiver.receive();
            seen.push_back(value->value());
          } catch (const std::runtime_error&) {
            lost = true;
          }
        }
        const Outcome<bool> first = co_await std::move(sending).outcome();
        const bool sent = co_await std::move(second);
        EXPECT_TRUE(sent);
        const bool arrived = std::count(seen.begin(), seen.end(), 1) == 1;
        EXPECT_EQ(first.has_value(), arrived || lost) << "else the sender has the error";
        EXPECT_EQ(receiver.size(), 0U);
      });
    }
  }
}

TEST_P(ChannelValueTest, AHandOverThatThrowsLeavesTheReceiverWaiting) {
  run([]() -> Task<void> {
    auto [sender, receiver] = channel<Fragile>(1);
    const Receiver<Fragile>& from = receiver;
    auto receiving = spawn([&from]() -> Task<int> {
      const auto value = co_await from.receive();
      co_return value->value();
    });
    co_await until([&] { return from.waiting() == 1; });
    EXPECT_THROW(static_cast<void>(sender.try_send(Fragile(1, 0))), std::runtime_error);
    EXPECT_EQ(from.waiting(), 1U);
    EXPECT_EQ(sender.try_send(Fragile(2)), TrySend::sent);
    const int value = co_await std::move(receiving);
    EXPECT_EQ(value, 2);
  });
}

// Memory

struct alignas(256) Wide {
  int value = 0;
};

TEST(ChannelMemory, OverAlignedValuesAreAligned) {
  auto [sender, receiver] = channel<Wide>(100);
  EXPECT_EQ(sender.try_send(Wide{5}), TrySend::sent);
  const auto value = receiver.try_receive();
  EXPECT_EQ(value->value, 5);
}

template <class T>
void passes_a_channel(T value) {
  auto [sender, receiver] = channel<T>(1);
  EXPECT_EQ(sender.try_send(std::move(value)), TrySend::sent);
  EXPECT_TRUE(receiver.try_receive().has_value());
}

TEST(ChannelMemory, SmallValuesNeedNotBeAssigned) {
  struct Constant {
    const int value;
  };
  struct Unique {
    explicit Unique(int number) : value(number) {}
    Unique(Unique&&) = default;
    int value;
  };
  static_assert(std::is_trivially_copyable_v<Constant> && std::is_trivially_copyable_v<Unique>);
  passes_a_channel(Constant{1});
  passes_a_channel(Unique(2));
}

TEST(ChannelMemory, OutOfMemoryMakesNoChannel) {
  const std::int64_t before = frame_pool_stats().live_blocks;
  for (const int successes : {0, 1}) {
    set_frame_failure_after(successes);
    EXPECT_THROW(static_cast<void>(channel<int>(8)), std::bad_alloc);
    set_frame_failure_after(-1);
    EXPECT_EQ(frame_pool_stats().live_blocks, before);
  }
}

TEST(ChannelMemory, OutOfMemoryInAnUnboundedSendSendsNothing) {
  auto [sender, receiver] = unbounded_channel<Ptr>();
  int sent = 0;
  set_frame_failure_after(0);
  try {
    for (;;) {
      EXPECT_EQ(sender.try_send(std::make_unique<int>(sent)), TrySend::sent);
      ++sent;
    }
  } catch (const std::bad_alloc&) {
  }
  set_frame_failure_after(-1);
  EXPECT_EQ(sender.try_send(std::make_unique<int>(sent)), TrySend::sent);
  for (int i = 0; i <= sent; ++i) {
    const auto value = receiver.try_receive();
    ASSERT_TRUE(value);
    EXPECT_EQ(**value, i);
  }
}

TEST_P(ChannelValueTest, OperationsTakeNoMemory) {
  run([]() -> Task<void> {
    auto there = channel<int>(1);
    auto back = channel<int>(0);
    auto echo = spawn([&]() -> Task<void> {
      while (auto value = co_await there.receiver.receive()) {
        const auto sent = co_await back.sender.send(*value);
        EXPECT_TRUE(sent);
      }
    });
    co_await until([&] { return there.receiver.waiting() == 1; });
    const std::int64_t blocks = frame_pool_stats().live_blocks;
    for (int i = 0; i < 100; ++i) {
      const auto sent = co_await there.sender.send(i);
      EXPECT_TRUE(sent);
      const auto value = co_await back.receiver.receive();
      EXPECT_EQ(value, i);
      EXPECT_LE(frame_pool_stats().live_blocks, blocks);
    }
    there.sender.close();
    co_await std::move(echo);
  });
}

}  // namespace
}  // namespace weft::test::channel_value_test
