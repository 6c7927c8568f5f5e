// http::Transport: what an HTTP connection runs over: a socket, or any other stream of bytes. Part
// of <weft/http.hpp>. A program seldom names it: Server::serve_connection(), ClientConnection and
// the result of a Connector take any stream, and turn it into one.
//
// A stream is a ByteReader and a ByteWriter (<weft/io.hpp>): StreamSocket, UnixStream, a
// DuplexEnd, or a type of your own. An rvalue moves in; an lvalue is borrowed, and must stay alive
// and in place until the connection has ended. A StreamSocket and a UnixStream cost nothing more
// than they do by themselves; of another type each operation is a Task.
//
// What HTTP needs beyond read() and write() is taken from these members, where a type has them:
//
//   shutdown()         ends the writing direction (see ByteStream). Without it, the peer sees the
//                      end of the last message only when the connection is closed.
//   close()            called when the connection has ended, also of a borrowed stream. Without it:
//                      the destructor.
//   try_read(buffer)   gives a Result, errc::operation_would_block if nothing is there. With it, an
//                      idle connection of a client that its server has closed is closed, too.
//                      Without it, a client finds out when it is about to use the connection.
//   readable()         an idle wait holds no buffer.
//   flush()            awaited after each message: for a writer that keeps bytes back.
//   write_all(), write_vectored(), write_all_vectored()
//                      fewer and larger writes. Without them, write() is called.
//   peer_endpoint()    Request::peer; null without it.
//   is_encrypted()     true: the stream may carry https. Without it: false.
//   peer_closed()      awaited while a handler runs: ends when nothing more can reach the peer. The
//                      handler is then cancelled. Must be lossless when cancelled, and waits beside
//                      a read and a write: a handler may read the body, and send interim responses.
//   peer_ended()       the same for ServerOptions::cancel_on_half_close: ends when the peer writes
//                      no more, also while what it wrote before is unread.
//   native_handle()    without peer_closed(), a server learns from the system's socket whether the
//                      client has left; with try_write(text), it can ask a client that has ended
//                      its side for a sign of life. See ServerOptions::cancel_on_half_close.
//
// If a stream has neither peer_closed() nor native_handle(), a handler whose client has left runs
// to its end; the write of its response then fails.
//
// Errors of a stream are IoErrors. The client throws other exceptions as they are; in a server they
// close the connection. Cancel: a read that is cancelled must have read nothing.
#pragma once

#include <weft/bytes.hpp>
#include <weft/endpoint.hpp>
#include <weft/io.hpp>
#include <weft/native_handle.hpp>
#include <weft/net.hpp>
#include <weft/result.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/task.hpp>
#include <weft/unix.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace weft::inline v0_1::http {

/// A stream of any type behind one interface, for Transport. Used as its StreamSocket is.
class TransportStream {
 public:
  TransportStream() = default;
  TransportStream(const TransportStream&) = delete;
  TransportStream& operator=(const TransportStream&) = delete;
  virtual ~TransportStream() = default;

  [[nodiscard]] virtual Task<std::size_t> read(std::span<std::byte> buffer) = 0;
  /// Returns at once if the stream cannot tell: see waits_without_buffer().
  [[nodiscard]] virtual Task<void> readable() = 0;
  /// What the stream has taken was flushed. All of these throw IoErrc::nothing_written if it takes
  /// nothing.
  [[nodiscard]] virtual Task<std::size_t> write_vectored(std::span<const IoSlice> slices) = 0;
  [[nodiscard]] virtual Task<void> write_all_vectored(std::span<IoSlice> slices) = 0;
  [[nodiscard]] Task<std::size_t> write(std::string_view text);
  [[nodiscard]] Task<void> write_all(std::string_view text);
  /// Ends the writing direction, if the stream can.
  [[nodiscard]] virtual Task<void> end_writing() = 0;

  /// Ends when the peer has left; never, if the stream cannot tell. Its errors mean the same.
  [[nodiscard]] virtual Task<void> hung_up(bool on_half_close) = 0;
  [[nodiscard]] virtual bool tells_hang_up() const noexcept = 0;
  [[nodiscard]] virtual bool waits_without_buffer() const noexcept = 0;
  [[nodiscard]] virtual bool reads_without_waiting() const noexcept = 0;
  /// Null: it cannot read without waiting.
  [[nodiscard]] virtual std::optional<Result<std::size_t>> try_read(
      std::span<std::byte> buffer) noexcept = 0;
  /// Errors: errc::operation_not_supported.
  [[nodiscard]] virtual Result<std::size_t> try_write(std::string_view text) noexcept = 0;
  virtual Result<void> set_keep_alive(std::chrono::seconds idle) noexcept = 0;
  [[nodiscard]] virtual NativeHandle native_handle() const noexcept = 0;
  [[nodiscard]] virtual const Endpoint* peer_endpoint() const noexcept = 0;
  [[nodiscard]] virtual bool is_encrypted() const noexcept = 0;
};

template <class S>
class TransportOf final : public TransportStream {
  using Stream = std::remove_reference_t<S>;
  static constexpr bool tells_close = requires(Stream& stream) {
    { stream.peer_closed() } -> Awaitable;
  };
  static constexpr bool tells_end = requires(Stream& stream) {
    { stream.peer_ended() } -> Awaitable;
  };
  static constexpr bool waits = requires(Stream& stream) {
    { stream.readable() } -> Awaitable;
  };
  static constexpr bool flushes = requires(Stream& stream) {
    { stream.flush() } -> Awaitable;
  };
  static constexpr bool tries_reads = requires(Stream& stream, std::span<std::byte> buffer) {
    { stream.try_read(buffer) } -> std::convertible_to<Result<std::size_t>>;
  };

 public:
  explicit TransportOf(S&& stream) : stream_(std::forward<S>(stream)) {}
  ~TransportOf() override {
    if constexpr (requires(Stream& stream) { stream.close(); }) stream_.close();
  }

  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) override {
    return read_from(stream_, buffer);
  }
  [[nodiscard]] Task<void> readable() override { return readable_of(stream_); }
  [[nodiscard]] Task<std::size_t> write_vectored(std::span<const IoSlice> slices) override {
    return write_to(stream_, slices);
  }
  [[nodiscard]] Task<void> write_all_vectored(std::span<IoSlice> slices) override {
    return write_all_to(stream_, slices);
  }
  [[nodiscard]] Task<void> end_writing() override { return end_of(stream_); }

  [[nodiscard]] Task<void> hung_up(bool on_half_close) override {
    return wait_for_peer(stream_, on_half_close);
  }
  [[nodiscard]] bool tells_hang_up() const noexcept override { return tells_close; }
  [[nodiscard]] bool waits_without_buffer() const noexcept override { return waits; }
  [[nodiscard]] bool reads_without_waiting() const noexcept override { return tries_reads; }
  [[nodiscard]] std::optional<Result<std::size_t>> try_read(
      std::span<std::byte> buffer) noexcept override {
    if constexpr (tries_reads) {
      return stream_.try_read(buffer);
    } else {
      return std::nullopt;
    }
  }
  [[nodiscard]] Result<std::size_t> try_write(std::string_view text) noexcept override {
    if constexpr (requires(Stream& stream) { stream.try_write(text); }) {
      return stream_.try_write(text);
    } else {
      return fail(std::errc::operation_not_supported);
    }
  }
  Result<void> set_keep_alive(std::chrono::seconds idle) noexcept override {
    if constexpr (requires(Stream& stream) { stream.set_keep_alive(idle); }) {
      return stream_.set_keep_alive(idle);
    } else {
      return fail(std::errc::operation_not_supported);
    }
  }
  [[nodiscard]] NativeHandle native_handle() const noexcept override {
    if constexpr (requires(const Stream& stream) { stream.native_handle(); }) {
      return stream_.native_handle();
    } else {
      return invalid_handle;
    }
  }
  [[nodiscard]] const Endpoint* peer_endpoint() const noexcept override {
    if constexpr (requires(const Stream& stream) {
                    { stream.peer_endpoint() } -> std::same_as<const Endpoint&>;
                  }) {
      return &stream_.peer_endpoint();
    } else {
      return nullptr;
    }
  }
  [[nodiscard]] bool is_encrypted() const noexcept override {
    if constexpr (requires(const Stream& stream) { stream.is_encrypted(); }) {
      return stream_.is_encrypted();
    } else {
      return false;
    }
  }

 private:
  static Task<std::size_t> read_from(Stream& stream, std::span<std::byte> buffer) {
    const std::size_t size = co_await stream.read(buffer);
    co_return std::min(size, buffer.size());
  }
  static Task<void> readable_of(Stream& stream) {
    if constexpr (waits) co_await stream.readable();
    co_return;
  }
  [[nodiscard]] static std::span<const std::byte> bytes_of_slice(const IoSlice& slice) noexcept {
    return {slice.data, slice.size};
  }

  static Task<std::size_t> write_to(Stream& stream, std::span<const IoSlice> slices) {
    std::size_t most = 0;
    std::size_t taken = 0;
    if constexpr (requires { stream.write_vectored(slices); }) {
      for (const IoSlice& slice : slices) most += slice.size;
      taken = co_await stream.write_vectored(slices);
    } else {
      while (slices.size() > 1 && slices.front().size == 0) slices = slices.subspan(1);
      most = slices.front().size;
      taken = co_await stream.write(bytes_of_slice(slices.front()));
    }
    if (taken == 0) throw IoError(IoErrc::nothing_written, "write", "stream");
    if constexpr (flushes) co_await stream.flush();
    co_return std::min(taken, most);
  }
  static Task<void> write_all_to(Stream& stream, std::span<IoSlice> slices) {
    if constexpr (requires { stream.write_all_vectored(slices); }) {
      co_await stream.write_all_vectored(slices);
    } else {
      for (const IoSlice& slice : slices) {
        if (slice.size != 0) co_await weft::write_all(stream, bytes_of_slice(slice));
      }
    }
    if constexpr (flushes) co_await stream.flush();
  }
  static Task<void> end_of(Stream& stream) {
    if constexpr (requires { stream.shutdown(); }) {
      using Ended = decltype(stream.shutdown());
      if constexpr (Awaitable<Ended>) {
        co_await stream.shutdown();
      } else if constexpr (std::is_void_v<Ended>) {
        stream.shutdown();
      } else {
        const Result<void> ended = stream.shutdown();
        if (!ended) throw IoError(ended.error(), "shutdown", "stream");
      }
    }
    co_return;
  }

  static Task<void> wait_for_peer(Stream& stream, bool on_half_close) {
    if constexpr (tells_close && tells_end) {
      if (on_half_close) {
        co_await select(attempt(stream.peer_closed()), attempt(stream.peer_ended()));
        co_return;
      }
    }
    if constexpr (tells_close) {
      static_cast<void>(co_await attempt(stream.peer_closed()));
    } else {
      co_await never();
    }
  }

  S stream_;  // an object or a reference
};

/// Whatever a connection can run over: see the top of this header.
template <class S>
concept TransportSource =
    ByteReader<std::remove_reference_t<S>> && ByteWriter<std::remove_reference_t<S>>;

/// Owns a stream, or borrows it. Move-only. Empty after a move.
class Transport {
 public:
  template <TransportSource S>
    requires(!std::same_as<std::remove_cvref_t<S>, Transport>)
  Transport(S&& stream)  // NOLINT(google-explicit-constructor): any stream is one
      : over_(hold(std::forward<S>(stream))) {}
  Transport(Transport&&) noexcept = default;
  Transport& operator=(Transport&&) noexcept = default;
  ~Transport() = default;

  [[nodiscard]] explicit operator bool() const noexcept {
    const StreamSocket* const socket = std::get_if<StreamSocket>(&over_);
    return socket != nullptr ? static_cast<bool>(*socket) : other() != nullptr;
  }
  /// Returns whether it runs over a socket, without an interface between.
  [[nodiscard]] bool is_socket() const noexcept { return over_.index() == 0; }
  /// Returns what it runs over, by the type that is_socket() says.
  template <class S>
  [[nodiscard]] S& over() noexcept {
    if constexpr (std::same_as<S, StreamSocket>) {
      return *std::get_if<StreamSocket>(&over_);
    } else {
      return *other();
    }
  }

  /// Returns whether try_read() gives a result.
  [[nodiscard]] bool tells_silence() const noexcept {
    return is_socket() || other()->reads_without_waiting();
  }
  /// Reads without waiting. Null: the stream cannot.
  [[nodiscard]] std::optional<Result<std::size_t>> try_read(std::span<std::byte> buffer) noexcept {
    if (!is_socket()) return other()->try_read(buffer);
    return over<StreamSocket>().try_read(buffer);
  }
  [[nodiscard]] Result<std::size_t> try_write(std::string_view text) noexcept {
    return is_socket() ? over<StreamSocket>().try_write(text) : other()->try_write(text);
  }
  Result<void> set_keep_alive(std::chrono::seconds idle) noexcept {
    return is_socket() ? over<StreamSocket>().set_keep_alive(idle) : other()->set_keep_alive(idle);
  }
  /// Returns the socket whose events tell whether the peer has left; invalid_handle if there is
  /// none, or if the stream itself tells.
  [[nodiscard]] NativeHandle handle_to_watch() noexcept {
    if (is_socket()) return over<StreamSocket>().native_handle();
    return other()->tells_hang_up() ? invalid_handle : other()->native_handle();
  }
  /// Returns the peer's address; null if there is none.
  [[nodiscard]] const Endpoint* peer_endpoint() noexcept {
    return is_socket() ? &over<StreamSocket>().peer_endpoint() : other()->peer_endpoint();
  }
  [[nodiscard]] bool is_encrypted() const noexcept {
    return !is_socket() && other()->is_encrypted();
  }

 private:
  using Held = std::variant<StreamSocket, std::unique_ptr<TransportStream>>;

  template <class S>
  [[nodiscard]] static Held hold(S&& stream) {
    if constexpr (std::same_as<S, StreamSocket> || std::same_as<S, UnixStream>) {
      return Held(std::in_place_index<0>, std::move(stream));
    } else {
      return Held(std::in_place_index<1>,
                  std::make_unique<TransportOf<S>>(std::forward<S>(stream)));
    }
  }
  /// Null: it is over a socket, or empty.
  [[nodiscard]] TransportStream* other() const noexcept {
    const auto* const held = std::get_if<1>(&over_);
    return held != nullptr ? held->get() : nullptr;
  }

  Held over_;
};

}  // namespace weft::inline v0_1::http
