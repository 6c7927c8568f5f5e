// Scenarios of the operations of message sockets: one message, and several at once, over UDP and
// Unix sockets.
#include <array>
#include <cstring>

#include "conformance/scenarios.hpp"

namespace weft::testing {
namespace {

constexpr std::size_t batch = 3;

/// Several messages of one slice each.
class MessagesOperation final : public TestOperation {
 public:
  MessagesOperation(OperationKind what, Source& on, const std::string& text)
      : TestOperation(what, on) {
    for (std::size_t i = 0; i < batch; ++i) {
      texts_[i] = text;
      slices_[i] = {texts_[i].data(), texts_[i].size()};
      headers_[i].msg_hdr.msg_iov = &slices_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
    io.messages = {headers_.data(), headers_.size()};
  }
  [[nodiscard]] std::string text(std::size_t index) const {
    return texts_[index].substr(0, headers_[index].msg_len);
  }

 private:
  std::array<std::string, batch> texts_;
  std::array<iovec, batch> slices_{};
  std::array<mmsghdr, batch> headers_{};
};

class ShortMessageOperation final : public TestOperation {
 public:
  explicit ShortMessageOperation(Source& on) : TestOperation(OperationKind::receive_message, on) {
    slice_ = {text_.data(), text_.size()};
    header_.msg_iov = &slice_;
    header_.msg_iovlen = 1;
    header_.msg_flags = MSG_TRUNC;  // the flags of the call: the result is the full size
    io.message = &header_;
  }
  [[nodiscard]] std::string text() const { return {text_.data(), text_.size()}; }
  [[nodiscard]] bool truncated() const { return (header_.msg_flags & MSG_TRUNC) != 0; }

 private:
  std::array<char, 2> text_{};
  iovec slice_{};
  msghdr header_{};
};

Ends make_udp_pair() {
  detail::Fd first = make_socket(SOCK_DGRAM);
  detail::Fd second = make_socket(SOCK_DGRAM);
  for (const detail::Fd* const each : {&first, &second}) {
    const sockaddr_in any = loopback();
    must(::bind(each->get(), generic(any), sizeof any), "bind");
  }
  const sockaddr_in of_first = address_of(first);
  const sockaddr_in of_second = address_of(second);
  must(::connect(first.get(), generic(of_second), sizeof of_second), "connect");
  must(::connect(second.get(), generic(of_first), sizeof of_first), "connect");
  return {std::move(first), std::move(second)};
}

class DatagramScenario : public Scenario {
 public:
  explicit DatagramScenario(Ends ends)
      : source_(std::make_unique<Source>(ends.first.release())), peer_(std::move(ends.second)) {}

 protected:
  std::unique_ptr<Source> source_;
  detail::Fd peer_;
};

class ReceiveMessages : public DatagramScenario {
 public:
  using DatagramScenario::DatagramScenario;
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<MessagesOperation>(OperationKind::receive_messages, *source_,
                                               std::string(64, ' '));
  }
  void make_ready() override {
    put(peer_, "hello");
    put(peer_, "world!");
  }
  void check(const TestOperation& operation) override {
    ASSERT_EQ(operation.result, 2);
    const auto& messages = static_cast<const MessagesOperation&>(operation);
    EXPECT_EQ(messages.text(0), "hello");
    EXPECT_EQ(messages.text(1), "world!");
  }
  detail::Call call() const override { return detail::Call::recvmmsg; }
};

class ReceiveUdpMessages final : public ReceiveMessages {
 public:
  ReceiveUdpMessages() : ReceiveMessages(make_udp_pair()) {}
};

class ReceiveUnixMessages final : public ReceiveMessages {
 public:
  ReceiveUnixMessages() : ReceiveMessages(make_socket_pair(SOCK_DGRAM)) {}
};

class ReceiveUdpMessage final : public DatagramScenario {
 public:
  ReceiveUdpMessage() : DatagramScenario(make_udp_pair()) {}
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<ShortMessageOperation>(*source_);
  }
  void make_ready() override { put(peer_, "hello"); }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(operation.result, 5) << "the full size";
    const auto& message = static_cast<const ShortMessageOperation&>(operation);
    EXPECT_EQ(message.text(), "he");
    EXPECT_TRUE(message.truncated());
  }
  detail::Call call() const override { return detail::Call::recvmsg; }
};

class SendUnixMessages final : public DatagramScenario {
 public:
  SendUnixMessages() : DatagramScenario(make_socket_pair(SOCK_DGRAM)) {
    detail::Fd ours(source_->handle());
    filled_ = fill(ours);
    static_cast<void>(ours.release());  // the source's
  }
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<MessagesOperation>(OperationKind::send_messages, *source_, "hello");
  }
  void make_ready() override {
    std::size_t left = filled_;
    while (left > 0) left -= take(peer_).size();
  }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(operation.result, static_cast<std::int64_t>(batch));
  }
  detail::Call call() const override { return detail::Call::sendmmsg; }

 private:
  std::size_t filled_ = 0;
};

}  // namespace

std::vector<ScenarioFactory> message_scenarios() {
  return {scenario<ReceiveUdpMessage>("receive_message_udp"),
          scenario<ReceiveUdpMessages>("receive_messages_udp"),
          scenario<ReceiveUnixMessages>("receive_messages_unix"),
          scenario<SendUnixMessages>("send_messages")};
}

}  // namespace weft::testing
