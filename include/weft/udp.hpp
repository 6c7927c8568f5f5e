// UdpSocket: datagrams over IPv4 and IPv6, one at a time and in batches.
//
//   weft::UdpSocket socket = weft::UdpSocket::bind("127.0.0.1:5300");
//   std::array<std::byte, 1500> buffer;
//   const weft::ReceivedDatagram got = co_await socket.receive(buffer);
//   co_await socket.send_to(got.data, got.sender);
//
// Operations are awaitables; errors, cancels and the end of a socket are as in <weft/net.hpp>. An
// error of one operation is not the end of the socket: what an ICMP message has told of an earlier
// datagram (errc::connection_refused on a connected socket, host_unreachable …), or that one
// datagram was too long (message_size).
//
// A socket of IPv6 that is bound to [::] has IPv4, too, unless UdpOptions::ipv6_only: it tells its
// IPv4 peers as IPv4 endpoints, and sends to such.
//
// Thread-safety: one task may receive while another sends, on any threads; split() gives each its
// own object. Two operations of the same direction are executed in the order in which they began.
// close() may be called at any time by any thread. All other calls, moves and destruction are made
// by one thread at a time; an operation that waits is no call. Buffers, batches and the awaited
// operation must stay alive until the operation ends; a socket (or half) until it has begun.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <weft/datagram.hpp>
#include <weft/detail/message_socket.hpp>
#include <weft/endpoint.hpp>
#include <weft/native_handle.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1 {

class Resolver;

struct UdpOptions {
  /// Has a constructor: it is passed to functions that are awaited (decision 002).
  UdpOptions() noexcept {}

  bool reuse_address = false;  ///< several sockets may bind the address, as for multicast
  bool reuse_port = false;     ///< several sockets share the port; the system distributes senders
  bool broadcast = false;      ///< may send to broadcast addresses
  bool ipv6_only = false;      ///< [::] does not have IPv4
  bool report_destination = false;    ///< tell the address and the interface of what is received
  bool report_traffic_class = false;  ///< tell the traffic class, and so the congestion bits
  bool report_ttl = false;            ///< tell the time to live
  /// The system may join datagrams of one sender (UDP_GRO, where it is supported): each receive
  /// then needs room for 65,536 bytes. See ReceivedDatagram::segments().
  bool join_segments = false;
  std::size_t receive_buffer = 0;  ///< bytes, which the system doubles and bounds; 0: its default
  std::size_t send_buffer = 0;
  /// What looks up the name in connect(host, …). Null: the system's resolver.
  std::shared_ptr<Resolver> resolver;
};

namespace detail {

/// Adds sending to any address to a MessageUser.
template <class Base>
class DatagramSender : public MessageSender<Base> {
 public:
  /// Waits until the system has taken `data` as one datagram to `to`. Cancel: nothing was sent.
  /// Errors: errc::message_size if it is too long, network_unreachable, permission_denied …: the
  /// socket stays usable.
  [[nodiscard]] IoOp<SendMessageRequest> send_to(std::span<const std::byte> data, Endpoint to,
                                                 SendDetails details = {}) noexcept {
    return this->send_with(data, std::move(to), std::move(details));
  }
  [[nodiscard]] IoOp<SendMessageRequest> send_to(std::string_view text, Endpoint to,
                                                 SendDetails details = {}) noexcept {
    return this->send_with(bytes_of(text), std::move(to), std::move(details));
  }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <OwningTemporary B>
  [[nodiscard]] auto send_to(B&& data, Endpoint to, SendDetails details = {})
      -> IoOp<OwningSendRequest<B>> {
    return IoOp<OwningSendRequest<B>>(OwningSendRequest<B>(this->socket_.get(), std::move(data),
                                                           std::move(to), std::move(details)));
  }
  /// Sends without waiting. Errors: errc::operation_would_block if the system takes nothing now;
  /// otherwise as send_to().
  [[nodiscard]] Result<void> try_send_to(std::span<const std::byte> data, Endpoint to,
                                         SendDetails details = {}) noexcept {
    return send_now(
        SendMessageRequest(this->socket_.get(), data, std::move(to), std::move(details)));
  }
  [[nodiscard]] Result<void> try_send_to(std::string_view text, Endpoint to,
                                         SendDetails details = {}) noexcept {
    return try_send_to(bytes_of(text), std::move(to), std::move(details));
  }
  /// Sends `data` as datagrams of `segment_size` bytes each (the last may be shorter), with one
  /// system call for up to 64 of them where the system can split (UDP_SEGMENT), otherwise with one
  /// for each. Returns how many bytes were sent: fewer than all if an error came after the first
  /// datagram, which the next call then meets. Without `to`: to the connected peer. Errors:
  /// errc::invalid_argument if the size is 0; otherwise as send_to(). Cancel: a part may have been
  /// sent; the size of that part is not reported.
  [[nodiscard]] IoOp<SendSegmentsRequest> send_segments(std::span<const std::byte> data,
                                                        std::size_t segment_size, Endpoint to = {},
                                                        SendDetails details = {}) noexcept {
    return IoOp<SendSegmentsRequest>(SendSegmentsRequest(this->socket_.get(), data, segment_size,
                                                         std::move(to), std::move(details)));
  }

 protected:
  using MessageSender<Base>::MessageSender;
};

}  // namespace detail

/// The receiving side of a UdpSocket after split().
class UdpReceiver : public detail::MessageReceiver<detail::MessageUser> {
 public:
  explicit UdpReceiver(detail::SocketOwner socket) noexcept : MessageReceiver(std::move(socket)) {}

  /// Receives with the sender's address: the same as receive().
  [[nodiscard]] IoOp<detail::ReceiveMessageRequest> receive_from(
      std::span<std::byte> buffer) noexcept {
    return receive_with(buffer, false);
  }
};

/// The sending side of a UdpSocket after split().
class UdpSender : public detail::DatagramSender<detail::MessageUser> {
 public:
  explicit UdpSender(detail::SocketOwner socket) noexcept : DatagramSender(std::move(socket)) {}
};

/// A UDP socket. Move-only; the destructor closes it.
class UdpSocket : public detail::MessageReceiver<detail::DatagramSender<detail::MessageUser>>,
                  public detail::IpOptions<detail::BufferOptions<UdpSocket>> {
 public:
  explicit UdpSocket(detail::SocketOwner socket) noexcept : MessageReceiver(std::move(socket)) {}

  /// Opens a socket at `at`. Port 0 means a free one (see local_endpoint()). Errors: the system's.
  [[nodiscard]] static Result<UdpSocket> open(const Endpoint& at, const UdpOptions& options = {});
  /// Does the same, but throws IoError: "bind 127.0.0.1:53: permission denied".
  [[nodiscard]] static UdpSocket bind(const Endpoint& at, const UdpOptions& options = {});
  /// Does the same for an address in text form, as Endpoint::parse() takes it.
  [[nodiscard]] static UdpSocket bind(std::string_view at, const UdpOptions& options = {});
  /// Resolves `host` (by UdpOptions::resolver, or else resolve()), and opens a socket that is
  /// connected to the first of its addresses to which there is a route. Throws IoError when
  /// awaited. Cancel: that of the resolver.
  [[nodiscard]] static Task<UdpSocket> connect(std::string host, std::uint16_t port,
                                               UdpOptions options = {});
  /// Does the same for an address in text form: "example.org:53", "127.0.0.1:53", "[::1]:53".
  [[nodiscard]] static Task<UdpSocket> connect(std::string address, UdpOptions options = {});
  /// Takes over a UDP socket that was made elsewhere. It becomes non-blocking and close-on-exec.
  /// Errors: errc::invalid_argument if it is none; not_a_socket and the system's others. After an
  /// error the handle is still the caller's.
  [[nodiscard]] static Result<UdpSocket> adopt(NativeHandle handle) noexcept;

  /// Connects the socket: it then receives from `peer` alone, send() sends there, and errors of
  /// earlier datagrams are told. Sends nothing, and so does not wait. May be called again. Errors:
  /// errc::network_unreachable …
  [[nodiscard]] Result<void> connect(const Endpoint& peer) noexcept;
  /// Undoes connect(). A port that the system has chosen may be another one afterwards.
  [[nodiscard]] Result<void> disconnect() noexcept;

  /// Receives with the sender's address: the same as receive().
  [[nodiscard]] IoOp<detail::ReceiveMessageRequest> receive_from(
      std::span<std::byte> buffer) noexcept {
    return receive_with(buffer, false);
  }
  template <detail::ByteBuffer B>
  [[nodiscard]] IoOp<detail::ReceiveMessageRequest> receive_from(B&& buffer) noexcept {
    return receive_with(writable_bytes_of(buffer), false);
  }

  struct Halves {
    Halves(UdpReceiver r, UdpSender s) noexcept : receiver(std::move(r)), sender(std::move(s)) {}
    UdpReceiver receiver;
    UdpSender sender;
  };
  /// Splits the socket into two halves, for use by two tasks. The socket is closed when both halves
  /// have been destroyed.
  [[nodiscard]] Halves split() && noexcept;

  // Options. Errors: the system's; errc::operation_canceled after close().
  /// Whether it may send to broadcast addresses.
  [[nodiscard]] Result<void> set_broadcast(bool on) noexcept;
  [[nodiscard]] Result<bool> broadcast() const noexcept;
  /// Ask for what UdpOptions says, from the next datagram on.
  [[nodiscard]] Result<void> set_report_destination(bool on) noexcept;
  [[nodiscard]] Result<void> set_report_traffic_class(bool on) noexcept;
  [[nodiscard]] Result<void> set_report_ttl(bool on) noexcept;
  /// Errors: errc::no_protocol_option if the system cannot join datagrams.
  [[nodiscard]] Result<void> set_join_segments(bool on) noexcept;

  // Multicast. `interface_index`: see <weft/datagram.hpp>; 0: the system chooses one.
  /// Receives what is sent to `group` (its port is ignored), from any source. The socket is bound
  /// to the port, and to any address or that of the group. Errors: errc::invalid_argument if it is
  /// no group's address; address_in_use if it has joined already; no_such_device.
  [[nodiscard]] Result<void> join_multicast(const Endpoint& group,
                                            std::uint32_t interface_index = 0) noexcept;
  /// Errors: errc::address_not_available if it has not joined.
  [[nodiscard]] Result<void> leave_multicast(const Endpoint& group,
                                             std::uint32_t interface_index = 0) noexcept;
  /// The same for what comes from one source (RFC 4607). May be called for several.
  [[nodiscard]] Result<void> join_multicast_source(const Endpoint& group, const Endpoint& source,
                                                   std::uint32_t interface_index = 0) noexcept;
  [[nodiscard]] Result<void> leave_multicast_source(const Endpoint& group, const Endpoint& source,
                                                    std::uint32_t interface_index = 0) noexcept;
  /// The interface through which it sends to groups.
  [[nodiscard]] Result<void> set_multicast_interface(std::uint32_t interface_index) noexcept;
  /// Whether members on this machine receive what it sends to a group (the default).
  [[nodiscard]] Result<void> set_multicast_loop(bool on) noexcept;
  [[nodiscard]] Result<bool> multicast_loop() const noexcept;
  /// How many networks it crosses: 1 by default, which is the local one alone.
  [[nodiscard]] Result<void> set_multicast_ttl(std::uint8_t hops) noexcept;
  [[nodiscard]] Result<std::uint8_t> multicast_ttl() const noexcept;
  /// Whether it also receives what other sockets of this machine have joined (the system's default,
  /// for a socket that is bound to any address).
  [[nodiscard]] Result<void> set_multicast_all(bool on) noexcept;

 private:
  friend struct detail::OptionAccess;
};

}  // namespace weft::inline v0_1
