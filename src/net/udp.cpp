// UdpSocket: opening, connecting, and its options. The operations are in message_request.cpp and
// datagram_batch.cpp.
#include <weft/udp.hpp>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "net/message.hpp"
#include "net/message_socket.hpp"
#include "net/resolver.hpp"
#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1 {

namespace {

using detail::SocketOption;

/// What has to be set before the socket is bound.
Result<void> apply_before_bind(int handle, int family, const UdpOptions& options) noexcept {
  Result<void> set;
  const auto put = [&](bool wanted, int level, int name, int value) {
    if (set && wanted) set = detail::set_option(handle, level, name, value);
  };
  put(options.reuse_address, SOL_SOCKET, SO_REUSEADDR, 1);
  put(options.reuse_port, SOL_SOCKET, SO_REUSEPORT, 1);
  put(options.broadcast, SOL_SOCKET, SO_BROADCAST, 1);
  // Also to turn it off: the default differs between systems.
  put(family == AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
  put(options.receive_buffer != 0, SOL_SOCKET, SO_RCVBUF,
      detail::option_value(static_cast<std::int64_t>(options.receive_buffer)));
  put(options.send_buffer != 0, SOL_SOCKET, SO_SNDBUF,
      detail::option_value(static_cast<std::int64_t>(options.send_buffer)));
  return set;
}

Result<void> apply_reports(UdpSocket& socket, const UdpOptions& options) noexcept {
  Result<void> set;
  if (options.report_destination) set = socket.set_report_destination(true);
  if (set && options.report_traffic_class) set = socket.set_report_traffic_class(true);
  if (set && options.report_ttl) set = socket.set_report_ttl(true);
  // A system without it joins nothing, and receives the same datagrams.
  if (set && options.join_segments) static_cast<void>(socket.set_join_segments(true));
  return set;
}

/// The socket that connect() begins with: of the peer's family, at any address and a free port.
Endpoint any_of_family(const Endpoint& peer) noexcept {
  return peer.is_ipv6() ? Endpoint::ipv6(Endpoint::Ipv6{}, 0) : Endpoint::any(0);
}

/// A group_req or group_source_req: one way to join for both families (RFC 3678).
void fill_address(sockaddr_storage& into, const Endpoint& address) noexcept {
  const detail::NativeAddress native(address);
  into = native.storage;
}

Result<void> change_membership(detail::Socket* socket, int name, const Endpoint& group,
                               std::uint32_t interface) noexcept {
  if (!group.is_ip()) return fail(std::errc::invalid_argument);
  group_req request{};
  request.gr_interface = interface;
  fill_address(request.gr_group, group);
  return detail::set_raw(socket, group.is_ipv6() ? IPPROTO_IPV6 : IPPROTO_IP, name,
                         std::as_bytes(std::span(&request, 1)));
}

Result<void> change_source_membership(detail::Socket* socket, int name, const Endpoint& group,
                                      const Endpoint& source, std::uint32_t interface) noexcept {
  if (!group.is_ip() || group.is_ipv6() != source.is_ipv6() || !source.is_ip()) {
    return fail(std::errc::invalid_argument);
  }
  group_source_req request{};
  request.gsr_interface = interface;
  fill_address(request.gsr_group, group);
  fill_address(request.gsr_source, source);
  return detail::set_raw(socket, group.is_ipv6() ? IPPROTO_IPV6 : IPPROTO_IP, name,
                         std::as_bytes(std::span(&request, 1)));
}

}  // namespace

Result<UdpSocket> UdpSocket::open(const Endpoint& at, const UdpOptions& options) {
  if (!at.is_ip()) return fail(std::errc::invalid_argument);
  const detail::NativeAddress address(at);
  Result<detail::Fd> handle = detail::open_socket(address.family(), SOCK_DGRAM);
  if (!handle) return fail(handle.error());
  Result<void> done = apply_before_bind(handle->get(), address.family(), options);
  if (done) {
    done = detail::checked(detail::Syscalls::bind(handle->get(), address.get(), address.size));
  }
  if (!done) return fail(done.error());
  Result<detail::SocketOwner> owner = detail::named_socket(std::move(*handle));
  if (!owner) return fail(owner.error());
  UdpSocket socket(std::move(*owner));
  done = apply_reports(socket, options);
  if (!done) return fail(done.error());
  return socket;
}

UdpSocket UdpSocket::bind(const Endpoint& at, const UdpOptions& options) {
  Result<UdpSocket> socket = open(at, options);
  if (!socket) throw IoError(socket.error(), "bind", at.to_string());
  return std::move(*socket);
}

UdpSocket UdpSocket::bind(std::string_view at, const UdpOptions& options) {
  const Result<Endpoint> endpoint = Endpoint::parse(at);
  if (!endpoint) throw IoError(endpoint.error(), "bind", at);
  return bind(*endpoint, options);
}

Task<UdpSocket> UdpSocket::connect(std::string host, std::uint16_t port, UdpOptions options) {
  const std::vector<Endpoint> addresses =
      co_await detail::addresses_of(options.resolver, host, port);
  std::string name = host + ":" + std::to_string(port);
  if (!addresses.empty()) name += " (" + addresses.back().to_string() + ")";
  std::error_code error = std::make_error_code(std::errc::invalid_argument);
  for (const Endpoint& address : addresses) {
    Result<UdpSocket> socket = open(any_of_family(address), options);
    const Result<void> connected =
        socket ? socket->connect(address) : Result<void>(fail(socket.error()));
    if (connected) co_return std::move(*socket);
    error = connected.error();
  }
  throw IoError(error, "connect", name);
}

Task<UdpSocket> UdpSocket::connect(std::string address, UdpOptions options) {
  Result<HostPort> where = parse_host_port(address);
  if (!where) throw IoError(where.error(), "connect", address);
  UdpSocket socket = co_await connect(std::move(where->host), where->port, options);
  co_return socket;
}

Result<UdpSocket> UdpSocket::adopt(NativeHandle handle) noexcept {
  const Result<int> protocol = detail::get_option(handle, SOL_SOCKET, SO_PROTOCOL);
  if (!protocol) return fail(protocol.error());
  if (*protocol != IPPROTO_UDP) return fail(std::errc::invalid_argument);
  Result<detail::SocketOwner> socket =
      detail::adopt_socket(handle, {AF_INET, AF_INET6}, SOCK_DGRAM);
  if (!socket) return fail(socket.error());
  return UdpSocket(std::move(*socket));
}

Result<void> UdpSocket::connect(const Endpoint& peer) noexcept {
  if (!peer.is_ip()) return fail(std::errc::invalid_argument);
  const detail::NativeAddress address = detail::address_for(detail::socket_of(socket_.get()), peer);
  return detail::with_handle(socket_.get(), [&](int handle) {
    return detail::checked(detail::Syscalls::connect(handle, address.get(), address.size));
  });
}

Result<void> UdpSocket::disconnect() noexcept {
  sockaddr nothing{};
  nothing.sa_family = AF_UNSPEC;
  return detail::with_handle(socket_.get(), [&](int handle) {
    return detail::checked(detail::Syscalls::connect(handle, &nothing, sizeof nothing));
  });
}

UdpSocket::Halves UdpSocket::split() && noexcept {
  detail::socket_of(socket_.get()).add_owner();
  UdpSender sender(detail::SocketOwner(socket_.get(), detail::SocketCloser{interest::writable}));
  UdpReceiver receiver(
      detail::SocketOwner(socket_.release(), detail::SocketCloser{interest::readable}));
  return Halves(std::move(receiver), std::move(sender));
}

// Options

Result<void> UdpSocket::set_broadcast(bool on) noexcept {
  return set_to(SocketOption::broadcast, on ? 1 : 0);
}
Result<bool> UdpSocket::broadcast() const noexcept { return get_as<bool>(SocketOption::broadcast); }
Result<void> UdpSocket::set_report_destination(bool on) noexcept {
  return set_to(SocketOption::report_destination, on ? 1 : 0);
}
Result<void> UdpSocket::set_report_traffic_class(bool on) noexcept {
  return set_to(SocketOption::report_traffic_class, on ? 1 : 0);
}
Result<void> UdpSocket::set_report_ttl(bool on) noexcept {
  return set_to(SocketOption::report_ttl, on ? 1 : 0);
}
Result<void> UdpSocket::set_join_segments(bool on) noexcept {
  return set_to(SocketOption::join_segments, on ? 1 : 0);
}

// Multicast

Result<void> UdpSocket::join_multicast(const Endpoint& group, std::uint32_t interface) noexcept {
  return change_membership(socket_.get(), MCAST_JOIN_GROUP, group, interface);
}
Result<void> UdpSocket::leave_multicast(const Endpoint& group, std::uint32_t interface) noexcept {
  return change_membership(socket_.get(), MCAST_LEAVE_GROUP, group, interface);
}
Result<void> UdpSocket::join_multicast_source(const Endpoint& group, const Endpoint& source,
                                              std::uint32_t interface) noexcept {
  return change_source_membership(socket_.get(), MCAST_JOIN_SOURCE_GROUP, group, source, interface);
}
Result<void> UdpSocket::leave_multicast_source(const Endpoint& group, const Endpoint& source,
                                               std::uint32_t interface) noexcept {
  return change_source_membership(socket_.get(), MCAST_LEAVE_SOURCE_GROUP, group, source,
                                  interface);
}

Result<void> UdpSocket::set_multicast_interface(std::uint32_t interface) noexcept {
  ip_mreqn request{};
  request.imr_ifindex = detail::option_value(interface);
  Result<void> set;
  if (detail::socket_of(socket_.get()).name.is_ipv6()) {
    const int index = request.imr_ifindex;
    set = set_option(IPPROTO_IPV6, IPV6_MULTICAST_IF, std::as_bytes(std::span(&index, 1)));
  }
  // A socket of IPv6 sends to groups of IPv4 by the options of IPv4.
  if (set) set = set_option(IPPROTO_IP, IP_MULTICAST_IF, std::as_bytes(std::span(&request, 1)));
  return set;
}
Result<void> UdpSocket::set_multicast_loop(bool on) noexcept {
  return set_to(SocketOption::multicast_loop, on ? 1 : 0);
}
Result<bool> UdpSocket::multicast_loop() const noexcept {
  return get_as<bool>(SocketOption::multicast_loop);
}
Result<void> UdpSocket::set_multicast_ttl(std::uint8_t hops) noexcept {
  return set_to(SocketOption::multicast_ttl, hops);
}
Result<std::uint8_t> UdpSocket::multicast_ttl() const noexcept {
  return get_as<std::uint8_t>(SocketOption::multicast_ttl);
}
Result<void> UdpSocket::set_multicast_all(bool on) noexcept {
  return set_to(SocketOption::multicast_all, on ? 1 : 0);
}

}  // namespace weft::inline v0_1
