// The bounded channel: send, receive, cancel, close and the drop of handles, in every interleaving.
// Each wait ends exactly once. Each value ends in one place: received, in the channel, returned, or
// dropped with a cancelled send.
#include <weft/channel.hpp>

#include <memory>

#include "model/core_model.hpp"

namespace weft::model::channel_model_test {
namespace {

struct Sending : Awaiting<detail::SendAwaiter<int>> {
  Sending(detail::ChannelState<int>& channel, int what) : Awaiting(channel, std::move(what)) {}
  /// The fate of the value: 1 sent, 0 not.
  [[nodiscard]] int sent() { return goes_on() && awaiter->await_resume() ? 1 : 0; }
};
struct Receiving : Awaiting<detail::ReceiveAwaiter<int>> {
  explicit Receiving(detail::ChannelState<int>& channel) : Awaiting(channel) {}
  /// The value, or -1.
  [[nodiscard]] int value() { return goes_on() ? awaiter->await_resume().value_or(-1) : -1; }
};

/// A channel whose handles are dropped at the end.
struct Both {
  explicit Both(std::size_t capacity)
      : channel(detail::ChannelState<int>::make(capacity, capacity)) {}
  ~Both() {
    channel.drop(detail::Side::sender);
    channel.drop(detail::Side::receiver);
    require(frame_pool_stats().live_blocks == blocks, "the channel goes with its last handle");
  }
  /// Takes all values that are inside and returns their number.
  [[nodiscard]] int drain() {
    int count = 0;
    std::optional<int> slot;
    while (!channel.receive_now(slot)) ++count;
    return count;
  }
  std::int64_t blocks = frame_pool_stats().live_blocks;
  detail::ChannelState<int>& channel;
};

template <std::size_t capacity>
void send_receive_and_cancel_receive(Execution& execution) {
  Both both(capacity);
  Sending sender(both.channel, 7);
  Receiving receiver(both.channel);
  execution.thread([&] { sender.wait(); });
  execution.thread([&] { receiver.wait(); });
  execution.thread([&] { receiver.task.cancel(); });
  execution.join_all();
  require(receiver.resumed() == 1, "the receiver goes on exactly once");
  const bool received = receiver.value() == 7;
  require(received || receiver.task.unwinding(), "it has the value, or was cancelled");
  const int inside = both.drain();  // of a rendezvous: the value of a waiting sender
  require(sender.resumed() == 1 && sender.sent() == 1, "then the value is sent");
  require(inside == (received ? 0 : 1), "it is in one place");
}

TEST(ChannelModel, AHandOverMeetsACancelOfTheReceiver) {
  expect_holds_exhaustively(3, send_receive_and_cancel_receive<1>);
  expect_holds_exhaustively(3, send_receive_and_cancel_receive<0>);
  expect_holds_randomly(20000, send_receive_and_cancel_receive<1>);
}

template <std::size_t capacity>
void receive_from_a_sender_that_is_cancelled(Execution& execution) {
  Both both(capacity);
  for (std::size_t i = 0; i < capacity; ++i) {
    int value = 1;
    require(both.channel.send_now(value) == TrySend::sent, "there is room");
  }
  Sending sender(both.channel, 7);
  std::optional<int> got;
  execution.thread([&] { sender.wait(); });
  execution.thread([&] { static_cast<void>(both.channel.receive_now(got)); });
  execution.thread([&] { sender.task.cancel(); });
  execution.join_all();
  const int all = both.drain() + (got ? 1 : 0);  // takes also the value of a waiting sender
  require(sender.resumed() == 1, "the sender goes on exactly once");
  require(all == static_cast<int>(capacity) + sender.sent(), "sent == received");
}

TEST(ChannelModel, AFreedPlaceMeetsACancelOfTheSender) {
  expect_holds_exhaustively(3, receive_from_a_sender_that_is_cancelled<1>);
  expect_holds_exhaustively(3, receive_from_a_sender_that_is_cancelled<0>);
  expect_holds_randomly(20000, receive_from_a_sender_that_is_cancelled<1>);
}

void close_meets_both(Execution& execution) {
  Both both(1);
  Sending first(both.channel, 1);
  Sending second(both.channel, 2);
  Sending third(both.channel, 3);
  Receiving receiver(both.channel);
  execution.thread([&] {
    first.wait();
    second.wait();
    third.wait();
  });
  execution.thread([&] { receiver.wait(); });
  execution.thread([&] { both.channel.close(); });
  execution.join_all();
  require(first.goes_on() && second.goes_on() && third.goes_on(), "no sender waits for ever");
  require(receiver.goes_on(), "nor does the receiver");
  const int value = receiver.value();
  const int received = value == -1 ? 0 : 1;
  require(received == 0 || value == 1, "in order");
  const int sent = first.sent() + second.sent() + third.sent();
  require(sent == received + both.drain(), "sent == received + inside");
}

TEST(ChannelModel, ACloseMeetsSendsAndAReceive) {
  expect_holds_exhaustively(2, close_meets_both);
  expect_holds_randomly(20000, close_meets_both);
}

/// Only a cancel: it ends the wait, also if it comes while the wait begins.
template <class Wait>
void cancel_alone(Execution& execution, Both& both, Wait& waiting) {
  execution.thread([&] { waiting.wait(); });
  execution.thread([&] { waiting.task.cancel(); });
  execution.join_all();
  require(waiting.resumed() == 1 && waiting.task.unwinding(), "it ends as cancelled");
  require(both.drain() == 0, "and nothing is sent");
}

TEST(ChannelModel, ACancelEndsAWaitThatBegins) {
  expect_holds_exhaustively(3, [](Execution& execution) {
    Both both(0);
    Sending sender(both.channel, 7);
    cancel_alone(execution, both, sender);
  });
  expect_holds_exhaustively(3, [](Execution& execution) {
    Both both(1);
    Receiving receiver(both.channel);
    cancel_alone(execution, both, receiver);
  });
}

/// One value is taken while two senders wait; the first of them is cancelled.
void a_place_is_freed(Execution& execution) {
  Both both(1);
  int inside = 1;
  require(both.channel.send_now(inside) == TrySend::sent, "there is room");
  Sending first(both.channel, 2);
  Sending second(both.channel, 3);
  first.wait();
  second.wait();
  std::optional<int> got;
  execution.thread([&] { static_cast<void>(both.channel.receive_now(got)); });
  execution.thread([&] { first.task.cancel(); });
  execution.join_all();
  require(got == 1, "what came first");
  require(first.resumed() == 1, "the first has sent, or is cancelled");
  require(both.channel.size() == 1, "the place is taken at once");
  require((first.sent() == 1) != (second.resumed() == 1), "by the one who waited longest");
  second.task.cancel();
}

TEST(ChannelModel, AFreedPlaceGoesToTheFirstThatIsNotCancelled) {
  expect_holds_exhaustively(3, a_place_is_freed);
  expect_holds_randomly(20000, a_place_is_freed);
}

/// Each thread drops its end when it is done. The last to do so destroys the channel.
void ends_are_dropped(Execution& execution) {
  const std::int64_t blocks = frame_pool_stats().live_blocks;
  detail::ChannelState<int>& channel = detail::ChannelState<int>::make(1, 1);
  channel.hold(detail::Side::sender);
  int sent = 0;
  int received = 0;
  for (int i = 0; i < 2; ++i) {
    execution.thread([&] {
      int value = 1;
      if (channel.send_now(value) == TrySend::sent) ++sent;
      channel.drop(detail::Side::sender);
    });
  }
  execution.thread([&] {
    std::optional<int> slot;
    if (!channel.receive_now(slot)) ++received;
    channel.drop(detail::Side::receiver);
  });
  execution.join_all();
  require(received <= sent, "what is received was sent");
  require(frame_pool_stats().live_blocks == blocks, "the channel is gone");
}

TEST(ChannelModel, TheLastHandleDestroysIt) {
  expect_holds_exhaustively(2, ends_are_dropped);
  expect_holds_randomly(20000, ends_are_dropped);
}

/// A thread waits on each side. The drop of the last sender ends the wait.
void threads_wait(Execution& execution) {
  Both both(1);
  int sum = 0;
  execution.thread([&] {
    for (int i = 1; i <= 2; ++i) {
      int value = i;
      if (both.channel.send_now(value) == TrySend::full) {
        require(!both.channel.wait_on_thread(detail::Side::sender, &value), "nobody closes before");
      }
    }
    both.channel.close();
  });
  execution.thread([&] {
    for (;;) {
      std::optional<int> slot;
      if (both.channel.receive_now(slot) == TryReceive::empty) {
        static_cast<void>(both.channel.wait_on_thread(detail::Side::receiver, &slot));
      }
      if (!slot) return;
      sum = sum * 10 + *slot;
    }
  });
  execution.join_all();
  require(sum == 12, "both, in order, and then the end");
}

TEST(ChannelModel, ThreadsWait) {
  expect_holds_exhaustively(3, threads_wait);
  expect_holds_randomly(20000, threads_wait);
}

void two_receivers_and_a_cancel(Execution& execution) {
  Both both(1);
  Receiving first(both.channel);
  Receiving second(both.channel);
  first.wait();
  second.wait();
  execution.thread([&] {
    int value = 7;
    require(both.channel.send_now(value) == TrySend::sent, "somebody waits, or there is room");
  });
  execution.thread([&] { first.task.cancel(); });
  execution.join_all();
  require(first.resumed() == 1, "the first has the value, or is cancelled");
  if (first.goes_on()) {
    require(first.value() == 7 && second.resumed() == 0, "the first was served");
    second.task.cancel();
  } else {
    require(second.goes_on() && second.value() == 7, "the second was served");
  }
  require(both.drain() == 0, "it is in one place");
}

TEST(ChannelModel, ACancelOfTheFirstServesTheSecond) {
  expect_holds_exhaustively(3, two_receivers_and_a_cancel);
  expect_holds_randomly(20000, two_receivers_and_a_cancel);
}

// Places that are kept

struct Reserving : Awaiting<detail::ReserveAwaiter<int>> {
  explicit Reserving(detail::ChannelState<int>& channel) : Awaiting(channel) {}
  [[nodiscard]] std::optional<SendPermit<int>> permit() {
    return goes_on() ? awaiter->await_resume() : std::nullopt;
  }
};

void a_place_meets_a_cancel(Execution& execution) {
  Both both(1);
  int inside = 1;
  require(both.channel.send_now(inside) == TrySend::sent, "there is room");
  Reserving first(both.channel);
  Sending second(both.channel, 3);
  first.wait();
  second.wait();
  std::optional<int> got;
  execution.thread([&] { static_cast<void>(both.channel.receive_now(got)); });
  execution.thread([&] { first.task.cancel(); });
  execution.join_all();
  require(got == 1 && first.resumed() == 1, "the first has a place, or is cancelled");
  {
    auto permit = first.permit();
    require(permit.has_value() == (second.resumed() == 0), "one place, one user");
    if (permit) require(permit->send(2).has_value(), "without waiting");
  }
  const int rest = both.drain();
  require(second.resumed() == 1 && second.sent() == 1, "then the second has sent");
  require(rest == (first.goes_on() ? 2 : 1), "and nothing is lost");
}

TEST(ChannelModel, AFreedPlaceIsKeptOrPassedOn) {
  expect_holds_exhaustively(3, a_place_meets_a_cancel);
  expect_holds_randomly(20000, a_place_meets_a_cancel);
}

void a_place_is_given_back(Execution& execution) {
  Both both(1);
  require(both.channel.keep_place() == TrySend::sent, "there is a place");
  Sending sender(both.channel, 7);
  Reserving waiting(both.channel);
  execution.thread([&] { both.channel.free_place(); });
  execution.thread([&] { sender.wait(); });
  execution.thread([&] { waiting.wait(); });
  execution.join_all();
  require(sender.resumed() + waiting.resumed() == 1, "one place, one user");
  if (sender.resumed() == 1) {
    require(both.drain() == 1 && waiting.resumed() == 1, "the place is free again");
  }
  {
    auto permit = waiting.permit();
    require(permit.has_value(), "it has the place");
  }
  require(sender.resumed() == 1 && sender.sent() == 1, "given back again");
}

TEST(ChannelModel, APlaceThatIsGivenBackIsTakenOnce) {
  expect_holds_exhaustively(2, a_place_is_given_back);
  expect_holds_randomly(20000, a_place_is_given_back);
}

void a_value_in_a_kept_place(Execution& execution) {
  Both both(1);
  require(both.channel.keep_place() == TrySend::sent, "there is a place");
  Receiving receiver(both.channel);
  bool sent = false;
  execution.thread([&] {
    int value = 7;
    sent = both.channel.send_in_place(&value);
  });
  execution.thread([&] { receiver.wait(); });
  execution.thread([&] { both.channel.close(); });
  execution.join_all();
  require(receiver.goes_on(), "the receiver goes on");
  const int received = receiver.value() == 7 ? 1 : 0;
  require(received + both.drain() == (sent ? 1 : 0), "sent == received + inside");
}

TEST(ChannelModel, AKeptPlaceMeetsAReceiveAndAClose) {
  expect_holds_exhaustively(3, a_value_in_a_kept_place);
  expect_holds_randomly(20000, a_value_in_a_kept_place);
}

void the_close_is_awaited(Execution& execution) {
  Both both(1);
  Awaiting<QueueAwaiter<detail::ClosedRequest>> waiting{detail::ClosedRequest(both.channel)};
  execution.thread([&] { waiting.wait(); });
  execution.thread([&] { both.channel.close(); });
  execution.thread([&] { waiting.task.cancel(); });
  execution.join_all();
  require(waiting.resumed() == 1, "it goes on exactly once");
}

TEST(ChannelModel, AWaitForTheCloseEndsOnce) {
  expect_holds_exhaustively(3, the_close_is_awaited);
  expect_holds_randomly(20000, the_close_is_awaited);
}

void a_weak_reference_meets_the_last_end(Execution& execution) {
  const std::int64_t blocks = frame_pool_stats().live_blocks;
  detail::ChannelState<int>& channel = detail::ChannelState<int>::make(1, 1);
  channel.hold_weakly();
  bool sent = false;
  int received = 0;
  execution.thread([&] { channel.drop(detail::Side::sender); });
  execution.thread([&] {
    if (channel.try_hold(detail::Side::sender)) {
      int value = 1;
      sent = channel.send_now(value) == TrySend::sent;
      channel.drop(detail::Side::sender);
    }
    channel.drop_weakly();
  });
  execution.thread([&] {
    std::optional<int> slot;
    if (channel.receive_now(slot) == TryReceive::empty) {
      static_cast<void>(channel.wait_on_thread(detail::Side::receiver, &slot));
    }
    if (slot) ++received;
    channel.drop(detail::Side::receiver);
  });
  execution.join_all();
  require(received == (sent ? 1 : 0), "what was sent was received");
  require(frame_pool_stats().live_blocks == blocks, "the channel is gone");
}

TEST(ChannelModel, AWeakReferenceMeetsTheLastSendersEnd) {
  expect_holds_exhaustively(2, a_weak_reference_meets_the_last_end);
  expect_holds_randomly(20000, a_weak_reference_meets_the_last_end);
}

}  // namespace
}  // namespace weft::model::channel_model_test
