// Datagrams: what is told of a received one, what may be asked of one that is sent, and batches of
// both. The sockets are in <weft/udp.hpp> and <weft/unix.hpp>.
//
//   weft::ReceiveBatch batch(64);
//   for (;;) {
//     co_await socket.receive_batch(batch);
//     for (const weft::ReceivedDatagram& each : batch.datagrams()) handle(each.data, each.sender);
//   }
//
// Thread-safety: a value or a batch is used by one thread, or one operation, at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <weft/endpoint.hpp>
#include <weft/result.hpp>

namespace weft::inline v0_1 {

namespace detail {
struct ReceiveBatchState;
struct SendBatchState;
}  // namespace detail

/// The two bits of explicit congestion notification (RFC 3168, 5).
enum class Ecn : std::uint8_t { not_capable = 0, ect1 = 1, ect0 = 2, congested = 3 };

/// A datagram that was received. What is optional is there if the socket was asked for it
/// (UdpOptions) and the system has told it.
struct ReceivedDatagram {
  ReceivedDatagram() noexcept {}

  std::span<std::byte> data;  ///< what arrived: the front of the caller's buffer
  std::size_t full_size = 0;  ///< bytes that were sent; more than data.size() if it was truncated
  Endpoint sender;            ///< IPv4 also where an IPv6 socket has received it (see unmapped())
  Endpoint destination;       ///< the address that it was sent to, port 0; empty if not told
  std::uint32_t interface_index = 0;          ///< that it came in through; 0 if not told
  std::optional<std::uint8_t> ttl;            ///< time to live, or hop limit, on arrival
  std::optional<std::uint8_t> traffic_class;  ///< TOS byte of IPv4, traffic class of IPv6
  std::size_t segment_size = 0;  ///< not 0: several datagrams of this size, joined by the system

  /// Returns whether bytes were lost, because the buffer was too small.
  [[nodiscard]] bool truncated() const noexcept { return full_size > data.size(); }
  /// Returns the congestion bits, if the traffic class was told.
  [[nodiscard]] std::optional<Ecn> ecn() const noexcept {
    if (!traffic_class) return std::nullopt;
    return static_cast<Ecn>(*traffic_class & 3U);
  }
  /// Returns how many datagrams `data` consists of: 1, unless the system has joined several.
  [[nodiscard]] std::size_t segments() const noexcept {
    if (segment_size == 0 || data.empty()) return 1;
    return (data.size() + segment_size - 1) / segment_size;
  }
  /// Returns the datagram number `index` of those. Precondition: index < segments().
  [[nodiscard]] std::span<std::byte> segment(std::size_t index) const noexcept {
    if (segment_size == 0) return data;
    const std::span<std::byte> rest = data.subspan(index * segment_size);
    return rest.first(std::min(rest.size(), segment_size));
  }
};

/// What is asked for one datagram beside its bytes and its destination.
///
///   co_await socket.send_to(answer, got.sender, weft::SendDetails().source(got.destination));
class SendDetails {
 public:
  SendDetails() noexcept {}

  /// The address to send from, one of this machine's (its port is ignored): the one that the peer
  /// has sent to, for an answer of a socket that is bound to all addresses. A send from an address
  /// of another family than its destination's fails with errc::invalid_argument.
  SendDetails& source(Endpoint address) noexcept {
    source_ = std::move(address);
    return *this;
  }
  /// The network interface to send through.
  SendDetails& through(std::uint32_t interface_index) noexcept {
    interface_ = interface_index;
    return *this;
  }
  /// Time to live, or hop limit: 1..255.
  SendDetails& ttl(std::uint8_t hops) noexcept {
    ttl_ = hops;
    return *this;
  }
  /// The TOS byte, or traffic class, in place of the socket's.
  SendDetails& traffic_class(std::uint8_t value) noexcept {
    traffic_class_ = value;
    return *this;
  }
  /// The two congestion bits of the traffic class given here; the other six stay (0 if not given).
  SendDetails& ecn(Ecn bits) noexcept {
    const unsigned others = static_cast<unsigned>(traffic_class_.value_or(0)) & ~3U;
    traffic_class_ = static_cast<std::uint8_t>(others | static_cast<unsigned>(bits));
    return *this;
  }

  [[nodiscard]] const Endpoint& source() const noexcept { return source_; }
  [[nodiscard]] std::uint32_t interface_index() const noexcept { return interface_; }
  [[nodiscard]] std::optional<std::uint8_t> ttl() const noexcept { return ttl_; }
  [[nodiscard]] std::optional<std::uint8_t> traffic_class() const noexcept {
    return traffic_class_;
  }

 private:
  Endpoint source_;
  std::uint32_t interface_ = 0;
  std::optional<std::uint8_t> ttl_;
  std::optional<std::uint8_t> traffic_class_;
};

/// Room for several datagrams that one receive_batch() takes at once. Made once, and used again and
/// again: receiving allocates nothing. Move-only.
class ReceiveBatch {
 public:
  static constexpr std::size_t most = 1024;  ///< datagrams: the system's limit

  /// Makes room for `count` datagrams (1..most) of `size_each` bytes. Where the system joins
  /// datagrams (UdpOptions::join_segments), 65,536 bytes are needed for each. Throws
  /// std::bad_alloc.
  explicit ReceiveBatch(std::size_t count, std::size_t size_each = 2048);
  /// Makes room for 32 datagrams.
  ReceiveBatch() : ReceiveBatch(32) {}
  ReceiveBatch(ReceiveBatch&&) noexcept;
  ReceiveBatch& operator=(ReceiveBatch&&) noexcept;
  ~ReceiveBatch();

  [[nodiscard]] std::size_t capacity() const noexcept;
  /// Returns the datagrams of the last receive_batch(), in the order of their arrival. Valid until
  /// the next one begins.
  [[nodiscard]] std::span<const ReceivedDatagram> datagrams() const noexcept;

  /// For sockets.
  [[nodiscard]] detail::ReceiveBatchState& state() noexcept { return *state_; }

 private:
  std::unique_ptr<detail::ReceiveBatchState> state_;
};

/// Datagrams to send with few system calls. What was sent leaves the batch, so after an error or a
/// cancel it holds what is left. Move-only.
class SendBatch {
 public:
  /// Throws std::bad_alloc.
  SendBatch();
  SendBatch(SendBatch&&) noexcept;
  SendBatch& operator=(SendBatch&&) noexcept;
  ~SendBatch();

  /// Appends a datagram. `data` must stay alive and in place until it was sent or dropped. Without
  /// `to`: for a connected socket. Throws std::bad_alloc.
  void add(std::span<const std::byte> data, Endpoint to = {}, SendDetails details = {});
  /// Returns how many datagrams are left.
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// Drops the first datagram: the one that an error of send_batch() is about.
  void drop_first() noexcept;
  /// Drops all.
  void clear() noexcept;

  /// For sockets.
  [[nodiscard]] detail::SendBatchState& state() noexcept { return *state_; }

 private:
  std::unique_ptr<detail::SendBatchState> state_;
};

/// Returns the number of a network interface ("eth0"). Errors: errc::no_such_device.
[[nodiscard]] Result<std::uint32_t> interface_index(const char* name) noexcept;

}  // namespace weft::inline v0_1
