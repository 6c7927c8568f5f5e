// The options of sockets: their names in the system, and the calls. Any thread.
#include <weft/detail/socket_options.hpp>

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>

#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr int none = -1;

/// An option's level and name for sockets of any family, or those of IPv4 and of IPv6.
struct OptionName {
  int level = none;
  int name = none;
  int ipv4 = none;
  int ipv6 = none;
};

constexpr OptionName of_any(int level, int name) noexcept { return {.level = level, .name = name}; }
constexpr OptionName of_ip(int ipv4, int ipv6) noexcept { return {.ipv4 = ipv4, .ipv6 = ipv6}; }

OptionName name_of(SocketOption option) noexcept {
  using enum SocketOption;
  switch (option) {
    case receive_buffer:
      return of_any(SOL_SOCKET, SO_RCVBUF);
    case send_buffer:
      return of_any(SOL_SOCKET, SO_SNDBUF);
    case receive_low_water:
      return of_any(SOL_SOCKET, SO_RCVLOWAT);
    case priority:
      return of_any(SOL_SOCKET, SO_PRIORITY);
    case mark:
      return of_any(SOL_SOCKET, SO_MARK);
    case broadcast:
      return of_any(SOL_SOCKET, SO_BROADCAST);
    case pass_credentials:
      return of_any(SOL_SOCKET, SO_PASSCRED);
    case keep_alive:
      return of_any(SOL_SOCKET, SO_KEEPALIVE);
    case ttl:
      return of_ip(IP_TTL, IPV6_UNICAST_HOPS);
    case traffic_class:
      return of_ip(IP_TOS, IPV6_TCLASS);
    case only_v6:
      return of_ip(none, IPV6_V6ONLY);
    case free_bind:
      return of_ip(IP_FREEBIND, IPV6_FREEBIND);
    case transparent:
      return of_ip(IP_TRANSPARENT, IPV6_TRANSPARENT);
    case multicast_loop:
      return of_ip(IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP);
    case multicast_ttl:
      return of_ip(IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS);
    case multicast_all:
      return of_ip(IP_MULTICAST_ALL, IPV6_MULTICAST_ALL);
    case report_destination:
      return of_ip(IP_PKTINFO, IPV6_RECVPKTINFO);
    case report_traffic_class:
      return of_ip(IP_RECVTOS, IPV6_RECVTCLASS);
    case report_ttl:
      return of_ip(IP_RECVTTL, IPV6_RECVHOPLIMIT);
    case join_segments:
      return of_any(IPPROTO_UDP, UDP_GRO);
    case no_delay:
      return of_any(IPPROTO_TCP, TCP_NODELAY);
    case cork:
      return of_any(IPPROTO_TCP, TCP_CORK);
    case quick_ack:
      return of_any(IPPROTO_TCP, TCP_QUICKACK);
    case keep_alive_idle:
      return of_any(IPPROTO_TCP, TCP_KEEPIDLE);
    case keep_alive_interval:
      return of_any(IPPROTO_TCP, TCP_KEEPINTVL);
    case keep_alive_probes:
      return of_any(IPPROTO_TCP, TCP_KEEPCNT);
    case user_timeout:
      return of_any(IPPROTO_TCP, TCP_USER_TIMEOUT);
    case max_segment:
      return of_any(IPPROTO_TCP, TCP_MAXSEG);
    case defer_accept:
      return of_any(IPPROTO_TCP, TCP_DEFER_ACCEPT);
    case fast_open:
      return of_any(IPPROTO_TCP, TCP_FASTOPEN);
  }
  return {};
}

Result<void> set_ip_option(int handle, const OptionName& option, int value) noexcept {
  const Result<int> domain = get_option(handle, SOL_SOCKET, SO_DOMAIN);
  if (!domain) return fail(domain.error());
  const bool is_ipv6 = *domain == AF_INET6;
  const bool any = (is_ipv6 && option.ipv6 != none) || option.ipv4 != none;
  if (!any || (!is_ipv6 && *domain != AF_INET)) return fail(std::errc::operation_not_supported);
  Result<void> set;
  if (is_ipv6 && option.ipv6 != none) set = set_option(handle, IPPROTO_IPV6, option.ipv6, value);
  // A socket of IPv6 sends to IPv4 by the options of IPv4.
  if (set && option.ipv4 != none) set = set_option(handle, IPPROTO_IP, option.ipv4, value);
  return set;
}

Result<int> get_ip_option(int handle, const OptionName& option) noexcept {
  const Result<int> domain = get_option(handle, SOL_SOCKET, SO_DOMAIN);
  if (!domain) return fail(domain.error());
  if (*domain == AF_INET6 && option.ipv6 != none) {
    return get_option(handle, IPPROTO_IPV6, option.ipv6);
  }
  if (*domain == AF_INET && option.ipv4 != none) {
    return get_option(handle, IPPROTO_IP, option.ipv4);
  }
  return fail(std::errc::operation_not_supported);
}

/// Texts of options are short, and a terminating zero may or may not come back.
Result<std::string> get_text(Socket* socket, int level, int name) {
  std::array<std::byte, 64> room{};
  const Result<std::size_t> size = get_raw(socket, level, name, room);
  if (!size) return fail(size.error());
  const auto* const text = reinterpret_cast<const char*>(room.data());
  return std::string(text, ::strnlen(text, std::min(*size, room.size())));
}

}  // namespace

int option_value(std::int64_t number) noexcept {
  return static_cast<int>(std::clamp<std::int64_t>(number, std::numeric_limits<int>::min(),
                                                   std::numeric_limits<int>::max()));
}

Result<void> set_number(Socket* socket, SocketOption option, int value) noexcept {
  const OptionName names = name_of(option);
  return with_handle(socket, [&](int handle) {
    return names.level == none ? set_ip_option(handle, names, value)
                               : set_option(handle, names.level, names.name, value);
  });
}

Result<int> get_number(Socket* socket, SocketOption option) noexcept {
  const OptionName names = name_of(option);
  return with_handle(socket, [&](int handle) {
    return names.level == none ? get_ip_option(handle, names)
                               : get_option(handle, names.level, names.name);
  });
}

Result<void> set_raw(Socket* socket, int level, int name,
                     std::span<const std::byte> value) noexcept {
  return with_handle(socket, [&](int handle) {
    return checked(Syscalls::setsockopt(handle, level, name, value.data(),
                                        static_cast<socklen_t>(value.size())));
  });
}

Result<std::size_t> get_raw(Socket* socket, int level, int name,
                            std::span<std::byte> room) noexcept {
  return with_handle(socket, [&](int handle) -> Result<std::size_t> {
    auto size = static_cast<socklen_t>(room.size());
    const Result<void> got = checked(Syscalls::getsockopt(handle, level, name, room.data(), &size));
    if (!got) return fail(got.error());
    return std::size_t{size};
  });
}

Result<void> set_interface(Socket* socket, std::string_view name) noexcept {
  if (name.size() >= IFNAMSIZ) return fail(std::errc::no_such_device);
  return set_raw(socket, SOL_SOCKET, SO_BINDTODEVICE, std::as_bytes(std::span(name)));
}

Result<std::string> get_interface(Socket* socket) {
  return get_text(socket, SOL_SOCKET, SO_BINDTODEVICE);
}

Result<void> set_congestion_control(Socket* socket, std::string_view name) noexcept {
  return set_raw(socket, IPPROTO_TCP, TCP_CONGESTION, std::as_bytes(std::span(name)));
}

Result<std::string> get_congestion_control(Socket* socket) {
  return get_text(socket, IPPROTO_TCP, TCP_CONGESTION);
}

Result<std::error_code> take_socket_error(Socket* socket) noexcept {
  return with_handle(socket, [](int handle) -> Result<std::error_code> {
    int error = 0;
    socklen_t size = sizeof error;
    const Result<void> got =
        checked(Syscalls::getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &size));
    if (!got) return fail(got.error());
    return error == 0 ? std::error_code() : os_error(error);
  });
}

}  // namespace weft::inline v0_1::detail
