// What sockets that keep messages apart have in common: UdpSocket and its halves, UnixDatagram,
// UnixSeqpacket. A user of these need not know this header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <string_view>
#include <utility>
#include <weft/detail/message_request.hpp>
#include <weft/detail/socket_options.hpp>
#include <weft/extend/io.hpp>
#include <weft/net.hpp>

namespace weft::inline v0_1::detail {

/// The owner of a message socket, or of one direction of it.
class MessageUser : protected SocketUser {
 public:
  explicit MessageUser(SocketOwner socket) noexcept : SocketUser(std::move(socket)) {}
  MessageUser(MessageUser&&) noexcept = default;
  MessageUser& operator=(MessageUser&&) noexcept = default;

  using SocketUser::local_endpoint;
  using SocketUser::native_handle;
  using SocketUser::operator bool;
  /// Closes the socket (of a half: its direction, and the socket with the second half): operations
  /// under way end with errc::operation_canceled; see the top of <weft/net.hpp>. Any thread.
  using SocketUser::close;
  /// Asks the system for the address of the connected peer. Errors: errc::not_connected;
  /// operation_canceled after close().
  [[nodiscard]] Result<Endpoint> peer_endpoint() const;

 protected:
  ~MessageUser() = default;
};

/// Adds the receiving operations to a MessageUser.
template <class Base>
class MessageReceiver : public Base {
 public:
  /// Waits for a message, puts it into `buffer` and tells what is known of it. What does not fit is
  /// lost, and told: ReceivedDatagram::truncated(). Cancel: nothing was received. Errors: of a
  /// connected UDP socket, what an earlier datagram has met (errc::connection_refused if none
  /// listens there); the socket stays usable.
  [[nodiscard]] IoOp<ReceiveMessageRequest> receive(std::span<std::byte> buffer) noexcept {
    return receive_with(buffer, false);
  }
  /// Does the same with an array, vector or string of bytes or characters, which must stay alive
  /// and in place. At most its present size is used, and its size stays.
  template <ByteBuffer B>
  [[nodiscard]] IoOp<ReceiveMessageRequest> receive(B&& buffer) noexcept {
    return receive_with(writable_bytes_of(buffer), false);
  }
  /// Receives the next message and leaves it there for the next receive().
  [[nodiscard]] IoOp<ReceiveMessageRequest> peek(std::span<std::byte> buffer) noexcept {
    return receive_with(buffer, true);
  }
  template <ByteBuffer B>
  [[nodiscard]] IoOp<ReceiveMessageRequest> peek(B&& buffer) noexcept {
    return receive_with(writable_bytes_of(buffer), true);
  }
  /// Receives what is there without waiting. Errors: errc::operation_would_block if nothing is
  /// there; otherwise as receive().
  [[nodiscard]] Result<ReceivedDatagram> try_receive(std::span<std::byte> buffer) noexcept {
    return receive_now(ReceiveMessageRequest(this->socket_.get(), buffer, false));
  }
  [[nodiscard]] Result<ReceivedDatagram> try_peek(std::span<std::byte> buffer) noexcept {
    return receive_now(ReceiveMessageRequest(this->socket_.get(), buffer, true));
  }
  /// Waits for a message, then takes all that are there, as far as the batch has room. Returns
  /// their number, at least one; they are batch.datagrams(). An error after the first of them is
  /// that of the next call. Cancel: nothing was received.
  [[nodiscard]] IoOp<ReceiveBatchRequest> receive_batch(ReceiveBatch& batch) noexcept {
    return IoOp<ReceiveBatchRequest>(ReceiveBatchRequest(this->socket_.get(), batch.state()));
  }
  [[nodiscard]] Result<std::size_t> try_receive_batch(ReceiveBatch& batch) noexcept {
    return receive_batch_now(ReceiveBatchRequest(this->socket_.get(), batch.state()));
  }
  /// Waits until a receive() would not block.
  [[nodiscard]] IoOp<ReadyRequest> readable() noexcept {
    return IoOp<ReadyRequest>(ReadyRequest(this->source(), interest::readable));
  }

 protected:
  using Base::Base;

  [[nodiscard]] IoOp<ReceiveMessageRequest> receive_with(std::span<std::byte> buffer,
                                                         bool peeks) noexcept {
    return IoOp<ReceiveMessageRequest>(ReceiveMessageRequest(this->socket_.get(), buffer, peeks));
  }
  template <class B>
  [[nodiscard]] static std::span<std::byte> writable_bytes_of(B& buffer) noexcept {
    return std::as_writable_bytes(std::span(std::ranges::data(buffer), std::ranges::size(buffer)));
  }
};

/// Adds the operations that send to the connected peer to a MessageUser.
template <class Base>
class MessageSender : public Base {
 public:
  /// Waits until the system has taken `data` as one message to the connected peer. Cancel: nothing
  /// was sent. Errors: errc::destination_address_required or not_connected without a peer,
  /// message_size if it is too long, connection_refused if an earlier one was refused …: the socket
  /// stays usable.
  [[nodiscard]] IoOp<SendMessageRequest> send(std::span<const std::byte> data,
                                              SendDetails details = {}) noexcept {
    return send_with(data, Endpoint(), std::move(details));
  }
  [[nodiscard]] IoOp<SendMessageRequest> send(std::string_view text,
                                              SendDetails details = {}) noexcept {
    return send_with(bytes_of(text), Endpoint(), std::move(details));
  }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <OwningTemporary B>
  [[nodiscard]] auto send(B&& data, SendDetails details = {}) -> IoOp<OwningSendRequest<B>> {
    return IoOp<OwningSendRequest<B>>(
        OwningSendRequest<B>(this->socket_.get(), std::move(data), Endpoint(), std::move(details)));
  }
  /// Sends without waiting. Errors: errc::operation_would_block if the system takes nothing now;
  /// otherwise as send().
  [[nodiscard]] Result<void> try_send(std::span<const std::byte> data,
                                      SendDetails details = {}) noexcept {
    return send_now(SendMessageRequest(this->socket_.get(), data, Endpoint(), std::move(details)));
  }
  [[nodiscard]] Result<void> try_send(std::string_view text, SendDetails details = {}) noexcept {
    return try_send(bytes_of(text), std::move(details));
  }
  /// Sends all datagrams of `batch`, with a system call for many. Returns how many were sent, which
  /// have left the batch. An error ends it: after the first datagram the number is returned, and
  /// the next call meets the error again; at the first datagram the error is returned, and the
  /// batch still begins with that one (see SendBatch::drop_first()). Cancel: what is left in the
  /// batch was not sent.
  [[nodiscard]] IoOp<SendBatchRequest> send_batch(SendBatch& batch) noexcept {
    return IoOp<SendBatchRequest>(SendBatchRequest(this->socket_.get(), batch.state()));
  }
  /// Does the same without waiting: sends what the system takes.
  [[nodiscard]] Result<std::size_t> try_send_batch(SendBatch& batch) noexcept {
    return send_batch_now(SendBatchRequest(this->socket_.get(), batch.state()));
  }
  /// Waits until the socket has room for a message. The queue of a peer may be full nevertheless.
  [[nodiscard]] IoOp<ReadyRequest> writable() noexcept {
    return IoOp<ReadyRequest>(ReadyRequest(this->source(), interest::writable));
  }

 protected:
  using Base::Base;

  [[nodiscard]] IoOp<SendMessageRequest> send_with(std::span<const std::byte> data, Endpoint to,
                                                   SendDetails details) noexcept {
    return IoOp<SendMessageRequest>(
        SendMessageRequest(this->socket_.get(), data, std::move(to), std::move(details)));
  }
};

}  // namespace weft::inline v0_1::detail
