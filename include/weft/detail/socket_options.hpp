// The options that sockets of several kinds have, as typed functions: bases of UdpSocket,
// StreamSocket, SocketListener and the Unix sockets. Errors of all of them are the system's
// (errc::operation_not_permitted for what needs a privilege, operation_not_supported on sockets
// that do not have it), and operation_canceled after close(). Threads: as other calls.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <weft/detail/net_request.hpp>
#include <weft/result.hpp>

namespace weft::inline v0_1::detail {

/// An option whose value is a number. Its names in the system are in src/net/socket_options.cpp.
enum class SocketOption : std::uint8_t {
  receive_buffer,
  send_buffer,
  receive_low_water,
  priority,
  mark,
  broadcast,
  ttl,
  traffic_class,
  only_v6,
  free_bind,
  transparent,
  multicast_loop,
  multicast_ttl,
  multicast_all,
  report_destination,
  report_traffic_class,
  report_ttl,
  join_segments,
  no_delay,
  cork,
  quick_ack,
  keep_alive,
  keep_alive_idle,
  keep_alive_interval,
  keep_alive_probes,
  user_timeout,
  max_segment,
  defer_accept,
  fast_open,
  pass_credentials,
};

/// Lets the bases below reach the socket of the class that has them.
struct OptionAccess {
  template <class User>
  [[nodiscard]] static Socket* socket_of(const User& user) noexcept {
    return user.socket_.get();
  }
  /// Takes the socket out of its user.
  template <class User>
  [[nodiscard]] static SocketOwner take(User user) noexcept {
    return std::move(user.socket_);
  }
};

[[nodiscard]] Result<void> set_number(Socket* socket, SocketOption option, int value) noexcept;
[[nodiscard]] Result<int> get_number(Socket* socket, SocketOption option) noexcept;
[[nodiscard]] Result<void> set_raw(Socket* socket, int level, int name,
                                   std::span<const std::byte> value) noexcept;
[[nodiscard]] Result<std::size_t> get_raw(Socket* socket, int level, int name,
                                          std::span<std::byte> room) noexcept;
[[nodiscard]] Result<void> set_interface(Socket* socket, std::string_view name) noexcept;
[[nodiscard]] Result<std::string> get_interface(Socket* socket);
[[nodiscard]] Result<void> set_congestion_control(Socket* socket, std::string_view name) noexcept;
[[nodiscard]] Result<std::string> get_congestion_control(Socket* socket);
[[nodiscard]] Result<std::error_code> take_socket_error(Socket* socket) noexcept;
/// The number as an int of the system, bounded by what an int can say.
[[nodiscard]] int option_value(std::int64_t number) noexcept;

template <class User>
class OptionBase {
 protected:
  [[nodiscard]] Socket* socket_with_options() const noexcept {
    return OptionAccess::socket_of(static_cast<const User&>(*this));
  }
  [[nodiscard]] Result<void> set_to(SocketOption option, std::int64_t value) noexcept {
    return set_number(socket_with_options(), option, option_value(value));
  }
  template <class T>
  [[nodiscard]] Result<T> get_as(SocketOption option) const noexcept {
    const Result<int> value = get_number(socket_with_options(), option);
    if (!value) return fail(value.error());
    return static_cast<T>(*value);
  }
};

/// Options of every socket.
template <class User>
class AnyOptions : public OptionBase<User> {
 public:
  /// Sets any option of setsockopt(2): `level` and `name` are the system's, and `value` the bytes
  /// of what it expects, as std::as_bytes(std::span(&on, 1)) of an int.
  [[nodiscard]] Result<void> set_option(int level, int name,
                                        std::span<const std::byte> value) noexcept {
    return set_raw(this->socket_with_options(), level, name, value);
  }
  /// Gets any option of getsockopt(2) into `room`, and returns how many bytes it has.
  [[nodiscard]] Result<std::size_t> get_option(int level, int name,
                                               std::span<std::byte> room) const noexcept {
    return get_raw(this->socket_with_options(), level, name, room);
  }
  /// Takes the error that waits in the socket, if any (SO_ERROR).
  [[nodiscard]] Result<std::error_code> take_error() noexcept {
    return take_socket_error(this->socket_with_options());
  }
  /// How many bytes a stream must have before it counts as readable (SO_RCVLOWAT).
  [[nodiscard]] Result<void> set_receive_low_water(std::size_t size_bytes) noexcept {
    return this->set_to(SocketOption::receive_low_water, static_cast<std::int64_t>(size_bytes));
  }
  [[nodiscard]] Result<std::size_t> receive_low_water() const noexcept {
    return this->template get_as<std::size_t>(SocketOption::receive_low_water);
  }
};

/// Sizes of the system's buffers in bytes; the system rounds and bounds them (Linux doubles them).
template <class User>
class BufferOptions : public AnyOptions<User> {
 public:
  [[nodiscard]] Result<void> set_receive_buffer(std::size_t size_bytes) noexcept {
    return this->set_to(SocketOption::receive_buffer, static_cast<std::int64_t>(size_bytes));
  }
  [[nodiscard]] Result<void> set_send_buffer(std::size_t size_bytes) noexcept {
    return this->set_to(SocketOption::send_buffer, static_cast<std::int64_t>(size_bytes));
  }
  [[nodiscard]] Result<std::size_t> receive_buffer() const noexcept {
    return this->template get_as<std::size_t>(SocketOption::receive_buffer);
  }
  [[nodiscard]] Result<std::size_t> send_buffer() const noexcept {
    return this->template get_as<std::size_t>(SocketOption::send_buffer);
  }
};

/// Options of sockets of IPv4 and IPv6. One that both families have is set for both on a socket
/// that may use both.
template <class Base>
class IpOptions : public Base {
 public:
  /// Time to live, or hop limit, of what is sent: 1..255.
  [[nodiscard]] Result<void> set_ttl(std::uint8_t hops) noexcept {
    return this->set_to(SocketOption::ttl, hops);
  }
  [[nodiscard]] Result<std::uint8_t> ttl() const noexcept {
    return this->template get_as<std::uint8_t>(SocketOption::ttl);
  }
  /// The TOS byte of IPv4, or the traffic class of IPv6, of what is sent: DSCP in the upper six
  /// bits (RFC 2474). TCP keeps the two congestion bits to itself.
  [[nodiscard]] Result<void> set_traffic_class(std::uint8_t value) noexcept {
    return this->set_to(SocketOption::traffic_class, value);
  }
  [[nodiscard]] Result<std::uint8_t> traffic_class() const noexcept {
    return this->template get_as<std::uint8_t>(SocketOption::traffic_class);
  }
  /// The priority of what is sent within this machine (SO_PRIORITY): 0..6 without a privilege.
  [[nodiscard]] Result<void> set_priority(std::uint32_t value) noexcept {
    return this->set_to(SocketOption::priority, value);
  }
  [[nodiscard]] Result<std::uint32_t> priority() const noexcept {
    return this->template get_as<std::uint32_t>(SocketOption::priority);
  }
  /// The mark of what is sent, for routing and firewalls (SO_MARK). Needs CAP_NET_ADMIN.
  [[nodiscard]] Result<void> set_mark(std::uint32_t value) noexcept {
    return this->set_to(SocketOption::mark, static_cast<std::int32_t>(value));
  }
  [[nodiscard]] Result<std::uint32_t> mark() const noexcept {
    return this->template get_as<std::uint32_t>(SocketOption::mark);
  }
  /// Sends and receives by that network interface alone ("eth0"; SO_BINDTODEVICE). Empty: by any.
  [[nodiscard]] Result<void> bind_to_interface(std::string_view name) noexcept {
    return set_interface(this->socket_with_options(), name);
  }
  /// Returns the name of that interface; empty for any. Throws std::bad_alloc.
  [[nodiscard]] Result<std::string> bound_interface() const {
    return get_interface(this->socket_with_options());
  }
  /// Returns whether a socket of IPv6 refuses IPv4. It is chosen before the socket is bound.
  [[nodiscard]] Result<bool> only_v6() const noexcept {
    return this->template get_as<bool>(SocketOption::only_v6);
  }
  /// Uses addresses that are none of this machine's, or not yet (IP_FREEBIND).
  [[nodiscard]] Result<void> set_free_bind(bool on) noexcept {
    return this->set_to(SocketOption::free_bind, on ? 1 : 0);
  }
  /// Uses addresses of others, as a transparent proxy (IP_TRANSPARENT). Needs CAP_NET_ADMIN.
  [[nodiscard]] Result<void> set_transparent(bool on) noexcept {
    return this->set_to(SocketOption::transparent, on ? 1 : 0);
  }
};

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

/// When the system probes a silent peer, and when it gives up.
struct KeepAlive {
  std::chrono::seconds idle{7200};    ///< silence before the first probe
  std::chrono::seconds interval{75};  ///< between probes
  int probes = 9;                     ///< without an answer, after which the connection is reset
};

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

/// Options of TCP connections.
template <class User>
class TcpOptions : public IpOptions<AnyOptions<User>> {
 public:
  /// Turns probes of a silent peer on, in detail.
  [[nodiscard]] Result<void> set_keep_alive_details(const KeepAlive& when) noexcept {
    for (const auto& [option, value] :
         {std::pair<SocketOption, std::int64_t>(SocketOption::keep_alive_idle, when.idle.count()),
          {SocketOption::keep_alive_interval, when.interval.count()},
          {SocketOption::keep_alive_probes, when.probes},
          {SocketOption::keep_alive, 1}}) {
      if (const Result<void> set = this->set_to(option, value); !set) return set;
    }
    return {};
  }
  /// Returns how a silent peer is probed; null if it is not.
  [[nodiscard]] Result<std::optional<KeepAlive>> keep_alive() const noexcept {
    const auto on = this->template get_as<bool>(SocketOption::keep_alive);
    if (!on) return fail(on.error());
    if (!*on) return std::optional<KeepAlive>();
    const auto idle = this->template get_as<int>(SocketOption::keep_alive_idle);
    const auto interval = this->template get_as<int>(SocketOption::keep_alive_interval);
    const auto probes = this->template get_as<int>(SocketOption::keep_alive_probes);
    if (!idle || !interval || !probes) return fail(std::errc::operation_not_supported);
    return std::optional(KeepAlive{.idle = std::chrono::seconds(*idle),
                                   .interval = std::chrono::seconds(*interval),
                                   .probes = *probes});
  }
  /// How long sent data may stay unacknowledged before the connection ends with errc::timed_out
  /// (TCP_USER_TIMEOUT, RFC 5482). Zero: the system's default.
  [[nodiscard]] Result<void> set_user_timeout(std::chrono::milliseconds limit) noexcept {
    return this->set_to(SocketOption::user_timeout, limit.count());
  }
  [[nodiscard]] Result<std::chrono::milliseconds> user_timeout() const noexcept {
    const auto value = this->template get_as<int>(SocketOption::user_timeout);
    if (!value) return fail(value.error());
    return std::chrono::milliseconds(*value);
  }
  /// Acknowledges at once instead of waiting for data to send along (TCP_QUICKACK). The system may
  /// turn it off again by itself.
  [[nodiscard]] Result<void> set_quick_ack(bool on) noexcept {
    return this->set_to(SocketOption::quick_ack, on ? 1 : 0);
  }
  /// Sends full segments alone until it is turned off, or for 200 ms (TCP_CORK).
  [[nodiscard]] Result<void> set_cork(bool on) noexcept {
    return this->set_to(SocketOption::cork, on ? 1 : 0);
  }
  /// The largest segment in bytes.
  [[nodiscard]] Result<std::size_t> max_segment() const noexcept {
    return this->template get_as<std::size_t>(SocketOption::max_segment);
  }
  /// The algorithm of congestion control, as "cubic" or "reno".
  [[nodiscard]] Result<void> set_congestion_control(std::string_view name) noexcept {
    return detail::set_congestion_control(this->socket_with_options(), name);
  }
  /// Throws std::bad_alloc.
  [[nodiscard]] Result<std::string> congestion_control() const {
    return get_congestion_control(this->socket_with_options());
  }
};

/// Options of listeners. Accepted streams inherit sizes of buffers, TTL, traffic class and mark.
template <class User>
class ListenerOptions : public IpOptions<BufferOptions<User>> {
 public:
  /// Accepts a connection when its first data has come, or after about `limit` (TCP_DEFER_ACCEPT,
  /// whole seconds). Zero: at once.
  [[nodiscard]] Result<void> set_defer_accept(std::chrono::seconds limit) noexcept {
    return this->set_to(SocketOption::defer_accept, limit.count());
  }
  /// Takes data with the first packet of clients that ask for it (TCP Fast Open, RFC 7413), from
  /// at most `queue` connections that are not established yet. Zero: off.
  [[nodiscard]] Result<void> set_fast_open(int queue) noexcept {
    return this->set_to(SocketOption::fast_open, queue);
  }
};

}  // namespace weft::inline v0_1::detail
