// UdpSocket: one datagram at a time, connected and not, errors that are of one operation, the end.
#include <sys/socket.h>
#include <weft/udp.hpp>

#include <array>
#include <string>
#include <system_error>
#include <utility>

#include "api/net_support.hpp"
#include "os/fault.hpp"
#include "support/helpers.hpp"

namespace weft::testing::udp_test {
namespace {

class Udp : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, Udp, ::testing::Values(0, 1, 2), name_of_workers);

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

UdpSocket at_loopback(const UdpOptions& options = {}) {
  return UdpSocket::bind(Endpoint::loopback(0), options);
}
Endpoint address_of(const UdpSocket& socket) { return socket.local_endpoint().value(); }

TEST_P(Udp, SendsAndReceivesWithTheSendersAddress) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    UdpSocket other = at_loopback();
    std::array<std::byte, 64> buffer;
    co_await one.send_to("ping", address_of(other));
    const ReceivedDatagram got = co_await other.receive_from(buffer);
    EXPECT_EQ(text_of(got.data), "ping");
    EXPECT_EQ(got.full_size, 4U);
    EXPECT_FALSE(got.truncated());
    EXPECT_EQ(got.sender, address_of(one));
    EXPECT_EQ(got.destination, Endpoint()) << "it was not asked for";
    EXPECT_FALSE(got.ttl.has_value());
    EXPECT_EQ(got.segments(), 1U);
    co_await other.send_to(std::string("pong"), got.sender);  // a temporary
    const ReceivedDatagram answer = co_await one.receive(buffer);
    EXPECT_EQ(text_of(answer.data), "pong");
    EXPECT_EQ(answer.sender, address_of(other));
  });
}

TEST_P(Udp, AReceiveWaitsForADatagram) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    UdpSocket other = at_loopback();
    std::array<std::byte, 64> buffer;
    auto waits = [](UdpSocket& socket, std::span<std::byte> room) -> Task<std::string> {
      const ReceivedDatagram got = co_await socket.receive(room);
      co_return text_of(got.data);
    };
    auto both = co_await when_all(waits(other, buffer), one.send_to("late", address_of(other)));
    EXPECT_EQ(std::get<0>(both), "late");
  });
}

TEST_P(Udp, EmptyDatagramsAreDatagrams) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    UdpSocket other = at_loopback();
    std::array<std::byte, 64> buffer;
    co_await one.send_to("", address_of(other));
    co_await one.send_to("next", address_of(other));
    const ReceivedDatagram empty = co_await other.receive(buffer);
    EXPECT_EQ(empty.data.size(), 0U);
    EXPECT_EQ(empty.sender, address_of(one));
    const ReceivedDatagram next = co_await other.receive(buffer);
    EXPECT_EQ(text_of(next.data), "next");
    co_await one.send_to("x", address_of(other));
    const ReceivedDatagram cut = co_await other.receive(std::span<std::byte>());
    EXPECT_TRUE(cut.truncated()) << "into no room at all";
    EXPECT_EQ(cut.full_size, 1U);
  });
}

TEST_P(Udp, TruncationTellsTheFullSize) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    UdpSocket other = at_loopback();
    std::array<std::byte, 3> buffer;
    co_await one.send_to("abcdefgh", address_of(other));
    const ReceivedDatagram got = co_await other.receive(buffer);
    EXPECT_EQ(text_of(got.data), "abc");
    EXPECT_TRUE(got.truncated());
    EXPECT_EQ(got.full_size, 8U);
    const Result<ReceivedDatagram> none = other.try_receive(buffer);
    EXPECT_EQ(none.error(), std::errc::operation_would_block) << "the rest is gone";
  });
}

TEST_P(Udp, APeekLeavesTheDatagramThere) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    UdpSocket other = at_loopback();
    std::array<std::byte, 64> buffer;
    co_await one.send_to("look", address_of(other));
    const ReceivedDatagram seen = co_await other.peek(buffer);
    EXPECT_EQ(text_of(seen.data), "look");
    EXPECT_EQ(seen.sender, address_of(one));
    const Result<ReceivedDatagram> again = other.try_peek(buffer);
    EXPECT_TRUE(again.has_value());
    const ReceivedDatagram got = co_await other.receive(buffer);
    EXPECT_EQ(text_of(got.data), "look");
    EXPECT_EQ(other.try_receive(buffer).error(), std::errc::operation_would_block);
  });
}

TEST_P(Udp, ReadableTellsWithoutTaking) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    UdpSocket other = at_loopback();
    std::array<std::byte, 64> buffer;
    co_await one.writable();
    co_await when_all(other.readable(), one.send_to("here", address_of(other)));
    const Result<ReceivedDatagram> got = other.try_receive(buffer);
    EXPECT_TRUE(got.has_value());
    EXPECT_EQ(text_of(got->data), "here");
    EXPECT_TRUE(one.try_send_to("now", address_of(other)).has_value());
    const ReceivedDatagram next = co_await other.receive(buffer);
    EXPECT_EQ(text_of(next.data), "now");
  });
}

TEST_P(Udp, AConnectedSocketReceivesFromItsPeerAlone) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    UdpSocket other = at_loopback();
    UdpSocket stranger = at_loopback();
    std::array<std::byte, 64> buffer;
    EXPECT_EQ(one.peer_endpoint().error(), std::errc::not_connected);
    EXPECT_TRUE(one.connect(address_of(other)).has_value());
    EXPECT_EQ(one.peer_endpoint().value(), address_of(other));
    co_await stranger.send_to("spam", address_of(one));
    co_await one.send("hello");
    const ReceivedDatagram got = co_await other.receive(buffer);
    co_await other.send_to("answer", got.sender);
    const ReceivedDatagram answer = co_await one.receive(buffer);
    EXPECT_EQ(text_of(answer.data), "answer") << "not the stranger's";
    EXPECT_TRUE(one.disconnect().has_value());
    EXPECT_EQ(one.try_send("x").error(), std::errc::destination_address_required);
    EXPECT_EQ(one.peer_endpoint().error(), std::errc::not_connected);
  });
}

TEST_P(Udp, ConnectsByName) {
  run([]() -> Task<void> {
    UdpSocket server = at_loopback();
    const std::uint16_t port = address_of(server).port();
    UdpSocket client = co_await UdpSocket::connect("127.0.0.1", port);
    co_await client.send("by address");
    std::array<std::byte, 64> buffer;
    const ReceivedDatagram got = co_await server.receive(buffer);
    EXPECT_EQ(text_of(got.data), "by address");
    UdpSocket by_text = co_await UdpSocket::connect("127.0.0.1:" + std::to_string(port));
    EXPECT_EQ(by_text.peer_endpoint().value(), address_of(server));
    const std::string bad = co_await error_text(UdpSocket::connect(std::string("nowhere")));
    EXPECT_EQ(bad, "connect nowhere: the port is missing");
  });
}

// What an ICMP message says of one datagram is the result of one operation, not the end.
TEST_P(Udp, ARefusedDatagramIsNotTheEnd) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    Endpoint gone;
    {
      const UdpSocket other = at_loopback();
      gone = address_of(other);
    }
    EXPECT_TRUE(one.connect(gone).has_value());
    std::array<std::byte, 64> buffer;
    co_await one.send("into the void");
    const std::string text = co_await error_text(one.receive(buffer));
    EXPECT_EQ(text, "receive " + gone.to_string() + ": connection refused");
    UdpSocket other = UdpSocket::bind(gone);
    co_await one.send("once more");
    const ReceivedDatagram got = co_await other.receive(buffer);
    EXPECT_EQ(text_of(got.data), "once more");
    co_await other.send_to("answer", got.sender);
    const ReceivedDatagram answer = co_await one.receive(buffer);
    EXPECT_EQ(text_of(answer.data), "answer");
  });
}

TEST_P(Udp, ATooLongDatagramIsNotTheEnd) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    UdpSocket other = at_loopback();
    const std::string huge(70'000, 'x');
    const Endpoint to = address_of(other);
    const std::string text = co_await error_text(one.send_to(huge, to));
    EXPECT_EQ(text, "send " + to.to_string() + ": message too long");
    std::string room(65'536, '\0');
    const std::string longest = pattern(65'507);
    co_await one.send_to(longest, to);
    const ReceivedDatagram got = co_await other.receive(room);
    EXPECT_EQ(text_of(got.data), longest);
  });
}

TEST_P(Udp, ErrorsNameTheOperationAndTheAddress) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    const std::string taken = [&] {
      try {
        static_cast<void>(UdpSocket::bind(address_of(one)));
      } catch (const IoError& error) {
        return std::string(error.what());
      }
      return std::string();
    }();
    EXPECT_EQ(taken, "bind " + address_of(one).to_string() + ": address already in use");
    EXPECT_THROW(static_cast<void>(UdpSocket::bind("localhost:1")), IoError);
    EXPECT_EQ(UdpSocket::open(Endpoint()).error(), std::errc::invalid_argument);
    const Endpoint v6 = Endpoint::parse("[::1]:9").value();
    const std::string family = co_await error_text(one.send_to("x", v6));
    EXPECT_EQ(family, "send [::1]:9: address family not supported by protocol");
    const std::string no_peer = co_await error_text(one.send("x"));
    EXPECT_EQ(no_peer, "send " + address_of(one).to_string() + ": destination address required");
  });
}

TEST_P(Udp, ACloseEndsTheOperationsThatWait) {
  detail::ScopedFaults calls;
  run([&calls]() -> Task<void> {
    UdpSocket one = at_loopback();
    std::array<std::byte, 64> buffer;
    auto close_when_tried = [](UdpSocket& socket, detail::ScopedFaults& tried) -> Task<void> {
      co_await test::until([&] { return tried.calls(detail::Call::recvmsg) != 0; });
      socket.close();
    };
    auto both = co_await when_all(attempt(one.receive(buffer)), close_when_tried(one, calls));
    EXPECT_EQ(std::get<0>(both).error(), std::errc::operation_canceled);
    EXPECT_FALSE(static_cast<bool>(one));
    EXPECT_EQ(one.native_handle(), invalid_handle);
    const auto later = co_await attempt(one.send_to("x", Endpoint::loopback(9)));
    EXPECT_EQ(later.error(), std::errc::operation_canceled);
    EXPECT_EQ(one.try_receive(buffer).error(), std::errc::operation_canceled);
    EXPECT_EQ(one.local_endpoint().error(), std::errc::operation_canceled);
    EXPECT_EQ(one.connect(Endpoint::loopback(9)).error(), std::errc::operation_canceled);
  });
}

TEST_P(Udp, HalvesAreUsedByTwoTasks) {
  run([]() -> Task<void> {
    UdpSocket other = at_loopback();
    UdpSocket whole = at_loopback();
    EXPECT_TRUE(whole.connect(address_of(other)).has_value());
    const Endpoint own = address_of(whole);
    UdpSocket::Halves halves = std::move(whole).split();
    EXPECT_FALSE(static_cast<bool>(whole));
    auto receives = [](UdpReceiver half) -> Task<int> {
      std::array<std::byte, 8> buffer;
      int sum = 0;
      for (int i = 0; i < 100; ++i) {
        const ReceivedDatagram got = co_await half.receive(buffer);
        sum += static_cast<int>(got.data.size());
      }
      co_return sum;
    };
    auto sends = [](UdpSender half) -> Task<void> {
      for (int i = 0; i < 100; ++i) co_await half.send("x");
    };
    auto echoes = [](UdpSocket& socket) -> Task<void> {
      std::array<std::byte, 8> buffer;
      for (int i = 0; i < 100; ++i) {
        const ReceivedDatagram got = co_await socket.receive(buffer);
        co_await socket.send_to(got.data, got.sender);
      }
    };
    auto all = co_await when_all(receives(std::move(halves.receiver)),
                                 sends(std::move(halves.sender)), echoes(other));
    EXPECT_EQ(std::get<0>(all), 100);
    EXPECT_TRUE(UdpSocket::open(own).has_value()) << "the port is free again";
  });
}

TEST_P(Udp, AHalfThatIsClosedEndsItsDirectionAlone) {
  run([]() -> Task<void> {
    UdpSocket other = at_loopback();
    UdpSocket whole = at_loopback();
    UdpSocket::Halves halves = std::move(whole).split();
    halves.receiver.close();
    std::array<std::byte, 8> buffer;
    const auto none = co_await attempt(halves.receiver.receive(buffer));
    EXPECT_EQ(none.error(), std::errc::operation_canceled);
    co_await halves.sender.send_to("still", address_of(other));
    const ReceivedDatagram got = co_await other.receive(buffer);
    EXPECT_EQ(text_of(got.data), "still");
  });
}

TEST_P(Udp, AdoptsASocketMadeElsewhere) {
  run([]() -> Task<void> {
    const int handle = ::socket(AF_INET, SOCK_DGRAM, 0);
    Result<UdpSocket> adopted = UdpSocket::adopt(handle);
    EXPECT_TRUE(adopted.has_value());
    UdpSocket other = at_loopback();
    co_await adopted->send_to("x", address_of(other));
    std::array<std::byte, 8> buffer;
    const ReceivedDatagram got = co_await other.receive(buffer);
    EXPECT_EQ(text_of(got.data), "x");
    SocketListener tcp = SocketListener::bind("127.0.0.1:0");
    EXPECT_EQ(UdpSocket::adopt(tcp.native_handle()).error(), std::errc::invalid_argument);
    EXPECT_EQ(UdpSocket::adopt(-1).error(), std::errc::bad_file_descriptor);
  });
}

TEST_P(Udp, WorksFromThreadsAndFutures) {
  RuntimeOptions options;
  options.workers = 1;
  Runtime runtime(std::move(options));
  UdpSocket one = at_loopback();
  UdpSocket other = at_loopback();
  std::array<std::byte, 64> buffer;
  runtime.block_on(one.send_to("thread", address_of(other)));
  EXPECT_EQ(text_of(runtime.block_on(other.receive(buffer)).data), "thread");
  runtime.block_on([&]() -> Task<void> {
    co_await one.send_to("future", address_of(other));
    auto future = as_future(other.receive(buffer));
    const ReceivedDatagram got = co_await std::move(future);
    EXPECT_EQ(text_of(got.data), "future");
  });
}

TEST_P(Udp, WorksFromFibersAndCallbacks) {
  run([]() -> Task<void> {
    UdpSocket one = at_loopback();
    UdpSocket other = at_loopback();
    const std::string got = co_await fiber([&] {
      std::array<std::byte, 8> buffer;
      await(one.send_to("fiber", address_of(other)));
      return text_of(await(other.receive(buffer)).data);
    });
    EXPECT_EQ(got, "fiber");
    Promise<std::string> done;
    SharedResult<std::string> result = done.result();
    std::array<std::byte, 16> buffer;
    on_complete(other.receive(buffer),
                [&done](ReceivedDatagram datagram) { done.set_value(text_of(datagram.data)); });
    co_await one.send_to("callback", address_of(other));
    const std::string called = co_await result;
    EXPECT_EQ(called, "callback");
  });
}

}  // namespace
}  // namespace weft::testing::udp_test
