// What is told of a datagram, and asked for one: destination and interface, traffic class and
// congestion bits, time to live, over IPv4, IPv6 and both on one socket; and socket options.
#include <netinet/in.h>
#include <sys/socket.h>
#include <weft/udp.hpp>

#include <array>
#include <string>

#include "api/net_support.hpp"

namespace weft::testing::udp_details_test {
namespace {

class UdpDetails : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, UdpDetails, ::testing::Values(0, 2), name_of_workers);

UdpOptions all_reports() {
  UdpOptions options;
  options.report_destination = true;
  options.report_traffic_class = true;
  options.report_ttl = true;
  return options;
}

Endpoint v6_loopback(std::uint16_t port = 0) {
  return Endpoint::parse("[::1]:" + std::to_string(port)).value();
}
Endpoint address_of(const UdpSocket& socket) { return socket.local_endpoint().value(); }

std::uint32_t loopback_index() { return interface_index("lo").value(); }

/// Sends one datagram with all details from `from` to `to`, and checks what is told of it.
Task<void> expect_details(UdpSocket& from, UdpSocket& at, Endpoint to, Endpoint destination) {
  std::array<std::byte, 64> buffer;
  SendDetails details;
  details.ttl(7).traffic_class(0xb8).ecn(Ecn::ect0);
  co_await from.send_to("x", to, details);
  const ReceivedDatagram got = co_await at.receive(buffer);
  EXPECT_EQ(got.destination, destination) << got.destination.to_string();
  EXPECT_EQ(got.interface_index, loopback_index());
  EXPECT_EQ(got.ttl, 7);
  EXPECT_EQ(got.traffic_class, 0xba);
  EXPECT_EQ(got.ecn(), Ecn::ect0);
}

TEST_P(UdpDetails, OfIpv4) {
  run([]() -> Task<void> {
    UdpSocket from = UdpSocket::bind("127.0.0.1:0");
    UdpSocket at = UdpSocket::bind("0.0.0.0:0", all_reports());
    const std::uint16_t port = address_of(at).port();
    co_await expect_details(from, at, Endpoint::loopback(port), Endpoint::loopback(0));
    // Another address of the same machine.
    const Endpoint another = Endpoint::ipv4({127, 0, 0, 9}, port);
    co_await expect_details(from, at, another, another.with_port(0));
  });
}

TEST_P(UdpDetails, OfIpv6) {
  run([]() -> Task<void> {
    UdpOptions options = all_reports();
    options.ipv6_only = true;
    UdpSocket from = UdpSocket::bind("[::1]:0");
    UdpSocket at = UdpSocket::bind("[::]:0", options);
    EXPECT_TRUE(at.only_v6().value());
    const Endpoint to = v6_loopback(address_of(at).port());
    co_await expect_details(from, at, to, v6_loopback());
  });
}

// A socket with both families: IPv4 peers are told as IPv4, reached as IPv4, with all details.
TEST_P(UdpDetails, OfBothFamiliesOnOneSocket) {
  run([]() -> Task<void> {
    UdpSocket both = UdpSocket::bind("[::]:0", all_reports());
    EXPECT_FALSE(both.only_v6().value());
    const std::uint16_t port = address_of(both).port();
    UdpSocket v4 = UdpSocket::bind("127.0.0.1:0", all_reports());
    UdpSocket v6 = UdpSocket::bind("[::1]:0", all_reports());
    co_await expect_details(v4, both, Endpoint::loopback(port), Endpoint::loopback(0));
    co_await expect_details(v6, both, v6_loopback(port), v6_loopback());
    co_await expect_details(both, v4, address_of(v4), Endpoint::loopback(0));
    co_await expect_details(both, v6, address_of(v6), v6_loopback());
    std::array<std::byte, 64> buffer;
    co_await v4.send_to("to both", Endpoint::loopback(port));
    const ReceivedDatagram got = co_await both.receive(buffer);
    EXPECT_EQ(got.sender, address_of(v4)) << got.sender.to_string();
    EXPECT_TRUE(both.connect(got.sender).has_value());
    EXPECT_EQ(both.peer_endpoint().value(), address_of(v4));
    co_await both.send("connected");
    const ReceivedDatagram answer = co_await v4.receive(buffer);
    EXPECT_EQ(answer.data.size(), 9U);
  });
}

TEST_P(UdpDetails, AnAnswerComesFromTheAddressThatWasAsked) {
  run([]() -> Task<void> {
    UdpSocket server = UdpSocket::bind("0.0.0.0:0", all_reports());
    UdpSocket client = UdpSocket::bind("127.0.0.1:0");
    const Endpoint asked = Endpoint::ipv4({127, 0, 0, 42}, address_of(server).port());
    std::array<std::byte, 64> buffer;
    co_await client.send_to("?", asked);
    const ReceivedDatagram question = co_await server.receive(buffer);
    SendDetails details;
    details.source(question.destination).through(question.interface_index);
    co_await server.send_to("!", question.sender, details);
    const ReceivedDatagram answer = co_await client.receive(buffer);
    EXPECT_EQ(answer.sender, asked) << answer.sender.to_string();
    // The same on a socket of both families.
    UdpSocket both = UdpSocket::bind("[::]:0", all_reports());
    const Endpoint other = Endpoint::ipv4({127, 0, 0, 43}, address_of(both).port());
    co_await client.send_to("?", other);
    const ReceivedDatagram second = co_await both.receive(buffer);
    SendDetails back;
    back.source(second.destination);
    co_await both.send_to("!", second.sender, back);
    const ReceivedDatagram last = co_await client.receive(buffer);
    EXPECT_EQ(last.sender, other) << last.sender.to_string();
  });
}

// Otherwise the system might send from an address of its choice.
TEST_P(UdpDetails, ASourceOfTheOtherFamilyIsAnError) {
  run([]() -> Task<void> {
    UdpSocket v4 = UdpSocket::bind("127.0.0.1:0");
    UdpSocket v6 = UdpSocket::bind("[::1]:0");
    UdpSocket both = UdpSocket::bind("[::]:0");
    SendDetails from_v4;
    from_v4.source(Endpoint::loopback(0));
    SendDetails from_v6;
    from_v6.source(v6_loopback());
    const Endpoint to_v4 = address_of(v4);
    const Endpoint to_v6 = address_of(v6);
    EXPECT_EQ(v4.try_send_to("!", to_v4, from_v6).error(), std::errc::invalid_argument);
    EXPECT_EQ(both.try_send_to("!", to_v4, from_v6).error(), std::errc::invalid_argument);
    EXPECT_EQ(both.try_send_to("!", to_v6, from_v4).error(), std::errc::invalid_argument);
    EXPECT_EQ(v6.try_send_to("!", to_v6, from_v4).error(), std::errc::invalid_argument);
    const Result<void> sent = co_await attempt(v4.send_to("!", to_v4, from_v6));
    EXPECT_EQ(sent.error(), std::errc::invalid_argument);
    SendBatch batch;
    batch.add(std::as_bytes(std::span("!", 1)), to_v4, from_v6);
    const Result<std::size_t> many = co_await attempt(v4.send_batch(batch));
    EXPECT_EQ(many.error(), std::errc::invalid_argument);
  });
}

TEST_P(UdpDetails, AreAskedForAtAnyTime) {
  run([]() -> Task<void> {
    UdpSocket from = UdpSocket::bind("127.0.0.1:0");
    UdpSocket at = UdpSocket::bind("127.0.0.1:0");
    EXPECT_TRUE(at.set_report_destination(true).has_value());
    EXPECT_TRUE(at.set_report_traffic_class(true).has_value());
    EXPECT_TRUE(at.set_report_ttl(true).has_value());
    co_await expect_details(from, at, address_of(at), Endpoint::loopback(0));
    EXPECT_TRUE(at.set_report_ttl(false).has_value());
    std::array<std::byte, 64> buffer;
    co_await from.send_to("x", address_of(at));
    const ReceivedDatagram got = co_await at.receive(buffer);
    EXPECT_FALSE(got.ttl.has_value());
    EXPECT_TRUE(got.traffic_class.has_value());
    EXPECT_EQ(got.ecn(), Ecn::not_capable);
  });
}

TEST_P(UdpDetails, OptionsAreKept) {
  run([]() -> Task<void> {
    for (const char* const at : {"127.0.0.1:0", "[::1]:0"}) {
      UdpSocket socket = UdpSocket::bind(at);
      EXPECT_TRUE(socket.set_ttl(9).has_value());
      EXPECT_EQ(socket.ttl().value(), 9);
      EXPECT_TRUE(socket.set_traffic_class(0x28).has_value());
      EXPECT_EQ(socket.traffic_class().value(), 0x28);
      EXPECT_FALSE(socket.broadcast().value());
      EXPECT_TRUE(socket.set_broadcast(true).has_value());
      EXPECT_TRUE(socket.broadcast().value());
      EXPECT_TRUE(socket.set_priority(3).has_value());
      EXPECT_EQ(socket.priority().value(), 3U);
      EXPECT_TRUE(socket.set_multicast_ttl(5).has_value());
      EXPECT_EQ(socket.multicast_ttl().value(), 5);
      EXPECT_TRUE(socket.set_receive_buffer(65'536).has_value());
      EXPECT_GE(socket.receive_buffer().value(), 65'536U);
      EXPECT_TRUE(socket.set_send_buffer(65'536).has_value());
      EXPECT_GE(socket.send_buffer().value(), 65'536U);
      EXPECT_EQ(socket.bound_interface().value(), "");
      EXPECT_EQ(socket.bind_to_interface("no-such-interface").error(), std::errc::no_such_device);
      EXPECT_EQ(socket.take_error().value(), std::error_code());
    }
    UdpSocket v4 = UdpSocket::bind("127.0.0.1:0");
    EXPECT_EQ(v4.only_v6().error(), std::errc::operation_not_supported);
    co_return;
  });
}

TEST_P(UdpDetails, AnyOptionByItsNumber) {
  run([]() -> Task<void> {
    UdpSocket socket = UdpSocket::bind("127.0.0.1:0");
    const int on = 1;
    EXPECT_TRUE(
        socket.set_option(SOL_SOCKET, SO_TIMESTAMP, std::as_bytes(std::span(&on, 1))).has_value());
    int got = 0;
    const Result<std::size_t> size =
        socket.get_option(SOL_SOCKET, SO_TIMESTAMP, std::as_writable_bytes(std::span(&got, 1)));
    EXPECT_EQ(size.value(), sizeof got);
    EXPECT_EQ(got, 1);
    constexpr int no_such_option = 9'999;
    EXPECT_EQ(
        socket.set_option(SOL_SOCKET, no_such_option, std::as_bytes(std::span(&on, 1))).error(),
        std::errc::no_protocol_option);
    // What is not known here is skipped.
    std::array<std::byte, 64> buffer;
    co_await socket.send_to("x", address_of(socket));
    const ReceivedDatagram datagram = co_await socket.receive(buffer);
    EXPECT_EQ(datagram.data.size(), 1U);
  });
}

TEST_P(UdpDetails, OptionsAtTheBinding) {
  run([]() -> Task<void> {
    UdpOptions options;
    options.reuse_port = true;
    options.broadcast = true;
    options.receive_buffer = 65'536;
    UdpSocket one = UdpSocket::bind("127.0.0.1:0", options);
    EXPECT_TRUE(one.broadcast().value());
    EXPECT_GE(one.receive_buffer().value(), 65'536U);
    EXPECT_TRUE(UdpSocket::open(address_of(one), options).has_value());
    EXPECT_EQ(UdpSocket::open(address_of(one)).error(), std::errc::address_in_use);
    EXPECT_EQ(interface_index("no-such").error(), std::errc::no_such_device);
    co_return;
  });
}

// Broadcast needs permission, which is the option.
TEST_P(UdpDetails, BroadcastIsRefusedWithoutTheOption) {
  run([]() -> Task<void> {
    UdpSocket socket = UdpSocket::bind("0.0.0.0:0");
    const Endpoint all = Endpoint::ipv4({127, 255, 255, 255}, address_of(socket).port());
    const auto refused = co_await attempt(socket.send_to("x", all));
    EXPECT_EQ(refused.error(), std::errc::permission_denied);
    EXPECT_TRUE(socket.set_broadcast(true).has_value());
    co_await socket.send_to("x", all);
    std::array<std::byte, 64> buffer;
    const ReceivedDatagram got = co_await socket.receive(buffer);
    EXPECT_EQ(got.data.size(), 1U);
  });
}

}  // namespace
}  // namespace weft::testing::udp_details_test
