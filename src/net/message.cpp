#include "net/message.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

// All that can be told of one datagram, where both families are asked.
static_assert(CMSG_SPACE(sizeof(in_pktinfo)) + CMSG_SPACE(sizeof(in6_pktinfo)) +
                  5 * CMSG_SPACE(sizeof(int)) <=
              receive_control_size);
static_assert(CMSG_SPACE(sizeof(in6_pktinfo)) + 4 * CMSG_SPACE(sizeof(int)) +
                  CMSG_SPACE(sizeof(std::uint16_t)) <=
              send_control_size);

/// A value of the system at the front of `size` bytes; all zero if there are too few.
template <class T>
T value_at(const std::byte* data, std::size_t size) noexcept {
  T value{};
  std::memcpy(&value, data, std::min(size, sizeof value));
  return value;
}

/// A control message of an int, of which some kernels and families send the first byte alone.
int number_at(const std::byte* data, std::size_t size) noexcept {
  return size < sizeof(int) ? static_cast<int>(data[0]) : value_at<int>(data, size);
}

std::uint8_t byte_of(int number) noexcept { return static_cast<std::uint8_t>(number); }

void read_ipv4(int type, const std::byte* data, std::size_t size, ReceivedDatagram& into) noexcept {
  if (type == IP_PKTINFO) {
    const auto info = value_at<in_pktinfo>(data, size);
    Endpoint::Ipv4 address;
    std::memcpy(address.data(), &info.ipi_addr, address.size());
    into.destination = Endpoint::ipv4(address, 0);
    into.interface_index = static_cast<std::uint32_t>(info.ipi_ifindex);
  } else if (type == IP_TOS) {
    into.traffic_class = byte_of(number_at(data, size));
  } else if (type == IP_TTL) {
    into.ttl = byte_of(number_at(data, size));
  }
}

void read_ipv6(int type, const std::byte* data, std::size_t size, ReceivedDatagram& into) noexcept {
  if (type == IPV6_PKTINFO) {
    const auto info = value_at<in6_pktinfo>(data, size);
    Endpoint::Ipv6 address;
    std::memcpy(address.data(), &info.ipi6_addr, address.size());
    // The scope tells link-local addresses apart, and is no part of others.
    const bool is_local = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) != 0;
    into.destination =
        Endpoint::ipv6(address, 0, is_local ? static_cast<std::uint32_t>(info.ipi6_ifindex) : 0)
            .unmapped();
    into.interface_index = static_cast<std::uint32_t>(info.ipi6_ifindex);
  } else if (type == IPV6_TCLASS) {
    into.traffic_class = byte_of(number_at(data, size));
  } else if (type == IPV6_HOPLIMIT) {
    into.ttl = byte_of(number_at(data, size));
  }
}

/// What a socket of IPv6 calls an address of IPv4: ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
Endpoint mapped(const Endpoint& address) noexcept {
  if (!address.is_ipv4()) return address;
  Endpoint::Ipv6 bytes{};
  bytes[10] = bytes[11] = 0xff;
  std::copy_n(address.ip_bytes().begin(), 4, bytes.begin() + 12);
  return Endpoint::ipv6(bytes, address.port());
}

/// The system refuses a source that is not of the destination's family (EINVAL). It would skip one
/// of IPv6 for a socket of IPv4, and send from another address; so that is made one it refuses.
void write_source(ControlWriter& control, const SendDetails& details, bool is_ipv6) noexcept {
  const Endpoint source = is_ipv6 ? mapped(details.source()) : details.source();
  const std::uint32_t interface = details.interface_index();
  if (is_ipv6 || source.is_ipv6()) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, source.ip_bytes().data(), sizeof info.ipi6_addr);
    info.ipi6_ifindex = interface != 0 ? interface : source.scope();
    if (!is_ipv6) {
      control.add(IPPROTO_IP, IP_PKTINFO, info);  // of the wrong size
    } else if (source.is_ipv6() || info.ipi6_ifindex != 0) {
      control.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  } else if (source.is_ipv4() || interface != 0) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, source.ip_bytes().data(), sizeof info.ipi_spec_dst);
    info.ipi_ifindex = static_cast<int>(interface);
    control.add(IPPROTO_IP, IP_PKTINFO, info);
  }
}

}  // namespace

void ControlWriter::add(int level, int type, const void* data, std::size_t size) noexcept {
  WEFT_CHECK(used_ + CMSG_SPACE(size) <= room_.size(), "the room for control data is too small");
  std::byte* const at = room_.data() + used_;
  std::memset(at, 0, CMSG_SPACE(size));
  cmsghdr header{};
  header.cmsg_len = CMSG_LEN(size);
  header.cmsg_level = level;
  header.cmsg_type = type;
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + CMSG_LEN(0), data, size);
  used_ += CMSG_SPACE(size);
}

NativeAddress address_for(const Socket& on, const Endpoint& to) noexcept {
  return NativeAddress(on.name.is_ipv6() ? mapped(to) : to);
}

void write_details(ControlWriter& control, const Socket& on, const SendDetails& details,
                   std::uint16_t segment_size) noexcept {
  // A socket of IPv6 may send to both families. The system reads the messages of the family that it
  // sends by and skips the others, so such a socket gets those of both.
  const bool is_ipv6 = on.name.is_ipv6();
  write_source(control, details, is_ipv6);
  if (details.traffic_class()) {
    const int value = *details.traffic_class();
    control.add(IPPROTO_IP, IP_TOS, value);
    if (is_ipv6) control.add(IPPROTO_IPV6, IPV6_TCLASS, value);
  }
  if (details.ttl()) {
    const int value = *details.ttl();
    control.add(IPPROTO_IP, IP_TTL, value);
    if (is_ipv6) control.add(IPPROTO_IPV6, IPV6_HOPLIMIT, value);
  }
  if (segment_size != 0) control.add(IPPROTO_UDP, UDP_SEGMENT, segment_size);
}

void read_message(const msghdr& header, std::span<std::byte> buffer, std::size_t size,
                  ReceivedDatagram& into) {
  into.data = buffer.first(std::min(size, buffer.size()));
  into.full_size = size;
  Endpoint sender = endpoint_from_native(header.msg_name, header.msg_namelen);
  into.sender = sender.is_ipv6() ? sender.unmapped() : std::move(sender);
  into.destination = Endpoint();
  into.interface_index = 0;
  into.ttl.reset();
  into.traffic_class.reset();
  into.segment_size = 0;
  for_each_control(header, [&into](int level, int type, const std::byte* data, std::size_t length) {
    if (level == IPPROTO_IP) {
      read_ipv4(type, data, length, into);
    } else if (level == IPPROTO_IPV6) {
      read_ipv6(type, data, length, into);
    } else if (level == IPPROTO_UDP && type == UDP_GRO) {
      into.segment_size = static_cast<std::size_t>(std::max(number_at(data, length), 0));
    }
  });
}

std::string subject_of_message_socket(const Socket* socket, const Endpoint& to) {
  if (to != Endpoint()) return to.to_string();
  const Result<Endpoint> peer =
      with_handle(const_cast<Socket*>(socket), [](int handle) { return peer_endpoint_of(handle); });
  if (peer && *peer != Endpoint() && peer->to_string() != "unix:") {
    return peer->unmapped().to_string();
  }
  return socket->name.to_string();
}

Result<Endpoint> peer_endpoint_of(int handle) {
  NativeAddress address;
  address.size = sizeof address.storage;
  const Result<void> got = checked(Syscalls::getpeername(handle, address.get(), &address.size));
  if (!got) return fail(got.error());
  return endpoint_from_native(&address.storage, address.size);
}

void end_at_once(Operation& op) noexcept {
  op.kind = OperationKind::timer;
  op.set_deadline(0);
}

}  // namespace weft::inline v0_1::detail
