// Stream sockets: SocketListener and StreamSocket, over IPv4, IPv6 and Unix sockets alike.
//
//   weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:7777");
//   weft::StreamSocket stream = co_await listener.accept();
//   std::size_t size = co_await stream.read(buffer);        // 0: the peer has ended its side
//   co_await stream.write_all(std::span(buffer).first(size));
//
// Operations are awaitables. Awaiting one returns its value or throws IoError, whose text names the
// operation and the address ("connect 127.0.0.1:1: connection refused"); the
// result of `co_await attempt(operation)` is an IoResult<T>. A cancel ends an operation early and
// loses nothing: what had been read, written or accepted by then is delivered as its result.
//
// The end of a handle. close(), a move-assignment over an object and its destructor do the same,
// and may come under operations: each operation that waits ends with errc::operation_canceled,
// unless it has succeeded; the system's handle is closed when all of them have let go of it, which
// is at once if there is none. Each later operation of a closed object ends with the same error. So
// closing is a way to cancel: whether the operation waits, runs, or begins later makes no
// difference. A half ends the operations of its own direction. A task that is cancelled itself ends
// as cancelled.
//
// Thread-safety: one task may read a stream while another writes to it, on any threads. Two
// operations of the same direction are executed in the order in which they began. close() may be
// called at any time by any thread. All other calls, moves and destruction are made by one thread
// at a time; an operation that waits is no call. The buffers and the awaited operation must stay
// alive until the operation ends; a stream (or half, or listener) until it has begun.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <weft/bytes.hpp>
#include <weft/detail/net_request.hpp>
#include <weft/detail/socket_options.hpp>
#include <weft/endpoint.hpp>
#include <weft/extend/io.hpp>
#include <weft/native_handle.hpp>
#include <weft/pollable.hpp>
#include <weft/resolve.hpp>
#include <weft/socket.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1 {

namespace detail {

struct SocketAccess;

/// What a stream, its halves and a listener have in common: they own a socket.
class SocketUser {
 public:
  SocketUser(SocketUser&&) noexcept = default;
  SocketUser& operator=(SocketUser&&) noexcept = default;

  /// Returns whether it has an open socket: false after a move, a close() or a split().
  [[nodiscard]] explicit operator bool() const noexcept;
  /// Returns the peer's address, also after close(). A client of a Unix socket usually has no name
  /// ("unix:").
  [[nodiscard]] const Endpoint& peer_endpoint() const noexcept;
  /// Asks the system for this end's address. Errors: the system's; errc::operation_canceled after
  /// close().
  [[nodiscard]] Result<Endpoint> local_endpoint() const;
  /// Returns the system's socket, which this object still owns; invalid_handle after close().
  [[nodiscard]] NativeHandle native_handle() const noexcept;
  /// Ends one or both directions immediately: the peer reads end of stream after all that was
  /// written before. Operations under way end, a read with 0. Errors: errc::not_connected if the
  /// peer has reset the connection; errc::operation_canceled after close().
  [[nodiscard]] Result<void> shutdown(Shutdown how = Shutdown::write) noexcept;
  /// Closes the socket (of a half: its direction, and the socket with the second half); see the top
  /// of this header. With unread data, TCP resets the connection. Any thread. No effect on an
  /// object that was moved from.
  void close() noexcept;

 protected:
  explicit SocketUser(SocketOwner socket) noexcept : socket_(std::move(socket)) {}
  ~SocketUser() = default;
  [[nodiscard]] Source* source() const noexcept;
  [[nodiscard]] Result<std::size_t> write_now(std::span<const std::byte> data) noexcept;
  [[nodiscard]] Result<std::size_t> read_now(std::span<std::byte> buffer) noexcept;

  SocketOwner socket_;

 private:
  friend struct SocketAccess;
};

/// Adds the reading operations to a SocketUser.
template <class Base>
class SocketReader : public Base {
 public:
  /// Waits for data, puts it into `buffer` and returns the number of bytes. 0 means that the peer
  /// has ended its side, or that the buffer is empty. Cancel: nothing has been read.
  [[nodiscard]] IoOp<ReadRequest> read(std::span<std::byte> buffer) noexcept {
    return IoOp<ReadRequest>(ReadRequest(this->socket_.get(), buffer));
  }
  /// Does the same with an array, vector or string of bytes or characters, which must stay alive
  /// and in place. At most its present size is read, and its size stays.
  template <ByteBuffer B>
  [[nodiscard]] IoOp<ReadRequest> read(B&& buffer) noexcept {
    return read(writable_bytes_of(buffer));
  }
  /// Reads what is there without waiting. Errors: errc::operation_would_block if nothing is there;
  /// otherwise as read().
  [[nodiscard]] Result<std::size_t> try_read(std::span<std::byte> buffer) noexcept {
    return this->read_now(buffer);
  }
  /// Waits for data as read() does, copies it into `buffer`, and leaves it where it is: the next
  /// peek() or read() gives it again. Returns the number of bytes; 0 as read(). A second peek()
  /// does not wait for more than the first one has seen.
  [[nodiscard]] IoOp<PeekRequest> peek(std::span<std::byte> buffer) noexcept
    requires std::derived_from<Base, SocketUser>
  {
    return IoOp<PeekRequest>(PeekRequest(this->socket_.get(), buffer));
  }
  template <ByteBuffer B>
  [[nodiscard]] IoOp<PeekRequest> peek(B&& buffer) noexcept
    requires std::derived_from<Base, SocketUser>
  {
    return peek(writable_bytes_of(buffer));
  }
  /// Fills `buffer`. Errors: IoErrc::unexpected_end if the stream ends before that. Cancel: a
  /// part may have been read into the buffer; the size of that part is not reported.
  [[nodiscard]] IoOp<ReadExactRequest> read_exact(std::span<std::byte> buffer) noexcept {
    return IoOp<ReadExactRequest>(ReadExactRequest(this->socket_.get(), buffer));
  }
  template <ByteBuffer B>
  [[nodiscard]] IoOp<ReadExactRequest> read_exact(B&& buffer) noexcept {
    return read_exact(writable_bytes_of(buffer));
  }
  /// Reads like read(), into several pieces of memory in order. The slices must stay alive, too.
  [[nodiscard]] IoOp<VectoredRequest> read_vectored(std::span<const IoSlice> slices) noexcept {
    return IoOp<VectoredRequest>(
        VectoredRequest(this->socket_.get(), OperationKind::readv, slices));
  }
  /// Waits until a read would not block: there is data, end of stream or an error. So an idle
  /// connection needs no buffer.
  [[nodiscard]] IoOp<ReadyRequest> readable() noexcept {
    return IoOp<ReadyRequest>(ReadyRequest(this->source(), interest::readable));
  }

 protected:
  using Base::Base;

 private:
  template <class B>
  [[nodiscard]] static std::span<std::byte> writable_bytes_of(B& buffer) noexcept {
    return std::as_writable_bytes(std::span(std::ranges::data(buffer), std::ranges::size(buffer)));
  }
};

/// Adds the writing operations to a SocketUser.
template <class Base>
class SocketWriter : public Base {
 public:
  /// Waits until the system has taken at least one byte of `data`, and returns the number of bytes
  /// taken. Cancel: none was taken. Errors: errc::broken_pipe after a shutdown (never a signal),
  /// connection_reset …
  [[nodiscard]] IoOp<WriteRequest> write(std::span<const std::byte> data) noexcept {
    return IoOp<WriteRequest>(WriteRequest(this->socket_.get(), data));
  }
  [[nodiscard]] IoOp<WriteRequest> write(std::string_view text) noexcept {
    return write(bytes_of(text));
  }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <OwningTemporary B>
  [[nodiscard]] auto write(B&& data) -> IoOp<OwningRequest<WriteRequest, B>> {
    return IoOp<OwningRequest<WriteRequest, B>>(
        OwningRequest<WriteRequest, B>(this->socket_.get(), std::move(data)));
  }
  /// Writes all of `data`; allocates nothing. Cancel: a part may have been written; the size of
  /// that part is not reported.
  [[nodiscard]] IoOp<WriteAllRequest> write_all(std::span<const std::byte> data) noexcept {
    return IoOp<WriteAllRequest>(WriteAllRequest(this->socket_.get(), data));
  }
  [[nodiscard]] IoOp<WriteAllRequest> write_all(std::string_view text) noexcept {
    return write_all(bytes_of(text));
  }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <OwningTemporary B>
  [[nodiscard]] auto write_all(B&& data) -> IoOp<OwningRequest<WriteAllRequest, B>> {
    return IoOp<OwningRequest<WriteAllRequest, B>>(
        OwningRequest<WriteAllRequest, B>(this->socket_.get(), std::move(data)));
  }
  /// Writes like write(), from several pieces of memory in order (see slice_of()). The slices must
  /// stay alive, too.
  [[nodiscard]] IoOp<VectoredRequest> write_vectored(std::span<const IoSlice> slices) noexcept {
    return IoOp<VectoredRequest>(
        VectoredRequest(this->socket_.get(), OperationKind::writev, slices));
  }
  /// Writes like write_all(), from several pieces of memory in order. The slices must stay alive,
  /// and are modified.
  [[nodiscard]] IoOp<WriteAllVectoredRequest> write_all_vectored(
      std::span<IoSlice> slices) noexcept {
    return IoOp<WriteAllVectoredRequest>(WriteAllVectoredRequest(this->socket_.get(), slices));
  }
  /// Gives the system as much of `data` as it takes at once, and returns that number of bytes.
  /// Never waits. Errors: errc::operation_would_block if it takes none, broken_pipe … The bytes of
  /// a write that is under way may come before, after or between these.
  [[nodiscard]] Result<std::size_t> try_write(std::string_view data) noexcept {
    return this->write_now(bytes_of(data));
  }
  /// Waits until a write would not block.
  [[nodiscard]] IoOp<ReadyRequest> writable() noexcept {
    return IoOp<ReadyRequest>(ReadyRequest(this->source(), interest::writable));
  }

 protected:
  using Base::Base;
};

}  // namespace detail

/// The reading side of a stream after split().
class ReadHalf : public detail::SocketReader<detail::SocketUser> {
 public:
  explicit ReadHalf(detail::SocketOwner socket) noexcept : SocketReader(std::move(socket)) {}
};

/// The writing side of a stream after split(). Destroying it does not tell the peer anything while
/// the reading half lives: call shutdown() to end the direction.
class WriteHalf : public detail::SocketWriter<detail::SocketUser> {
 public:
  explicit WriteHalf(detail::SocketOwner socket) noexcept : SocketWriter(std::move(socket)) {}
};

class ConnectOp;

/// A connected stream socket. Move-only; the destructor closes it. TCP streams send small writes
/// immediately (TCP_NODELAY) unless configured otherwise.
class StreamSocket : public detail::SocketReader<detail::SocketWriter<detail::SocketUser>>,
                     public detail::TcpOptions<StreamSocket> {
 public:
  explicit StreamSocket(detail::SocketOwner socket) noexcept : SocketReader(std::move(socket)) {}

  /// Connects to one address. Errors: the system's; connection_refused also if the system has
  /// connected the socket to itself, as it may if none listens at a local port. Cancel: abandons
  /// the attempt and closes the socket.
  [[nodiscard]] static ConnectOp connect(Endpoint to, ConnectOptions options = {}) noexcept;
  /// Resolves `host` (by ConnectOptions::resolver, or else resolve()) and connects to one of its
  /// addresses: see connect_any().
  [[nodiscard]] static Task<StreamSocket> connect(std::string host, std::uint16_t port,
                                                  ConnectOptions options = {});
  /// Connects to one of a host's addresses by RFC 8305 (Happy Eyeballs): IPv6 and IPv4 in turn. If
  /// an attempt fails, the next one begins at once; if it lasts longer than
  /// ConnectOptions::attempt_delay, beside it. The first success wins; the others are cancelled,
  /// closed and awaited. Throws IoError when awaited: if all fail, the last failure, with a text
  /// that names each address and its reason. Cancel: abandons all attempts.
  [[nodiscard]] static Task<StreamSocket> connect_any(std::vector<Endpoint> addresses,
                                                      ConnectOptions options = {});
  /// Connects to an address in text form: "example.org:80", "127.0.0.1:80", "[::1]:80" or
  /// "unix:/path".
  [[nodiscard]] static Task<StreamSocket> connect(std::string address, ConnectOptions options = {});

  /// Takes over a connected stream socket that was made elsewhere: inherited, handed over by
  /// another process or library, made by socketpair(2). It becomes non-blocking and close-on-exec.
  /// Errors: errc::invalid_argument if it is no stream socket, or listens; not_connected,
  /// not_a_socket and the system's others. After an error the handle is still the caller's.
  [[nodiscard]] static Result<StreamSocket> adopt(NativeHandle handle) noexcept;

  /// Gives up the system's socket, which stays open and belongs to the caller: the opposite of
  /// adopt(). It stays non-blocking and close-on-exec. This object is empty afterwards, as after a
  /// move. Errors: errc::device_or_resource_busy while an operation is under way,
  /// operation_canceled after close(); then nothing has changed.
  [[nodiscard]] Result<NativeHandle> release() noexcept;

  struct Halves {
    Halves(ReadHalf r, WriteHalf w) noexcept : reader(std::move(r)), writer(std::move(w)) {}
    ReadHalf reader;
    WriteHalf writer;
  };
  /// Splits the stream into two halves, for use by two tasks. The socket is closed when both halves
  /// have been destroyed.
  [[nodiscard]] Halves split() && noexcept;

  // Options. Errors: the system's, e.g. errc::not_supported for a TCP option on a Unix socket;
  // errc::operation_canceled after close().
  [[nodiscard]] Result<void> set_no_delay(bool on) noexcept;
  [[nodiscard]] Result<bool> no_delay() const noexcept;
  /// Makes the system probe a silent peer after `idle` (whole seconds, at least one), then every
  /// `idle`, three times, and reset the connection if there is no answer. Null: off.
  [[nodiscard]] Result<void> set_keep_alive(std::optional<std::chrono::seconds> idle) noexcept;
  /// Sizes in bytes; the system rounds and bounds them (Linux doubles them).
  [[nodiscard]] Result<void> set_receive_buffer(std::size_t size_bytes) noexcept;
  [[nodiscard]] Result<void> set_send_buffer(std::size_t size_bytes) noexcept;
  [[nodiscard]] Result<std::size_t> receive_buffer() const noexcept;
  [[nodiscard]] Result<std::size_t> send_buffer() const noexcept;
  /// Sets what close() does with unsent data. Null: the system goes on sending it (the default).
  /// Zero: it is discarded and the connection reset. Avoid more than zero: close() then blocks for
  /// up to that long.
  [[nodiscard]] Result<void> set_linger(std::optional<std::chrono::seconds> limit) noexcept;

 private:
  friend struct detail::OptionAccess;
  [[nodiscard]] Result<void> set(int level, int name, int value) noexcept;
  [[nodiscard]] Result<int> get(int level, int name) const noexcept;
};

/// StreamSocket::connect(), not started yet. A separate class, since it needs a complete
/// StreamSocket.
class [[nodiscard]] ConnectOp : public IoOp<detail::ConnectRequest> {
 public:
  using IoOp::IoOp;
};

/// Accepts connections. Move-only; the destructor closes it. The file of a Unix socket stays, and
/// must be removed before another listener can use the path.
class SocketListener : private detail::SocketUser, public detail::ListenerOptions<SocketListener> {
 public:
  explicit SocketListener(detail::SocketOwner socket) noexcept : SocketUser(std::move(socket)) {}

  /// Starts listening at `at`. Port 0 means a free one (see local_endpoint()). Errors: the
  /// system's.
  [[nodiscard]] static Result<SocketListener> listen(const Endpoint& at,
                                                     const ListenOptions& options = {});
  /// Does the same, but throws IoError: "listen 127.0.0.1:80: permission denied".
  [[nodiscard]] static SocketListener bind(const Endpoint& at, const ListenOptions& options = {});
  /// Does the same for an address in text form, as Endpoint::parse() takes it. Throws IoError:
  /// "listen localhost:1: the host must be …".
  [[nodiscard]] static SocketListener bind(std::string_view at, const ListenOptions& options = {});

  /// Takes over a stream socket that listens already: one that was inherited (socket activation:
  /// systemd passes them from 3 on), or handed over. It becomes non-blocking and close-on-exec.
  /// Errors: errc::invalid_argument if it is no stream socket, or does not listen; not_a_socket and
  /// the system's others. After an error the handle is still the caller's.
  [[nodiscard]] static Result<SocketListener> adopt(NativeHandle handle) noexcept;
  /// Gives up the system's socket, which goes on listening; see StreamSocket::release().
  [[nodiscard]] Result<NativeHandle> release() noexcept;

  /// Waits for the next connection. A connection that failed before it was accepted is skipped,
  /// whatever accept(2) reports for it (connection_aborted, connection_reset, timed_out,
  /// operation_not_permitted of a firewall …), up to a thousand in a row. Cancel: no connection is
  /// lost. Errors: of a listener that cannot be used (operation_canceled after close(),
  /// bad_file_descriptor, not_a_socket, invalid_argument). All others may pass, too_many_files_open
  /// and similar above all, while the connection stays in the queue: a loop that accepts should
  /// then sleep briefly and go on.
  [[nodiscard]] IoOp<detail::AcceptRequest> accept() noexcept {
    return IoOp<detail::AcceptRequest>(detail::AcceptRequest(socket_.get()));
  }

  /// Returns the address it listens at, with the actual port.
  [[nodiscard]] const Endpoint& local_endpoint() const noexcept { return peer_endpoint(); }
  using detail::SocketUser::native_handle;
  using detail::SocketUser::operator bool;
  /// Returns another object for the same socket, which belongs to this one: when this one is closed
  /// or destroyed, accepts of both end with errc::operation_canceled. For a task that must not be
  /// left with a reference to an object that has gone.
  [[nodiscard]] SocketListener borrow() const noexcept;
  /// Stops listening: connections in the queue are reset, and accepts end with
  /// errc::operation_canceled; see the top of this header. Any thread.
  using detail::SocketUser::close;
  friend struct detail::OptionAccess;
};

}  // namespace weft::inline v0_1
