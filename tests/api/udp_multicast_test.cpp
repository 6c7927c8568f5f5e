// Multicast over the loopback interface.
#include <weft/udp.hpp>

#include <array>
#include <string>

#include "api/net_support.hpp"

namespace weft::testing::udp_multicast_test {
namespace {

class UdpMulticast : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, UdpMulticast, ::testing::Values(0, 2), name_of_workers);

std::uint32_t loopback_index() { return interface_index("lo").value(); }
Endpoint address_of(const UdpSocket& socket) { return socket.local_endpoint().value(); }

UdpOptions shared_options() {
  UdpOptions options;
  options.reuse_address = true;
  options.report_destination = true;
  return options;
}

/// A socket that sends to groups through an interface, by default the loopback.
UdpSocket sender_at(const Endpoint& at, std::uint32_t interface = loopback_index()) {
  UdpSocket sender = UdpSocket::bind(at);
  EXPECT_TRUE(sender.set_multicast_interface(interface).has_value());
  return sender;
}

/// An interface with a route for groups of IPv6, which a loopback often has not; 0 if there is
/// none. What goes to a group of interface-local scope (ff01::/16) leaves no machine.
std::uint32_t interface_for(const Endpoint& group) {
  for (std::uint32_t index = 1; index < 64; ++index) {
    UdpSocket socket = UdpSocket::bind("[::]:0");
    if (!socket.set_multicast_interface(index)) continue;
    if (socket.try_send_to("probe", group.with_port(9))) return index;
  }
  return 0;
}

Task<std::string> next(UdpSocket& socket) {
  std::array<std::byte, 64> buffer;
  const ReceivedDatagram got = co_await socket.receive(buffer);
  co_return std::string(reinterpret_cast<const char*>(got.data.data()), got.data.size());
}

bool has_nothing(UdpSocket& socket) {
  std::array<std::byte, 64> buffer;
  return socket.try_receive(buffer).error() == std::errc::operation_would_block;
}

/// Members receive, others do not, and after leaving not any more.
Task<void> expect_membership(Endpoint any, Endpoint group, std::uint32_t interface) {
  UdpSocket first = UdpSocket::bind(any, shared_options());
  const std::uint16_t port = address_of(first).port();
  UdpSocket second = UdpSocket::bind(any.with_port(port), shared_options());
  UdpSocket stranger = UdpSocket::bind(any.with_port(port), shared_options());
  EXPECT_TRUE(stranger.set_multicast_all(false).has_value());
  UdpSocket sender = sender_at(any, interface);
  for (UdpSocket* const each : {&first, &second}) {
    EXPECT_TRUE(each->set_multicast_all(false).has_value());
    EXPECT_TRUE(each->join_multicast(group, interface).has_value());
  }
  EXPECT_EQ(first.join_multicast(group, interface).error(), std::errc::address_in_use);
  co_await sender.send_to("to all", group.with_port(port));
  std::array<std::byte, 64> buffer;
  const ReceivedDatagram got = co_await first.receive(buffer);
  EXPECT_EQ(got.data.size(), 6U);
  EXPECT_EQ(got.destination.ip_bytes(), group.ip_bytes()) << got.destination.to_string();
  EXPECT_EQ(got.interface_index, interface);
  const std::string of_second = co_await next(second);
  EXPECT_EQ(of_second, "to all");
  EXPECT_TRUE(has_nothing(stranger));
  EXPECT_TRUE(first.leave_multicast(group, interface).has_value());
  EXPECT_EQ(first.leave_multicast(group, interface).error(), std::errc::address_not_available);
  co_await sender.send_to("again", group.with_port(port));
  const std::string again = co_await next(second);
  EXPECT_EQ(again, "again");
  EXPECT_TRUE(has_nothing(first));
}

TEST_P(UdpMulticast, OfIpv4) {
  run([] {
    return expect_membership(Endpoint::any(0), Endpoint::ipv4({239, 1, 2, 3}, 0), loopback_index());
  });
}

TEST_P(UdpMulticast, OfIpv6) {
  const Endpoint group = Endpoint::parse("[ff01::1:2]:0").value();
  const std::uint32_t interface = interface_for(group);
  if (interface == 0) GTEST_SKIP() << "no interface has a route for groups of IPv6";
  run([&] { return expect_membership(Endpoint::parse("[::]:0").value(), group, interface); });
}

TEST_P(UdpMulticast, OfOneSource) {
  run([]() -> Task<void> {
    const Endpoint group = Endpoint::ipv4({232, 1, 2, 3}, 0);
    const Endpoint wanted = Endpoint::ipv4({127, 0, 0, 2}, 0);
    UdpSocket socket = UdpSocket::bind("0.0.0.0:0");
    EXPECT_TRUE(socket.set_multicast_all(false).has_value());
    EXPECT_TRUE(socket.join_multicast_source(group, wanted, loopback_index()).has_value());
    UdpSocket right = sender_at(wanted);
    UdpSocket wrong = sender_at(Endpoint::ipv4({127, 0, 0, 3}, 0));
    const Endpoint to = group.with_port(address_of(socket).port());
    co_await wrong.send_to("wrong", to);
    co_await right.send_to("right", to);
    const std::string got = co_await next(socket);
    EXPECT_EQ(got, "right");
    EXPECT_TRUE(socket.leave_multicast_source(group, wanted, loopback_index()).has_value());
    EXPECT_EQ(socket.join_multicast_source(group, Endpoint::parse("[::1]:0").value()).error(),
              std::errc::invalid_argument);
  });
}

TEST_P(UdpMulticast, LoopIsAnOptionAndGroupsAreChecked) {
  run([]() -> Task<void> {
    const Endpoint group = Endpoint::ipv4({239, 1, 2, 4}, 0);
    UdpSocket socket = UdpSocket::bind("0.0.0.0:0");
    EXPECT_TRUE(socket.join_multicast(group, loopback_index()).has_value());
    UdpSocket sender = sender_at(Endpoint::loopback(0));
    EXPECT_TRUE(sender.multicast_loop().value());
    EXPECT_TRUE(sender.set_multicast_loop(false).has_value());
    EXPECT_FALSE(sender.multicast_loop().value());
    EXPECT_EQ(socket.join_multicast(Endpoint::loopback(0)).error(), std::errc::invalid_argument);
    EXPECT_EQ(socket.join_multicast(Endpoint()).error(), std::errc::invalid_argument);
    EXPECT_TRUE(sender.set_multicast_loop(true).has_value());
    const Endpoint to = group.with_port(address_of(socket).port());
    co_await sender.send_to("seen", to);
    const std::string got = co_await next(socket);
    EXPECT_EQ(got, "seen");
  });
}

}  // namespace
}  // namespace weft::testing::udp_multicast_test
