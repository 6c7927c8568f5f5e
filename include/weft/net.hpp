// Stream sockets: SocketListener and StreamSocket, over IPv4, IPv6 and Unix sockets alike.
//
//   weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:7777");
//   weft::StreamSocket stream = co_await listener.accept();
//   std::size_t size = co_await stream.read(buffer);        // 0: the peer has ended its side
//   co_await stream.write_all(std::span(buffer).first(size));
//
// Operations are awaitables. Awaiting one gives its value or throws IoError, whose text names
// operation and address
// ("connect 127.0.0.1:1: connection refused"); `co_await attempt(operation)` gives Result<T>. A
// cancel ends them early and loses nothing: what had been read, written or accepted by then is
// delivered as the operation's result.
//
// Thread-safety: a stream may be read by one task and written by another at the same time, on any
// threads; two operations of the same direction take turns in the order in which they began.
// Everything else one at a time. A stream (or half, or listener), its buffers and the awaited
// operation must stay until the operation ends; the stream object may be moved meanwhile.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <weft/detail/net_request.hpp>
#include <weft/endpoint.hpp>
#include <weft/event_queue.hpp>
#include <weft/extend/io.hpp>
#include <weft/native_handle.hpp>
#include <weft/resolve.hpp>
#include <weft/socket.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft {

/// The characters of a text, to write them. The text must stay where it is while they are used.
[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}
/// A stretch of constant memory for a vectored write.
[[nodiscard]] inline IoSlice slice_of(std::span<const std::byte> bytes) noexcept {
  // SAFETY: a write only reads what its slices name.
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

namespace detail {

/// What StreamSocket and its halves share: a socket.
class SocketUser {
 public:
  SocketUser(SocketUser&&) noexcept = default;
  SocketUser& operator=(SocketUser&&) noexcept = default;

  /// False after a move, a close() or a split().
  [[nodiscard]] explicit operator bool() const noexcept { return socket_ != nullptr; }
  /// Who is at the other end. A Unix socket's client has no name as a rule ("unix:").
  [[nodiscard]] const Endpoint& peer_endpoint() const noexcept;
  /// This end's address, asked of the system. Errors: the system's.
  [[nodiscard]] Result<Endpoint> local_endpoint() const;
  /// The system's socket, still owned by this object.
  [[nodiscard]] NativeHandle native_handle() const noexcept;
  /// Ends directions: the peer reads end of stream once it has read what was written before. At
  /// once; operations under way end, a read with 0. Errors: errc::not_connected, if the peer has
  /// reset.
  [[nodiscard]] Result<void> shutdown(Shutdown how = Shutdown::write) noexcept;

 protected:
  explicit SocketUser(std::shared_ptr<Socket> socket) noexcept : socket_(std::move(socket)) {}
  ~SocketUser() = default;
  [[nodiscard]] Source* source() const noexcept;

  std::shared_ptr<Socket> socket_;
};

/// What can be read from: adds the reading operations to a SocketUser.
template <class Base>
class SocketReader : public Base {
 public:
  /// Waits for data and gives how many bytes were put into `buffer`; 0 means that the peer has
  /// ended its side (or that the buffer is empty). Cancel: nothing has been read.
  [[nodiscard]] IoOp<ReadRequest> read(std::span<std::byte> buffer) noexcept {
    return IoOp<ReadRequest>(ReadRequest(this->socket_.get(), buffer));
  }
  /// Fills `buffer`. Errors: SocketErrc::unexpected_end if the stream ends before. Cancel: a part
  /// may have been read into the buffer; how much is not told.
  [[nodiscard]] IoOp<ReadExactRequest> read_exact(std::span<std::byte> buffer) noexcept {
    return IoOp<ReadExactRequest>(ReadExactRequest(this->socket_.get(), buffer));
  }
  /// As read(), into several stretches of memory in order. The slices must stay, too.
  [[nodiscard]] IoOp<VectoredRequest> read_vectored(std::span<const IoSlice> slices) noexcept {
    return IoOp<VectoredRequest>(
        VectoredRequest(this->socket_.get(), OperationKind::readv, slices));
  }
  /// Waits until a read would not wait (data, end of stream or an error), so that a connection
  /// that waits needs no buffer.
  [[nodiscard]] IoOp<ReadyRequest> readable() noexcept {
    return IoOp<ReadyRequest>(ReadyRequest(this->source(), interest::readable));
  }

 protected:
  using Base::Base;
};

/// What can be written to: adds the writing operations to a SocketUser.
template <class Base>
class SocketWriter : public Base {
 public:
  /// Gives how many bytes of `data` the system took; it waits until that is at least one. Cancel:
  /// none were. Errors: errc::broken_pipe after a shutdown (never a signal), connection_reset …
  [[nodiscard]] IoOp<WriteRequest> write(std::span<const std::byte> data) noexcept {
    return IoOp<WriteRequest>(WriteRequest(this->socket_.get(), data));
  }
  [[nodiscard]] IoOp<WriteRequest> write(std::string_view text) noexcept {
    return write(bytes_of(text));
  }
  /// Writes all of `data`; allocates nothing. Cancel: a part may have been written; how much is not
  /// told.
  [[nodiscard]] IoOp<WriteAllRequest> write_all(std::span<const std::byte> data) noexcept {
    return IoOp<WriteAllRequest>(WriteAllRequest(this->socket_.get(), data));
  }
  [[nodiscard]] IoOp<WriteAllRequest> write_all(std::string_view text) noexcept {
    return write_all(bytes_of(text));
  }
  /// As write(), from several stretches of memory in order (see slice_of). The slices must stay,
  /// too.
  [[nodiscard]] IoOp<VectoredRequest> write_vectored(std::span<const IoSlice> slices) noexcept {
    return IoOp<VectoredRequest>(
        VectoredRequest(this->socket_.get(), OperationKind::writev, slices));
  }
  /// As write_all(), from several stretches of memory in order. The slices must stay, and are used
  /// up.
  [[nodiscard]] IoOp<WriteAllVectoredRequest> write_all_vectored(
      std::span<IoSlice> slices) noexcept {
    return IoOp<WriteAllVectoredRequest>(WriteAllVectoredRequest(this->socket_.get(), slices));
  }
  /// Waits until a write would not wait.
  [[nodiscard]] IoOp<ReadyRequest> writable() noexcept {
    return IoOp<ReadyRequest>(ReadyRequest(this->source(), interest::writable));
  }

 protected:
  using Base::Base;
};

}  // namespace detail

/// The reading side of a stream that was split.
class ReadHalf : public detail::SocketReader<detail::SocketUser> {
 public:
  explicit ReadHalf(std::shared_ptr<detail::Socket> socket) noexcept
      : SocketReader(std::move(socket)) {}
};

/// The writing side. When it goes, the peer is not told until the reading half has gone as well:
/// shutdown() says that nothing more will come.
class WriteHalf : public detail::SocketWriter<detail::SocketUser> {
 public:
  explicit WriteHalf(std::shared_ptr<detail::Socket> socket) noexcept
      : SocketWriter(std::move(socket)) {}
};

class ConnectOp;

/// A connected stream socket; move-only; closes it when it goes. TCP streams send small writes at
/// once (TCP_NODELAY) unless asked otherwise.
class StreamSocket : public detail::SocketReader<detail::SocketWriter<detail::SocketUser>> {
 public:
  explicit StreamSocket(std::shared_ptr<detail::Socket> socket) noexcept
      : SocketReader(std::move(socket)) {}

  /// Connects to one address. Cancel: the attempt is given up and the socket closed.
  [[nodiscard]] static ConnectOp connect(Endpoint to, ConnectOptions options = {}) noexcept;
  /// Looks `host` up (see resolve()) and tries its addresses in order; the error is that of the
  /// last one. Throws IoError when awaited. Cancel: as that of the step it is at.
  [[nodiscard]] static Task<StreamSocket> connect(std::string host, std::uint16_t port,
                                                  ConnectOptions options = {});
  /// The same for "example.org:80", "127.0.0.1:80", "[::1]:80"; also "unix:/path".
  [[nodiscard]] static Task<StreamSocket> connect(std::string address, ConnectOptions options = {});

  struct Halves {
    Halves(ReadHalf r, WriteHalf w) noexcept : reader(std::move(r)), writer(std::move(w)) {}
    ReadHalf reader;
    WriteHalf writer;
  };
  /// Splits it in two, to be used by two tasks. The socket is closed when both halves have gone.
  [[nodiscard]] Halves split() && noexcept;

  /// Closes now. No operation may be under way. With unread data, TCP resets the connection.
  void close() noexcept { socket_.reset(); }

  // Options. Errors: the system's, e.g. errc::not_supported for a TCP option on a Unix socket.
  [[nodiscard]] Result<void> set_no_delay(bool on) noexcept;
  [[nodiscard]] Result<bool> no_delay() const noexcept;
  /// Lets the system probe a silent peer after `idle` (whole seconds, at least one), then every
  /// `idle`, three times, and reset the connection if nothing comes back. Null: off.
  [[nodiscard]] Result<void> set_keep_alive(std::optional<std::chrono::seconds> idle) noexcept;
  /// Sizes in bytes; the system rounds and bounds them (Linux doubles them).
  [[nodiscard]] Result<void> set_receive_buffer(std::size_t size_bytes) noexcept;
  [[nodiscard]] Result<void> set_send_buffer(std::size_t size_bytes) noexcept;
  [[nodiscard]] Result<std::size_t> receive_buffer() const noexcept;
  [[nodiscard]] Result<std::size_t> send_buffer() const noexcept;
  /// What close() does with unsent data: null: the system goes on sending it (the default); zero:
  /// it is dropped and the connection reset. More than zero makes close() block for as long: do
  /// not.
  [[nodiscard]] Result<void> set_linger(std::optional<std::chrono::seconds> limit) noexcept;
};

/// StreamSocket::connect(), not yet begun. A class of its own since it needs StreamSocket complete.
class [[nodiscard]] ConnectOp : public IoOp<detail::ConnectRequest> {
 public:
  using IoOp::IoOp;
};

/// Takes connections; move-only; closes when it goes. A Unix socket's file stays, and must be
/// removed before it can be listened on again.
class SocketListener : private detail::SocketUser {
 public:
  explicit SocketListener(std::shared_ptr<detail::Socket> socket) noexcept
      : SocketUser(std::move(socket)) {}

  /// Port 0: a free one, see local_endpoint(). Errors: the system's.
  [[nodiscard]] static Result<SocketListener> listen(const Endpoint& at,
                                                     const ListenOptions& options = {});
  /// The same, but throws IoError: "listen 127.0.0.1:80: permission denied".
  [[nodiscard]] static SocketListener bind(const Endpoint& at, const ListenOptions& options = {});
  /// For an address in writing, see Endpoint::parse(): "listen localhost:1: the host must be …".
  [[nodiscard]] static SocketListener bind(std::string_view at, const ListenOptions& options = {});

  /// Waits for the next connection. One that failed before it was taken is passed over. Cancel:
  /// none is lost. Errors: too_many_files_open and such, while the connection goes on waiting: who
  /// accepts in a loop should then sleep a little.
  [[nodiscard]] IoOp<detail::AcceptRequest> accept() noexcept {
    return IoOp<detail::AcceptRequest>(detail::AcceptRequest(socket_.get()));
  }

  /// Where it listens, the port it was given included.
  [[nodiscard]] const Endpoint& local_endpoint() const noexcept { return peer_endpoint(); }
  using detail::SocketUser::native_handle;
  using detail::SocketUser::operator bool;
  /// Stops listening: connections that wait are reset. No accept() may be under way: cancel it
  /// first.
  void close() noexcept { socket_.reset(); }
};

/// Somebody else's handle, to wait for (a signalfd, a pipe, a library's socket). Never closes it,
/// nor reads from it. It must be open, and one that the system can watch (a regular file is not),
/// while this lives. For handles that a library closes when it likes: wait_for_events().
class Pollable {
 public:
  explicit Pollable(NativeHandle handle) noexcept : source_(handle) {}
  ~Pollable() { source_.release(); }
  Pollable(const Pollable&) = delete;
  Pollable& operator=(const Pollable&) = delete;

  /// Waits until a read (a write) would not wait: also on end of stream, hang-up and error.
  [[nodiscard]] IoOp<detail::ReadyRequest> readable() noexcept {
    return IoOp<detail::ReadyRequest>(detail::ReadyRequest(&source_, interest::readable));
  }
  [[nodiscard]] IoOp<detail::ReadyRequest> writable() noexcept {
    return IoOp<detail::ReadyRequest>(detail::ReadyRequest(&source_, interest::writable));
  }

 private:
  Source source_;
};

/// The same for one wait.
[[nodiscard]] Task<void> wait_readable(NativeHandle handle);
[[nodiscard]] Task<void> wait_writable(NativeHandle handle);

/// Waits within a runtime for what `queue` has to tell, and gives it as EventQueue::poll() does:
/// nothing if `deadline` passed or the queue was woken, or for no reason. This is how a task
/// watches the handles of a library with a loop interface: many at once, for what the library wants
/// at the time, registered, modified and removed from its callbacks; a handle that it closes while
/// it is waited for, and a number that comes back as another handle, do no harm. A deadline that
/// has passed lets others run first. The queue, and `room`, belong to this until it ends, but for
/// wake(), and to one task at a time. Throws IoError. Cancel: nothing was taken from the queue.
[[nodiscard]] Task<Events> wait_for_events(EventQueue& queue, std::span<Event> room,
                                           TimePoint deadline = TimePoint::max());

}  // namespace weft
