// The operations of sockets that send and receive messages, as requests (see IoRequest in
// <weft/extend/io.hpp>). Users get them from UdpSocket, UnixDatagram and the like.
//
// A request points to its socket, which an operation keeps from its start to its end, and to the
// user's buffer or batch, which must outlive the operation. The system's description of a message
// is in the request itself, from prepare() to the end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>
#include <weft/datagram.hpp>
#include <weft/detail/net_request.hpp>
#include <weft/endpoint.hpp>
#include <weft/extend/operation.hpp>
#include <weft/result.hpp>

namespace weft::inline v0_1::detail {

/// What the system reads and writes for one message: its msghdr, one slice, the address, and
/// `ControlSize` bytes of control data. Nothing is in it before prepare(), so nothing moves along.
template <std::size_t ControlSize>
struct MessageRoom {
  MessageRoom() noexcept {}
  MessageRoom(const MessageRoom&) noexcept {}
  MessageRoom& operator=(const MessageRoom&) noexcept { return *this; }

  alignas(8) std::array<std::byte, 64> header;  // a msghdr (asserted where it is used)
  IoSlice slice;
  alignas(8) AddressRoom address;
  alignas(8) std::array<std::byte, ControlSize> control;
};

/// Room for all that is told of a datagram (asserted where it is used).
inline constexpr std::size_t receive_control_size = 256;
/// Room for all that can be asked for a datagram.
inline constexpr std::size_t send_control_size = 176;

/// receive, receive_from and peek.
struct ReceiveMessageRequest {
  using value_type = ReceivedDatagram;
  ReceiveMessageRequest(Socket* on, std::span<std::byte> to, bool only_peeks) noexcept
      : socket(on), buffer(to), peeks(only_peeks) {}
  /// Fills the room. Returns the msghdr.
  void* fill() noexcept;
  void prepare(Operation& op) noexcept;
  Result<ReceivedDatagram> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  std::span<std::byte> buffer;
  bool peeks;
  MessageRoom<receive_control_size> room;
};

/// send and send_to.
struct SendMessageRequest {
  using value_type = void;
  SendMessageRequest(Socket* on, std::span<const std::byte> from, Endpoint where,
                     SendDetails how) noexcept
      : socket(on), data(from), to(std::move(where)), details(std::move(how)) {}
  void* fill() noexcept;
  void prepare(Operation& op) noexcept;
  Result<void> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  std::span<const std::byte> data;
  std::uint16_t segment_size = 0;  // not 0: the system splits the data
  Endpoint to;
  SendDetails details;
  MessageRoom<send_control_size> room;
};

/// send and send_to of a temporary, which moves into the operation.
template <OwningTemporary B>
struct OwningSendRequest {
  using value_type = void;
  OwningSendRequest(Socket* on, B&& from, Endpoint where, SendDetails how)
      : request(on, {}, std::move(where), std::move(how)), data(std::move(from)) {}
  void prepare(Operation& op) noexcept {
    request.data = bytes_in(data);  // only now is the data in place
    request.prepare(op);
  }
  Result<void> finish(std::int64_t result) noexcept { return request.finish(result); }
  [[nodiscard]] IoError error(std::error_code code) const { return request.error(code); }

  SendMessageRequest request;
  B data;
};

/// send_segments: many datagrams of one size out of one buffer.
struct SendSegmentsRequest {
  using value_type = std::size_t;
  SendSegmentsRequest(Socket* on, std::span<const std::byte> from, std::size_t size_each,
                      Endpoint where, SendDetails how) noexcept
      : part(on, {}, std::move(where), std::move(how)), rest(from), segment_size(size_each) {}
  void prepare(Operation& op) noexcept;
  static bool again(SendSegmentsRequest& self, Operation& op) noexcept;
  Result<std::size_t> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  SendMessageRequest part;  // what one system call sends
  std::span<const std::byte> rest;
  std::size_t segment_size;
  std::size_t sent = 0;   // bytes
  bool one_each = false;  // a system call for each datagram
  bool is_invalid = false;
  bool suspects_segmentation = false;  // the next single datagram tells

 private:
  void choose_part() noexcept;
};

/// receive_batch.
struct ReceiveBatchRequest {
  using value_type = std::size_t;
  ReceiveBatchRequest(Socket* on, ReceiveBatchState& into) noexcept : socket(on), batch(&into) {}
  void prepare(Operation& op) noexcept;
  Result<std::size_t> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  ReceiveBatchState* batch;
};

/// send_batch.
struct SendBatchRequest {
  using value_type = std::size_t;
  SendBatchRequest(Socket* on, SendBatchState& from) noexcept : socket(on), batch(&from) {}
  void prepare(Operation& op) noexcept;
  static bool again(SendBatchRequest& self, Operation& op) noexcept;
  Result<std::size_t> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  SendBatchState* batch;
  std::size_t sent = 0;  // datagrams
};

// The same without waiting.
[[nodiscard]] Result<ReceivedDatagram> receive_now(ReceiveMessageRequest request) noexcept;
[[nodiscard]] Result<void> send_now(SendMessageRequest request) noexcept;
[[nodiscard]] Result<std::size_t> receive_batch_now(ReceiveBatchRequest request) noexcept;
[[nodiscard]] Result<std::size_t> send_batch_now(SendBatchRequest request) noexcept;

}  // namespace weft::inline v0_1::detail
