// Every operation of message sockets through every way to end: it completes at once or after a
// wait, it is cancelled before, during and after, its socket is closed, its system call fails.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/udp.hpp>
#include <weft/unix.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "api/unix_support.hpp"
#include "net/native_address.hpp"
#include "os/fault.hpp"
#include "support/helpers.hpp"

namespace weft::testing::message_operations_test {
namespace {

using detail::Call;

/// An operation and what it needs. It has to wait until make_ready().
class OperationCase {
 public:
  virtual ~OperationCase() = default;
  /// Performs the operation; gives a text of its result.
  virtual Task<std::string> perform() = 0;
  virtual void make_ready() = 0;
  virtual void close() = 0;
  [[nodiscard]] virtual std::string expected() const = 0;
  [[nodiscard]] virtual Call call() const = 0;
  /// How the text of its errors begins.
  [[nodiscard]] virtual std::string name() const = 0;
};

Task<std::string> received(IoOp<detail::ReceiveMessageRequest> operation) {
  const ReceivedDatagram got = co_await std::move(operation);
  co_return as_text(got.data);
}

class UdpReceiveCase : public OperationCase {
 public:
  Task<std::string> perform() override { return received(at_.receive(room_)); }
  void make_ready() override {
    EXPECT_TRUE(from_.try_send_to("hello", at_.local_endpoint().value()).has_value());
  }
  void close() override { at_.close(); }
  std::string expected() const override { return "hello"; }
  Call call() const override { return Call::recvmsg; }
  std::string name() const override { return "receive 127.0.0.1:"; }

 protected:
  UdpSocket from_ = UdpSocket::bind(Endpoint::loopback(0));
  UdpSocket at_ = UdpSocket::bind(Endpoint::loopback(0));
  std::array<std::byte, 64> room_;
};

class UdpPeekCase final : public UdpReceiveCase {
 public:
  Task<std::string> perform() override { return received(at_.peek(room_)); }
  std::string name() const override { return "peek 127.0.0.1:"; }
};

class UdpBatchCase final : public UdpReceiveCase {
 public:
  Task<std::string> perform() override {
    const std::size_t count = co_await at_.receive_batch(batch_);
    EXPECT_EQ(count, 1U);
    co_return as_text(batch_.datagrams()[0].data);
  }
  Call call() const override { return Call::recvmmsg; }

 private:
  ReceiveBatch batch_{4};
};

template <class S>
class ReceiveHandlesCase final : public OperationCase {
 public:
  Task<std::string> perform() override {
    const UnixMessage got = co_await pair_.second.receive_message(room_);
    co_return as_text(got.data) + " " + std::to_string(got.handles.size());
  }
  void make_ready() override {
    const OwnedHandle passed(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::array<NativeHandle, 1> one{passed.get()};
    EXPECT_TRUE(pair_.first.try_send_message(bytes_of("file"), one).has_value());
  }
  void close() override { pair_.second.close(); }
  std::string expected() const override { return "file 1"; }
  Call call() const override { return Call::recvmsg; }
  std::string name() const override { return "receive unix:: "; }

 private:
  std::pair<S, S> pair_ = S::pair().value();
  std::array<std::byte, 64> room_;
};

/// Sending over a pair of datagram sockets whose buffer is full.
class SendCase : public OperationCase {
 public:
  SendCase() {
    while (pair_.first.try_send(large_)) ++filled_;
  }
  Task<std::string> perform() override {
    co_await pair_.first.send(large_);
    co_return "sent";
  }
  void make_ready() override {
    std::string room(large_.size(), '\0');
    for (; filled_ > 0; --filled_) {
      EXPECT_TRUE(pair_.second.try_receive(writable_bytes(room)).has_value());
    }
  }
  void close() override { pair_.first.close(); }
  std::string expected() const override { return "sent"; }
  Call call() const override { return Call::sendmsg; }
  std::string name() const override { return "send unix:: "; }

 protected:
  const std::string large_ = std::string(8'192, 'x');
  std::pair<UnixDatagram, UnixDatagram> pair_ = UnixDatagram::pair().value();
  int filled_ = 0;
};

class SendHandlesCase final : public SendCase {
 public:
  Task<std::string> perform() override {
    const std::array<NativeHandle, 1> one{null_.get()};
    co_await pair_.first.send_message(large_, one);
    co_return "sent";
  }

 private:
  const OwnedHandle null_{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
};

class SendBatchCase final : public SendCase {
 public:
  Task<std::string> perform() override {
    SendBatch batch;
    batch.add(bytes_of(large_));
    const std::size_t sent = co_await pair_.first.send_batch(batch);
    EXPECT_EQ(sent, 1U);
    co_return "sent";
  }
  Call call() const override { return Call::sendmmsg; }
};

/// Sending to a receiver whose queue is full of another's datagrams.
class SendToCase final : public OperationCase {
 public:
  SendToCase() {
    while (other_.try_send_to("fill", to_)) ++filled_;
  }
  Task<std::string> perform() override {
    co_await from_.send_to("late", to_);
    co_return "sent";
  }
  void make_ready() override {
    std::array<std::byte, 8> room;
    for (; filled_ > 0; --filled_) EXPECT_TRUE(at_.try_receive(room).has_value());
  }
  void close() override { from_.close(); }
  std::string expected() const override { return "sent"; }
  Call call() const override { return Call::sendmsg; }
  std::string name() const override { return "send unix:@"; }

 private:
  UnixDatagram at_ = UnixDatagram::open_anywhere().value();
  UnixDatagram other_ = UnixDatagram::unbound().value();
  UnixDatagram from_ = UnixDatagram::unbound().value();
  const Endpoint to_ = at_.local_endpoint().value();
  int filled_ = 0;
};

/// Accepting: L is the listener, S its connections, of that type of the system.
template <class L, class S, int Type>
class AcceptCase final : public OperationCase {
 public:
  Task<std::string> perform() override {
    S accepted = co_await listener_.accept();
    const bool is_open = static_cast<bool>(accepted);
    co_return is_open ? "accepted" : "closed";
  }
  void make_ready() override {
    // Connects at once: the listener has a queue.
    client_ = OwnedHandle(::socket(AF_UNIX, Type | SOCK_CLOEXEC, 0));
    const detail::NativeAddress to(listener_.local_endpoint());
    EXPECT_EQ(::connect(client_.get(), to.get(), to.size), 0);
  }
  void close() override { listener_.close(); }
  std::string expected() const override { return "accepted"; }
  Call call() const override { return Call::accept4; }
  std::string name() const override { return "accept unix:@"; }

 private:
  L listener_ = L::bind(abstract_name("accept"));
  OwnedHandle client_;
};

template <class C>
std::unique_ptr<OperationCase> make_case() {
  return std::make_unique<C>();
}

struct NamedCase {
  const char* name;
  std::unique_ptr<OperationCase> (*make)();
};

const NamedCase all_cases[] = {
    {"udp_receive", &make_case<UdpReceiveCase>},
    {"udp_peek", &make_case<UdpPeekCase>},
    {"udp_receive_batch", &make_case<UdpBatchCase>},
    {"stream_receive_message", &make_case<ReceiveHandlesCase<UnixStream>>},
    {"seqpacket_receive_message", &make_case<ReceiveHandlesCase<UnixSeqpacket>>},
    {"datagram_receive_message", &make_case<ReceiveHandlesCase<UnixDatagram>>},
    {"send", &make_case<SendCase>},
    {"send_message", &make_case<SendHandlesCase>},
    {"send_batch", &make_case<SendBatchCase>},
    {"send_to", &make_case<SendToCase>},
    {"accept_stream", &make_case<AcceptCase<UnixListener, UnixStream, SOCK_STREAM>>},
    {"accept_seqpacket",
     &make_case<AcceptCase<UnixSeqpacketListener, UnixSeqpacket, SOCK_SEQPACKET>>},
};

class MessageOperations : public Net {
 protected:
  /// Runs `work(case)` for every case, with a new one each time.
  template <class W>
  void for_each_case(W work) {
    for (const NamedCase& each : all_cases) {
      SCOPED_TRACE(each.name);
      detail::ScopedFaults faults;
      const std::unique_ptr<OperationCase> one = each.make();
      run([&]() -> Task<void> { co_await work(*one, faults); });
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Runtimes, MessageOperations, ::testing::Values(0, 1, 2), name_of_workers);

/// Waits until the operation was tried: it then waits, or is about to.
Task<void> until_tried(OperationCase& one, detail::ScopedFaults& faults) {
  co_await test::until([&] { return faults.calls(one.call()) != 0; });
}

Task<void> expect_performs(OperationCase& one) {
  const std::string got = co_await one.perform();
  EXPECT_EQ(got, one.expected());
}

TEST_P(MessageOperations, CompleteAtOnce) {
  for_each_case([](OperationCase& one, detail::ScopedFaults&) -> Task<void> {
    one.make_ready();
    co_await expect_performs(one);
  });
}

TEST_P(MessageOperations, CompleteAfterAWait) {
  for_each_case([](OperationCase& one, detail::ScopedFaults& faults) -> Task<void> {
    faults.reset_counts();
    auto ready = [&]() -> Task<void> {
      co_await until_tried(one, faults);
      one.make_ready();
    };
    co_await when_all(expect_performs(one), ready());
  });
}

TEST_P(MessageOperations, CancelledBeforeTheyBegin) {
  for_each_case([](OperationCase& one, detail::ScopedFaults&) -> Task<void> {
    auto handle = spawn(SpawnOptions().local(), one.perform());
    handle.cancel();
    const Outcome<std::string> end = co_await std::move(handle).outcome();
    EXPECT_TRUE(end.cancelled());
    one.make_ready();
    co_await expect_performs(one);
  });
}

TEST_P(MessageOperations, CancelledWhileTheyWait) {
  for_each_case([](OperationCase& one, detail::ScopedFaults& faults) -> Task<void> {
    faults.reset_counts();
    auto handle = spawn(one.perform());
    co_await until_tried(one, faults);
    handle.cancel();
    const Outcome<std::string> end = co_await std::move(handle).outcome();
    EXPECT_TRUE(end.cancelled());
    one.make_ready();
    co_await expect_performs(one);
  });
}

TEST_P(MessageOperations, CancelledWhenTheyCanGoOn) {
  for_each_case([](OperationCase& one, detail::ScopedFaults& faults) -> Task<void> {
    faults.reset_counts();
    auto handle = spawn(one.perform());
    co_await until_tried(one, faults);
    one.make_ready();
    handle.cancel();
    const Outcome<std::string> end = co_await std::move(handle).outcome();
    if (end.has_value()) {
      EXPECT_EQ(end.value(), one.expected());
    } else {
      EXPECT_TRUE(end.cancelled());
      co_await expect_performs(one);  // nothing was lost
    }
  });
}

TEST_P(MessageOperations, EndWhenTheirSocketIsClosed) {
  for_each_case([](OperationCase& one, detail::ScopedFaults& faults) -> Task<void> {
    faults.reset_counts();
    auto closes = [&]() -> Task<void> {
      co_await until_tried(one, faults);
      one.close();
    };
    auto both = co_await when_all(attempt(one.perform()), closes());
    EXPECT_EQ(std::get<0>(both).error(), std::errc::operation_canceled);
    const auto later = co_await attempt(one.perform());
    EXPECT_EQ(later.error(), std::errc::operation_canceled);
  });
}

TEST_P(MessageOperations, ErrorsAreTheirsAlone) {
  for_each_case([](OperationCase& one, detail::ScopedFaults& faults) -> Task<void> {
    faults.add({.call = one.call(), .errno_value = EIO});
    const std::string text = co_await error_text(one.perform());
    EXPECT_TRUE(text.starts_with(one.name())) << text;
    EXPECT_TRUE(text.ends_with(": input/output error")) << text;
    faults.add({.call = one.call(), .errno_value = EINTR, .times = 3});
    one.make_ready();
    co_await expect_performs(one);
  });
}

TEST_P(MessageOperations, ErrorsAfterAWaitLoseNothing) {
  for_each_case([](OperationCase& one, detail::ScopedFaults& faults) -> Task<void> {
    faults.reset_counts();
    auto fails = [&]() -> Task<void> {
      co_await until_tried(one, faults);
      faults.add({.call = one.call(), .errno_value = EIO});
      one.make_ready();
    };
    // make_ready() may itself make such a call: then the operation meets no error.
    auto both = co_await when_all(attempt(one.perform()), fails());
    const auto& end = std::get<0>(both);
    if (!end) {
      EXPECT_EQ(end.error().code(), std::errc::io_error);
      co_await expect_performs(one);
    }
  });
}

}  // namespace
}  // namespace weft::testing::message_operations_test
