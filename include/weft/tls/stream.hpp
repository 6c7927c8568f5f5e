// tls::Stream: TLS over any stream of bytes: sockets, Unix sockets, duplex(), tunnels, a type of
// your own. Part of <weft/tls.hpp>.
//
//   weft::tls::Stream stream(std::move(socket), context, "example.org");   // connects; owns it
//   co_await stream.write_all("hello\n");              // shakes hands first
//   std::size_t size = co_await stream.read(buffer);   // 0: the peer has said that it has ended
//
//   weft::tls::Stream accepted(socket, server_context);                   // accepts; borrows it
//
// The inner stream is a ByteReader and a ByteWriter (<weft/io.hpp>): an lvalue is borrowed and must
// stay alive and in place, an rvalue moves in. Its readable(), try_read(), try_write(), flush(),
// shutdown(), close(), peer_closed() and native_handle() are used where it has them. With
// readable(), a connection that waits holds no buffer.
//
// The handshake is made by handshake(), or else by the first operation, within
// CommonOptions::handshake_timeout. Its failure is that of each later operation.
//
// Two tasks may use it at the same time, one that reads and one that writes, on any threads. It
// must not be moved while an operation is under way; close() is for any thread at any time, if that
// of the inner stream is.
//
// Cancel loses nothing, which includes timeout() and select(): a read has read nothing, a write has
// taken nothing, a handshake goes on with the next operation. For that, a write() does not wait
// once it has taken bytes: what the inner stream does not take at once goes out with the next
// operation of either direction, or by flush(), which write_all() ends with.
//
// An end of the inner stream without close_notify is an error: Errc::truncated (see
// CommonOptions::allow_missing_close_notify). Only shutdown() sends close_notify: a stream that is
// destroyed half-way must not look complete.
#pragma once

#include <weft/bytes.hpp>
#include <weft/endpoint.hpp>
#include <weft/io.hpp>
#include <weft/mutex.hpp>
#include <weft/native_handle.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>
#include <weft/tls/engine.hpp>
#include <weft/tls/peers.hpp>
#include <weft/tls/stream_io.hpp>

#include <algorithm>
#include <array>
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
#include <system_error>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::tls {

/// See the top of this header. S is the type of the inner stream, or an lvalue reference to it.
template <class S>
  requires ByteReader<std::remove_reference_t<S>> && ByteWriter<std::remove_reference_t<S>>
class Stream {
  using Io = StreamIo<S>;

 public:
  using Inner = std::remove_reference_t<S>;

  /// Connects. `host` is the name or address that the server's certificate must be for; the name is
  /// also told to the server (SNI). Sessions are resumed by host and port. Throws std::bad_alloc,
  /// and IoError (errc::invalid_argument) for what is no host.
  Stream(S&& inner, const ClientContext& context, std::string_view host, std::uint16_t port = 0)
      : io_(std::forward<S>(inner), context, host, port) {}
  /// Accepts. Throws std::bad_alloc.
  Stream(S&& inner, const ServerContext& context) : io_(std::forward<S>(inner), context) {}
  /// The same, for a Listener: it can be found by its peer_endpoint().
  Stream(S&& inner, const ServerContext& context, std::shared_ptr<Peers> peers)
      : Stream(std::forward<S>(inner), context) {
    peers->add(io_.state().peer, engine());
    io_.state().peers = std::move(peers);
  }
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;
  ~Stream() = default;

  /// Shakes hands, if that was not done. Errors: Errc, IoErrors of the inner stream. The IoError
  /// names the peer, and the certificate. With TLS 1.3 a client learns from its first read that the
  /// server has refused its certificate. Cancel: the next operation goes on.
  [[nodiscard]] Task<void> handshake() {
    co_await establish();
    if (engine().peer_awaits_output()) {
      co_await io_.flush_output();
    } else {
      static_cast<void>(io_.has_something_left());  // offers it
    }
  }

  /// Waits for data, puts it into `buffer` and returns the number of bytes; 0 if the peer has ended
  /// its side, or if the buffer is empty. Errors: Errc::truncated, protocol_error, an alert; those
  /// of the inner stream; those of handshake(). Cancel: nothing was read.
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) {
    if (buffer.empty()) co_return 0;
    if (!engine().is_established()) co_await establish();
    for (;;) {
      const Progress step = engine().read(buffer);
      if (step.kind == Progress::Kind::done) co_return step.size;
      if (step.kind == Progress::Kind::ended) co_return 0;
      if (step.kind == Progress::Kind::failed) {
        co_await io_.send_alert();
        engine().throw_failure("read");
      }
      co_await io_.receive(step.fed);
    }
  }
  template <detail::ByteBuffer B>
  [[nodiscard]] Task<std::size_t> read(B&& buffer) {
    return read(
        std::as_writable_bytes(std::span(std::ranges::data(buffer), std::ranges::size(buffer))));
  }
  /// Fills `buffer`. Errors: IoErrc::unexpected_end. Cancel: a part may have been read.
  [[nodiscard]] Task<void> read_exact(std::span<std::byte> buffer) {
    return detail::read_exact_of(*this, buffer);
  }
  template <detail::ByteBuffer B>
  [[nodiscard]] Task<void> read_exact(B&& buffer) {
    return read_exact(
        std::as_writable_bytes(std::span(std::ranges::data(buffer), std::ranges::size(buffer))));
  }
  /// Waits until a read() would not wait. Cancel: nothing is lost.
  [[nodiscard]] Task<void> readable() {
    if (!engine().is_established()) co_await establish();
    for (;;) {
      const Progress step = engine().peek();
      if (step.kind != Progress::Kind::needs_input) co_return;
      co_await io_.receive(step.fed);
    }
  }
  /// Reads what is there without waiting. Errors: errc::operation_would_block if nothing is, and
  /// before the handshake's end; not_enough_memory; otherwise as read().
  [[nodiscard]] Result<std::size_t> try_read(std::span<std::byte> buffer) noexcept
    requires(Io::tries_reads)
  {
    if (!engine().is_established()) return fail(std::errc::operation_would_block);
    for (;;) {
      const Result<Progress> step = io_.try_step(buffer);
      if (!step) return fail(step.error());
      if (step->kind == Progress::Kind::done) return step->size;
      if (step->kind == Progress::Kind::ended) return 0;
      if (step->kind == Progress::Kind::failed) return fail(engine().failure());
    }
  }

  /// Waits until earlier writes have left, takes at least one byte of `data`, and returns the
  /// number of bytes taken, at most 64 KiB. See the top of this header. Errors: errc::broken_pipe
  /// after a shutdown(), those of the inner stream, and of handshake(). Cancel: none was taken.
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data) {
    const std::array<IoSlice, 1> slices{slice_of(data)};
    const std::size_t size = co_await write_vectored(slices);
    co_return size;
  }
  [[nodiscard]] Task<std::size_t> write(std::string_view text) { return write(bytes_of(text)); }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <detail::OwningTemporary B>
  [[nodiscard]] Task<std::size_t> write(B&& data) {
    return detail::write_once_owned<Stream, B>(*this, std::move(data));
  }
  /// Does the same with several pieces of memory, in order. The slices must stay alive, too.
  [[nodiscard]] Task<std::size_t> write_vectored(std::span<const IoSlice> slices) {
    if (!engine().is_established()) co_await establish();
    for (;;) {
      MutexGuard turn = co_await io_.state().output.lock();
      if (io_.state().has_to_send()) co_await io_.drain();
      const Progress step = engine().write(slices);
      if (step.kind == Progress::Kind::failed) throw_refusal("write", std::errc::broken_pipe);
      if (step.kind == Progress::Kind::done) {
        io_.send_now();  // no wait from here on: what was taken is taken
        co_return step.size;
      }
      // In the middle of a message about keys, which the reading side has to have whole.
      turn.unlock();
      co_await io_.fill(step.fed);
    }
  }
  /// Writes all of `data`, and flushes. Cancel: a part may have been written.
  [[nodiscard]] Task<void> write_all(std::span<const std::byte> data) {
    while (!data.empty()) {
      const std::size_t size = co_await write(data);
      data = data.subspan(size);
    }
    co_await flush();
  }
  [[nodiscard]] Task<void> write_all(std::string_view text) { return write_all(bytes_of(text)); }
  template <detail::OwningTemporary B>
  [[nodiscard]] Task<void> write_all(B&& data) {
    return write_all_owned<B>(std::move(data));
  }
  /// Does the same with several pieces of memory, in order. The slices must stay alive, and are
  /// modified.
  [[nodiscard]] Task<void> write_all_vectored(std::span<IoSlice> slices) {
    for (;;) {
      while (!slices.empty() && slices.front().size == 0) slices = slices.subspan(1);
      if (slices.empty()) break;
      std::size_t size = co_await write_vectored(slices);
      for (IoSlice& slice : slices) {
        const std::size_t taken = std::min(size, slice.size);
        slice.data += taken;
        slice.size -= taken;
        size -= taken;
      }
    }
    co_await flush();
  }
  /// Waits until the inner stream has taken all that was written. Cancel: the rest is kept.
  [[nodiscard]] Task<void> flush() {
    if (!engine().is_established()) co_await establish();
    co_await io_.flush_output();
  }
  /// Gives the inner stream as much as it takes at once. Never waits. Errors:
  /// errc::operation_would_block if nothing was taken, also while a write is under way.
  [[nodiscard]] Result<std::size_t> try_write(std::string_view text) noexcept
    requires(Io::tries_writes)
  {
    if (!engine().is_established()) return fail(std::errc::operation_would_block);
    const MutexGuard turn = io_.state().output.try_lock();
    if (!turn) return fail(std::errc::operation_would_block);
    return io_.write_now(text);
  }

  /// Says that nothing more will come (close_notify), flushes, and ends the writing side of the
  /// inner stream, if it has a shutdown(); reading goes on. Before the handshake's end, and after a
  /// failure, only the latter. Idempotent. Errors: those of the inner stream. Cancel: call it
  /// again.
  [[nodiscard]] Task<void> shutdown() {
    co_await close_notify();
    if constexpr (requires { inner().shutdown(); }) co_await detail::end_writing(inner());
  }
  /// Does the same, and leaves the inner stream open: for what follows TLS on it.
  [[nodiscard]] Task<void> close_notify() {
    if (!engine().is_established()) co_return;
    const MutexGuard turn = co_await io_.state().output.lock();
    if (io_.state().has_to_send()) co_await io_.drain();
    engine().close_notify();
    if (io_.state().has_to_send()) co_await io_.drain();
  }
  /// Closes the inner stream, without close_notify.
  void close() noexcept
    requires(requires(Inner& inner) { inner.close(); })
  {
    inner().close();
  }

  /// Changes the keys of this side and, if asked, of the peer: for connections that live long.
  /// Throws IoError (errc::operation_not_supported) with TLS 1.2. Cancel: they may have been
  /// changed.
  [[nodiscard]] Task<void> update_keys(bool of_both_sides = true) {
    if (!engine().is_established()) co_await establish();
    for (;;) {
      MutexGuard turn = co_await io_.state().output.lock();
      if (io_.state().has_to_send()) co_await io_.drain();
      const Progress step = engine().update_keys(of_both_sides);
      if (step.kind == Progress::Kind::failed) {
        throw_refusal("update keys", std::errc::operation_not_supported);
      }
      if (step.kind == Progress::Kind::done) {
        if (io_.state().has_to_send()) co_await io_.drain();
        co_return;
      }
      turn.unlock();
      co_await io_.fill(step.fed);
    }
  }

  // What was agreed. Before the handshake's end: nothing, or what is known.
  [[nodiscard]] Session session() const { return engine().session(); }
  [[nodiscard]] std::string alpn() const { return session().alpn; }
  [[nodiscard]] Version version() const { return session().version; }
  [[nodiscard]] std::string cipher() const { return session().cipher; }
  [[nodiscard]] std::string server_name() const { return session().server_name; }
  [[nodiscard]] bool is_resumed() const { return session().is_resumed; }
  [[nodiscard]] std::optional<Certificate> peer_certificate() const {
    return session().certificate;
  }
  [[nodiscard]] bool is_established() const noexcept { return engine().is_established(); }
  [[nodiscard]] bool is_encrypted() const noexcept { return true; }

  // Of the inner stream.
  [[nodiscard]] Inner& inner() noexcept { return io_.inner(); }
  [[nodiscard]] const Inner& inner() const noexcept { return io_.inner(); }
  [[nodiscard]] explicit operator bool() const noexcept
    requires(requires(const Inner& inner) { static_cast<bool>(inner); })
  {
    return io_.has_state() && static_cast<bool>(inner());
  }
  /// Returns the peer's address: an object that stays where it is, for as long as this stream lives
  /// and wherever it moves.
  [[nodiscard]] const Endpoint& peer_endpoint() const noexcept
    requires(Io::has_endpoint)
  {
    return io_.state().peer;
  }
  [[nodiscard]] NativeHandle native_handle() const noexcept
    requires(requires(const Inner& inner) { inner.native_handle(); })
  {
    return inner().native_handle();
  }
  [[nodiscard]] Result<void> set_keep_alive(std::chrono::seconds idle) noexcept
    requires(requires(Inner& inner) { inner.set_keep_alive(idle); })
  {
    return inner().set_keep_alive(idle);
  }
  [[nodiscard]] auto peer_closed() noexcept
    requires(requires(Inner& inner) {
      { inner.peer_closed() } -> Awaitable;
    })
  {
    return inner().peer_closed();
  }
  [[nodiscard]] auto peer_ended() noexcept
    requires(requires(Inner& inner) {
      { inner.peer_ended() } -> Awaitable;
    })
  {
    return inner().peer_ended();
  }
  /// What errors call it.
  [[nodiscard]] std::string subject() const { return engine().peer(); }

 private:
  [[nodiscard]] Engine& engine() const noexcept { return io_.engine(); }
  /// As handshake(), but may leave this side's last message to the next operation: the peer may
  /// read it only once this side reads, for which the caller must not wait here.
  Task<void> establish() {
    const MutexGuard turn = co_await io_.state().handshake.lock();
    if (engine().is_established()) co_return;
    engine().throw_failure("tls handshake");
    const TimePoint deadline = engine().handshake_deadline();
    const IoResult<void> done = co_await attempt(timeout_at(io_.shake_hands(), deadline));
    if (done) co_return;
    const std::error_code late = make_error_code(IoErrc::timed_out);
    if (done.error().code() == late && now() >= deadline) {
      engine().fail(Errc::handshake_timed_out);
      engine().throw_failure("tls handshake");
    }
    throw IoError(done.error());
  }
  /// Throws the failure of the connection, or `otherwise` if that goes on.
  [[noreturn]] void throw_refusal(const char* operation, std::errc otherwise) const {
    engine().throw_failure(operation);
    throw IoError(std::make_error_code(otherwise), operation, engine().peer());
  }
  template <class B>
  Task<void> write_all_owned(B data) {
    co_await write_all(detail::bytes_in(data));
  }

  Io io_;
};

template <class S>
Stream(S&&, const ClientContext&, std::string_view) -> Stream<S>;
template <class S>
Stream(S&&, const ClientContext&, std::string_view, std::uint16_t) -> Stream<S>;
template <class S>
Stream(S&&, const ServerContext&) -> Stream<S>;
template <class S>
Stream(S&&, const ServerContext&, std::shared_ptr<Peers>) -> Stream<S>;

}  // namespace weft::inline v0_1::tls
