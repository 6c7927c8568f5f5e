// Unix sockets: UnixStream and UnixListener, UnixDatagram, and UnixSeqpacket with its listener.
// They connect processes of one machine, and pass open handles between them.
//
//   weft::UnixListener listener = weft::UnixListener::bind("/run/x.sock");
//   weft::UnixStream stream = co_await listener.accept();
//   weft::UnixMessage got = co_await stream.receive_message(buffer);
//   weft::OwnedHandle file = std::move(got.handles.at(0));
//
// A name is a path of at most Endpoint::longest_path bytes, or, with '@' as its first character, a
// name that is no file (Linux: unix(7), abstract): its length ends it, so it may contain any bytes.
// A name that is too long is an error (EndpointErrc::path_too_long).
//
// A UnixStream is a StreamSocket, and can be used wherever one is expected. Operations are
// awaitables; errors, cancels, threads and the end of a socket are as in <weft/net.hpp> and, for
// messages, <weft/udp.hpp>. Handles to be passed stay the sender's, and must stay open until the
// operation ends. Handles that are passed to an operation without place for them are closed by the
// system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <weft/datagram.hpp>
#include <weft/detail/message_socket.hpp>
#include <weft/detail/unix_request.hpp>
#include <weft/endpoint.hpp>
#include <weft/native_handle.hpp>
#include <weft/net.hpp>
#include <weft/owned_handle.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1 {

namespace detail {
class SocketFile;
struct SocketFileEnd {
  void operator()(SocketFile* file) const noexcept;
};
using OwnedSocketFile = std::unique_ptr<SocketFile, SocketFileEnd>;
}  // namespace detail

struct UnixListenOptions {
  int backlog = 4096;  ///< connections that wait to be accepted; the system also has a limit
  /// If the path is that of a socket to which no process listens any more, remove it and go on.
  bool remove_stale = false;
  bool remove_at_end = true;  ///< remove the socket's file when the listener is closed
  int mode = -1;  ///< permissions of the file, as 0660; negative: as the process's mask says
};

struct UnixBindOptions {
  bool remove_stale = false;  ///< as of UnixListenOptions
  bool remove_at_end = true;
  int mode = -1;
};

namespace detail {

/// Returns the process at the other end, as noted when the connection was made (SO_PEERCRED).
[[nodiscard]] Result<PeerCredentials> peer_credentials_of(Socket* socket) noexcept;

/// Adds messages with handles. `IsStream`: without bounds between messages.
template <class Base, bool IsStream>
class HandlePasser : public Base {
 public:
  /// Waits for bytes and what comes along with them: handles, at most `most` of them, and
  /// credentials. More handles are closed, and told (UnixMessage::handles_lost). On a stream the
  /// bytes of two messages with handles are never received as one; data without bytes is its end.
  /// Cancel: nothing was received, and no handle is lost.
  [[nodiscard]] IoOp<ReceiveHandlesRequest> receive_message(
      std::span<std::byte> buffer, std::size_t most = most_handles) noexcept {
    return IoOp<ReceiveHandlesRequest>(
        ReceiveHandlesRequest(this->socket_.get(), buffer, most, IsStream));
  }
  template <ByteBuffer B>
  [[nodiscard]] IoOp<ReceiveHandlesRequest> receive_message(
      B&& buffer, std::size_t most = most_handles) noexcept {
    return receive_message(
        std::as_writable_bytes(std::span(std::ranges::data(buffer), std::ranges::size(buffer))),
        most);
  }
  /// Does the same without waiting. Errors: errc::operation_would_block if nothing is there.
  [[nodiscard]] Result<UnixMessage> try_receive_message(std::span<std::byte> buffer,
                                                        std::size_t most = most_handles) noexcept {
    return receive_handles_now(ReceiveHandlesRequest(this->socket_.get(), buffer, most, IsStream));
  }
  /// Waits until the system has taken `data` and copies of the handles, and returns how many bytes
  /// it has taken: of a stream maybe not all, but then all the handles. Cancel: nothing was sent.
  /// Errors: errc::invalid_argument for more than 253 handles, and on a stream for handles without
  /// bytes; bad_file_descriptor if one is not open; too_many_references if too many are under way.
  [[nodiscard]] IoOp<SendHandlesRequest> send_message(
      std::span<const std::byte> data, std::span<const NativeHandle> handles) noexcept {
    return IoOp<SendHandlesRequest>(
        SendHandlesRequest(this->socket_.get(), data, handles, Endpoint(), IsStream));
  }
  [[nodiscard]] IoOp<SendHandlesRequest> send_message(
      std::string_view text, std::span<const NativeHandle> handles) noexcept {
    return send_message(bytes_of(text), handles);
  }
  /// Does the same without waiting. Errors: errc::operation_would_block.
  [[nodiscard]] Result<std::size_t> try_send_message(
      std::span<const std::byte> data, std::span<const NativeHandle> handles) noexcept {
    return send_handles_now(
        SendHandlesRequest(this->socket_.get(), data, handles, Endpoint(), IsStream));
  }
  /// Returns the process that has made the other end. Errors: errc::not_connected …
  [[nodiscard]] Result<PeerCredentials> peer_credentials() const noexcept {
    return peer_credentials_of(this->socket_.get());
  }
  /// Asks for the sender's credentials with each message (SO_PASSCRED).
  [[nodiscard]] Result<void> set_pass_credentials(bool on) noexcept {
    return set_number(this->socket_.get(), SocketOption::pass_credentials, on ? 1 : 0);
  }

 protected:
  using Base::Base;
};

/// Connects a new Unix socket. A separate class, since it needs a complete S.
template <class S>
class [[nodiscard]] UnixConnectOp : public IoOp<UnixConnectRequest<S>> {
 public:
  using IoOp<UnixConnectRequest<S>>::IoOp;
};

}  // namespace detail

/// A connected stream over a Unix socket. Move-only; the destructor closes it.
class UnixStream : public detail::HandlePasser<StreamSocket, true> {
 public:
  explicit UnixStream(detail::SocketOwner socket) noexcept : HandlePasser(std::move(socket)) {}

  /// Connects to a listener by its name. Errors: errc::no_such_file_or_directory,
  /// connection_refused if no process listens there, resource_unavailable_try_again if the queue of
  /// the listener is full, EndpointErrc. Cancel: abandons the attempt. Throws std::bad_alloc.
  [[nodiscard]] static detail::UnixConnectOp<UnixStream> connect(std::string_view path);
  [[nodiscard]] static detail::UnixConnectOp<UnixStream> connect(Endpoint to) noexcept;
  /// Returns two streams that are connected with each other.
  [[nodiscard]] static Result<std::pair<UnixStream, UnixStream>> pair() noexcept;
  /// As StreamSocket::adopt(). Errors: errc::invalid_argument if it is no Unix stream.
  [[nodiscard]] static Result<UnixStream> adopt(NativeHandle handle) noexcept;
};

/// The same as UnixStream::pair().
[[nodiscard]] Result<std::pair<UnixStream, UnixStream>> socket_pair() noexcept;

/// A connection that keeps messages apart and in order, over a Unix socket. A message of no bytes
/// cannot be told from the end. Move-only; the destructor closes it.
class UnixSeqpacket
    : public detail::HandlePasser<
          detail::MessageReceiver<detail::MessageSender<detail::MessageUser>>, false>,
      public detail::BufferOptions<UnixSeqpacket> {
 public:
  explicit UnixSeqpacket(detail::SocketOwner socket) noexcept : HandlePasser(std::move(socket)) {}

  /// As of UnixStream; errc::wrong_protocol_type if a listener for streams has the name.
  [[nodiscard]] static detail::UnixConnectOp<UnixSeqpacket> connect(std::string_view path);
  [[nodiscard]] static detail::UnixConnectOp<UnixSeqpacket> connect(Endpoint to) noexcept;
  [[nodiscard]] static Result<std::pair<UnixSeqpacket, UnixSeqpacket>> pair() noexcept;
  [[nodiscard]] static Result<UnixSeqpacket> adopt(NativeHandle handle) noexcept;

  /// Ends one or both directions; see StreamSocket.
  using detail::SocketUser::shutdown;

 private:
  friend struct detail::OptionAccess;
};

namespace detail {

/// What listeners of Unix sockets have in common: a SocketListener and the socket's file.
class UnixListenerBase {
 public:
  UnixListenerBase(UnixListenerBase&&) noexcept = default;
  UnixListenerBase& operator=(UnixListenerBase&& other) noexcept;

  /// Returns whether it is open: false after a move or a close().
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(listener_); }
  /// Returns the name at which it listens.
  [[nodiscard]] const Endpoint& local_endpoint() const noexcept {
    return listener_.local_endpoint();
  }
  [[nodiscard]] NativeHandle native_handle() const noexcept { return listener_.native_handle(); }
  /// Sets or gets any option by its numbers in the system, as StreamSocket does.
  [[nodiscard]] Result<void> set_option(int level, int name,
                                        std::span<const std::byte> value) noexcept {
    return listener_.set_option(level, name, value);
  }
  [[nodiscard]] Result<std::size_t> get_option(int level, int name,
                                               std::span<std::byte> room) const noexcept {
    return listener_.get_option(level, name, room);
  }
  /// Removes the socket's file, if it was to be and is still this one's, and stops listening; see
  /// SocketListener::close(). Any thread.
  void close() noexcept;

 protected:
  UnixListenerBase(SocketListener listener, OwnedSocketFile file) noexcept
      : listener_(std::move(listener)), file_(std::move(file)) {}
  ~UnixListenerBase() = default;

  SocketListener listener_;
  OwnedSocketFile file_;  // its end comes first: no name without a listener
};

}  // namespace detail

/// Accepts streams at a name. Move-only; the destructor closes it, and removes its file.
class UnixListener : public detail::UnixListenerBase {
 public:
  UnixListener(SocketListener listener, detail::OwnedSocketFile file) noexcept
      : UnixListenerBase(std::move(listener), std::move(file)) {}

  /// Starts listening. Errors: errc::address_in_use if there is a file of that name (see
  /// UnixListenOptions::remove_stale), the system's others, EndpointErrc. Throws std::bad_alloc.
  [[nodiscard]] static Result<UnixListener> listen(const Endpoint& at,
                                                   const UnixListenOptions& options = {});
  /// Does the same, but throws IoError: "listen unix:/run/x.sock: address already in use".
  [[nodiscard]] static UnixListener bind(std::string_view path,
                                         const UnixListenOptions& options = {});
  /// Waits for the next connection; see SocketListener::accept().
  [[nodiscard]] IoOp<detail::UnixAcceptRequest<UnixStream>> accept() noexcept;
  /// Returns the listener for code that takes any; see SocketListener::borrow().
  [[nodiscard]] SocketListener borrow() const noexcept { return listener_.borrow(); }
};

/// Accepts connections that keep messages apart.
class UnixSeqpacketListener : public detail::UnixListenerBase {
 public:
  UnixSeqpacketListener(SocketListener listener, detail::OwnedSocketFile file) noexcept
      : UnixListenerBase(std::move(listener), std::move(file)) {}

  /// As of UnixListener.
  [[nodiscard]] static Result<UnixSeqpacketListener> listen(const Endpoint& at,
                                                            const UnixListenOptions& options = {});
  [[nodiscard]] static UnixSeqpacketListener bind(std::string_view path,
                                                  const UnixListenOptions& options = {});
  [[nodiscard]] IoOp<detail::UnixAcceptRequest<UnixSeqpacket>> accept() noexcept;
};

/// Datagrams between processes of one machine: in order, none lost, none doubled. Move-only; the
/// destructor closes it, and removes its file.
class UnixDatagram
    : public detail::HandlePasser<
          detail::MessageReceiver<detail::MessageSender<detail::MessageUser>>, false>,
      public detail::BufferOptions<UnixDatagram> {
 public:
  explicit UnixDatagram(detail::SocketOwner socket, detail::OwnedSocketFile file = {}) noexcept
      : HandlePasser(std::move(socket)), file_(std::move(file)) {}

  /// Opens a socket with a name, at which it receives. Errors: as UnixListener::listen().
  [[nodiscard]] static Result<UnixDatagram> open(const Endpoint& at,
                                                 const UnixBindOptions& options = {});
  /// Does the same, but throws IoError: "bind unix:/run/x: address already in use".
  [[nodiscard]] static UnixDatagram bind(std::string_view path,
                                         const UnixBindOptions& options = {});
  /// Opens a socket with an abstract name that the system chooses, so that it can be answered.
  [[nodiscard]] static Result<UnixDatagram> open_anywhere();
  /// Opens a socket without a name, to send with.
  [[nodiscard]] static Result<UnixDatagram> unbound();
  [[nodiscard]] static Result<std::pair<UnixDatagram, UnixDatagram>> pair() noexcept;
  [[nodiscard]] static Result<UnixDatagram> adopt(NativeHandle handle) noexcept;

  /// Connects the socket: it then receives from that peer alone, and send() sends there. Does not
  /// wait. Errors: errc::no_such_file_or_directory, connection_refused …
  [[nodiscard]] Result<void> connect(const Endpoint& peer) noexcept;
  [[nodiscard]] Result<void> connect(std::string_view path);

  /// Sends one datagram to any address. If the queue of the receiver is full, waits: no event tells
  /// that it has room again, so this tries again after pauses of 1 ms and, by and by, 32 ms. So
  /// sends that wait may end in another order than they began. The bytes must stay alive and in
  /// place. Throws IoError when awaited. Cancel: nothing was sent.
  [[nodiscard]] Task<void> send_to(std::span<const std::byte> data, Endpoint to);
  [[nodiscard]] Task<void> send_to(std::string_view text, Endpoint to);
  /// Does the same with a temporary string, vector or array, which moves into the task.
  template <detail::OwningTemporary B>
  [[nodiscard]] Task<void> send_to(B&& data, Endpoint to) {
    return send_owned(std::move(data), std::move(to));
  }
  /// Sends without waiting. Errors: errc::operation_would_block if there is no room, here or at the
  /// receiver; otherwise as send_to().
  [[nodiscard]] Result<void> try_send_to(std::span<const std::byte> data, Endpoint to) noexcept;
  [[nodiscard]] Result<void> try_send_to(std::string_view text, Endpoint to) noexcept;

  /// Removes the socket's file, if it was to be and is still this one's, and closes the socket; see
  /// the top of <weft/net.hpp>. Any thread.
  void close() noexcept;
  using detail::SocketUser::shutdown;

 private:
  friend struct detail::OptionAccess;
  template <class B>
  Task<void> send_owned(B data, Endpoint to) {
    co_await send_to(detail::bytes_in(data), std::move(to));
  }

  detail::OwnedSocketFile file_;
};

}  // namespace weft::inline v0_1
