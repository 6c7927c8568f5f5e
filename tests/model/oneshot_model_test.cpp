// The oneshot, and the versions under broadcast and watch: sends, waits, cancels, closes and the
// drop of ends, in every interleaving.
#include <weft/broadcast.hpp>
#include <weft/oneshot.hpp>
#include <weft/watch.hpp>

#include <memory>
#include <optional>

#include "model/core_model.hpp"

namespace weft::model::oneshot_model_test {
namespace {

using WaitingOnce = Awaiting<detail::OneshotAwaiter<int, OneshotReceiver<int>&>>;

void oneshot_send_and_cancel(Execution& execution) {
  auto [sender, receiver] = oneshot<int>();
  auto& from = receiver;
  auto& to = sender;
  WaitingOnce waiting(from);
  bool sent = false;
  execution.thread([&] { waiting.wait(); });
  execution.thread([&] { sent = std::move(to).send(7).has_value(); });
  execution.thread([&] { waiting.task.cancel(); });
  execution.join_all();
  require(sent, "the receiver lives");
  require(waiting.resumed() == 1, "the wait ends exactly once");
  if (waiting.goes_on()) {
    require(waiting.awaiter->await_resume() == 7, "with the value");
  } else {
    require(from.try_receive() == 7, "the value stays");
  }
}

TEST(OneshotModel, ASendMeetsAWaitAndACancel) {
  expect_holds_exhaustively(3, oneshot_send_and_cancel);
  expect_holds_randomly(20000, oneshot_send_and_cancel);
}

void oneshot_send_and_close(Execution& execution) {
  const std::int64_t blocks = frame_pool_stats().live_blocks;
  auto ends = std::make_unique<Oneshot<int>>(oneshot<int>());
  bool sent = false;
  bool given_back = false;
  int received = 0;
  execution.thread([&] {
    const auto result = std::move(ends->sender).send(7);
    sent = result.has_value();
    given_back = !sent && result.error() == 7;
  });
  execution.thread([&] {
    OneshotReceiver<int> receiver(std::move(ends->receiver));
    receiver.close();
    received = receiver.try_receive().value_or(0);
  });
  execution.join_all();
  require(sent == (received == 7) && given_back == !sent, "the value is in one place");
  require(frame_pool_stats().live_blocks == blocks, "nothing is left of it");
}

TEST(OneshotModel, ASendMeetsAClose) {
  expect_holds_weakly(3, 3, oneshot_send_and_close);
  expect_holds_exhaustively(3, oneshot_send_and_close);
  expect_holds_randomly(20000, oneshot_send_and_close);
}

/// The value is not atomic: the oneshot alone orders its uses.
struct Message {
  Shared<int> text{0};
};

void oneshot_polled(Execution& execution) {
  auto [sender, receiver] = oneshot<Message>();
  auto& from = receiver;
  auto& to = sender;
  std::optional<Message> received;
  execution.thread([&] {
    Message message;
    message.text.write() = 7;
    require(std::move(to).send(std::move(message)).has_value(), "the receiver lives");
  });
  const auto look = [&] {
    if (auto found = from.try_receive()) received.emplace(std::move(*found));
  };
  execution.thread(look);
  execution.join_all();
  if (!received) look();
  require(received && received->text.read() == 7, "the value is in one place");
}

TEST(OneshotModel, WhoLooksWithoutWaitingSeesAllOfTheValue) {
  expect_holds_exhaustively(3, oneshot_polled);
  expect_holds_weakly(3, 3, oneshot_polled);
}

void oneshot_dropped(Execution& execution) {
  const std::int64_t blocks = frame_pool_stats().live_blocks;
  auto ends = std::make_unique<Oneshot<int>>(oneshot<int>());
  execution.thread([&] { OneshotSender<int> dropped(std::move(ends->sender)); });
  execution.thread([&] {
    OneshotReceiver<int> receiver(std::move(ends->receiver));
    require(!receiver.blocking_receive(), "there will be none");
  });
  execution.join_all();
  require(frame_pool_stats().live_blocks == blocks, "nothing is left of it");
}

TEST(OneshotModel, ADroppedSenderWakesTheReceiver) {
  expect_holds_exhaustively(3, oneshot_dropped);
  expect_holds_randomly(20000, oneshot_dropped);
}

void broadcast_and_cancel(Execution& execution) {
  auto [sender, receiver] = broadcast<int>(2);
  auto& to = sender;
  auto& first = receiver;
  BroadcastReceiver<int> second = receiver;
  Awaiting<detail::BroadcastAwaiter<int>> waiting(first);
  Awaiting<detail::BroadcastAwaiter<int>> other(second);
  execution.thread([&] { waiting.wait(); });
  execution.thread([&] { other.wait(); });
  execution.thread([&] { require(to.send(7) == 2, "to both"); });
  execution.thread([&] { waiting.task.cancel(); });
  execution.join_all();
  require(waiting.resumed() == 1 && other.goes_on(), "each wait ends exactly once");
  require(**other.awaiter->await_resume() == 7, "one has the value");
  if (waiting.goes_on()) {
    require(**waiting.awaiter->await_resume() == 7, "and so has the other");
  } else {
    require(**first.try_receive() == 7, "or it is still to come");
  }
}

TEST(BroadcastModel, ASendMeetsWaitsAndACancel) {
  expect_holds_exhaustively(2, broadcast_and_cancel);
  expect_holds_randomly(20000, broadcast_and_cancel);
}

void broadcast_overtakes(Execution& execution) {
  auto [sender, receiver] = broadcast<int>(1);
  auto& from = receiver;
  auto ends = std::make_unique<BroadcastSender<int>>(std::move(sender));
  for (int i = 0; i < 2; ++i) {
    execution.thread([&, to = *ends] { to.send(1); });
  }
  ends.reset();
  std::uint64_t received = 0;
  execution.thread([&] {
    while (auto item = from.blocking_receive()) received += *item ? 1 : item->error().count;
  });
  execution.join_all();
  require(received == 2, "each value is received, or counted as missed; then comes the end");
}

TEST(BroadcastModel, NothingIsMissedUnnoticed) {
  expect_holds_exhaustively(2, broadcast_overtakes);
  expect_holds_randomly(20000, broadcast_overtakes);
}

void watch_sees_the_last(Execution& execution) {
  const std::int64_t blocks = frame_pool_stats().live_blocks;
  {
    auto [sender, receiver] = watch<int>(0);
    auto& from = receiver;
    auto end = std::make_unique<WatchSender<int>>(std::move(sender));
    execution.thread([&] {
      end->send(1);
      end->modify([](int& value) { ++value; });
      end.reset();
    });
    execution.thread([&] {
      int last = 0;
      while (auto value = from.blocking_changed()) {
        require(**value > last, "a newer one each time");
        last = **value;
      }
      require(last == 2, "the last one is always seen");
    });
    execution.join_all();
  }
  require(frame_pool_stats().live_blocks == blocks, "no value is left");
}

TEST(WatchModel, TheLastValueIsSeen) {
  expect_holds_exhaustively(2, watch_sees_the_last);
  expect_holds_randomly(20000, watch_sees_the_last);
}

void watch_and_cancel(Execution& execution) {
  auto [sender, receiver] = watch<int>(0);
  auto& to = sender;
  auto& from = receiver;
  Awaiting<detail::ChangedAwaiter<int>> waiting(from);
  execution.thread([&] { waiting.wait(); });
  execution.thread([&] { to.send(1); });
  execution.thread([&] { waiting.task.cancel(); });
  execution.join_all();
  require(waiting.resumed() == 1, "the wait ends exactly once");
  if (waiting.goes_on()) {
    require(waiting.awaiter->await_resume() && !from.has_changed(), "the change is seen");
  } else {
    require(from.has_changed(), "the change is still to be seen");
  }
}

TEST(WatchModel, ASendMeetsAWaitAndACancel) {
  expect_holds_exhaustively(3, watch_and_cancel);
  expect_holds_randomly(20000, watch_and_cancel);
}

/// A borrow while the value is replaced twice: the borrowed value does not change, and each value
/// is destroyed once.
void watch_borrowed(Execution& execution) {
  const std::int64_t blocks = frame_pool_stats().live_blocks;
  {
    auto [sender, receiver] = watch<int>(5);
    auto& to = sender;
    auto& from = receiver;
    execution.thread([&] {
      to.send(6);
      to.send(7);
    });
    execution.thread([&] {
      const Borrowed<int> value = from.borrow();
      const int seen = *value;
      const Borrowed<int> later = from.borrow();
      require(*value == seen && *later >= seen, "it does not change");
    });
    execution.join_all();
  }
  require(frame_pool_stats().live_blocks == blocks, "no value is left");
}

TEST(WatchModel, ABorrowedValueStays) {
  expect_holds_exhaustively(3, watch_borrowed);
  expect_holds_randomly(20000, watch_borrowed);
}

}  // namespace
}  // namespace weft::model::oneshot_model_test
