// tls::Engine: one connection of TLS without its I/O: bytes in, bytes out. Part of <weft/tls.hpp>.
// tls::Stream puts it onto a stream; a program needs it only for I/O of its own.
//
// Each step says what it needs. After needs_input, feed() it what has come from the peer. Whatever
// the step, what take_output() gives is to be sent, in that order.
//
// Thread-safe: a lock is held during each call, none of which waits. So one task may read while
// another one writes. OpenSSL sees no socket.
#pragma once

#include <weft/endpoint.hpp>
#include <weft/extend/operation.hpp>
#include <weft/time.hpp>
#include <weft/tls/certificate.hpp>
#include <weft/tls/context.hpp>
#include <weft/tls/error.hpp>
#include <weft/tls/options.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace weft::inline v0_1::tls {

/// What the two sides have agreed upon.
struct Session {
  Session() noexcept {}

  Version version = Version::tls_1_3;
  std::string cipher;                      ///< "TLS_AES_256_GCM_SHA384"
  std::string alpn;                        ///< the application protocol; empty: none was agreed
  std::string server_name;                 ///< the name that the client has asked for (SNI)
  bool is_resumed = false;                 ///< without a full handshake
  std::optional<Certificate> certificate;  ///< the peer's
  std::vector<Certificate> chain;          ///< the peer's, and those it has sent with it
};

/// How far a step of an Engine has come.
struct Progress {
  enum class Kind : std::uint8_t {
    done,         ///< `size` bytes were read or taken; the handshake has ended
    needs_input,  ///< feed() it first
    ended,        ///< the peer has ended its side (close_notify)
    failed,       ///< see Engine::throw_failure(). There may be an alert in the output
  };
  Progress(Kind what, std::size_t bytes, std::uint64_t fed_before) noexcept
      : kind(what), size(bytes), fed(fed_before) {}

  Kind kind;
  std::size_t size;
  std::uint64_t fed;  ///< how often feed() was called before the step
};

/// Bytes from the peer, in memory of their own.
struct InputBuffer {
  /// Throws std::bad_alloc.
  explicit InputBuffer(std::size_t capacity)
      : bytes(std::make_unique_for_overwrite<std::byte[]>(capacity)), room(capacity) {}
  [[nodiscard]] std::span<std::byte> span() noexcept { return {bytes.get(), room}; }

  std::unique_ptr<std::byte[]> bytes;
  std::size_t room;
};

class Engine {
 public:
  /// The largest record that a peer may send (RFC 8446, 5.2; RFC 5246, 6.2.3), with its header.
  static constexpr std::size_t largest_record = 5 + 16384 + 2048;
  /// The most that one write() takes.
  static constexpr std::size_t most_at_once = std::size_t{64} * 1024;

  /// Connects. `host` is the name or address that the server must prove to be; `peer` is what
  /// errors call it. Sessions are kept by host and port. Throws std::bad_alloc, and IoError
  /// (errc::invalid_argument) for a host that is none: empty, or with a NUL.
  Engine(const ClientContext& context, std::string_view host, std::uint16_t port, std::string peer);
  /// Accepts. Throws std::bad_alloc.
  Engine(const ServerContext& context, std::string peer);
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  /// Whether the peer's handshake ends only with what this side has to send. A server's tickets of
  /// TLS 1.3 are nothing that a client waits for.
  [[nodiscard]] bool peer_awaits_output() const noexcept;
  [[nodiscard]] bool is_established() const noexcept;
  [[nodiscard]] Progress handshake();
  /// Decrypts into `buffer`, whatever is there. Done with size 0: the buffer is empty.
  [[nodiscard]] Progress read(std::span<std::byte> buffer);
  /// Done: a read() would not need input.
  [[nodiscard]] Progress peek();
  /// Encrypts from the front of `slices`, at most `most_at_once` bytes. After close_notify():
  /// failed, without a failure(); reading goes on.
  [[nodiscard]] Progress write(std::span<const IoSlice> slices);
  /// Says that nothing more will come. No effect before the handshake's end, after a failure, and
  /// the second time.
  void close_notify();
  /// Changes the keys of this side and, if asked, those of the peer: a message in the output.
  /// Failed with TLS 1.2, which has none; the connection goes on.
  [[nodiscard]] Progress update_keys(bool of_both_sides);

  /// Takes over `size` bytes from the peer. Throws std::bad_alloc, and the bytes are lost.
  void feed(InputBuffer buffer, std::size_t size);
  /// The peer's stream has ended.
  void feed_end() noexcept;
  /// Returns how often one of them was called.
  [[nodiscard]] std::uint64_t fed() const noexcept;
  /// Returns whether the input ends between two records, so that the peer may be silent for long.
  [[nodiscard]] bool is_between_records() const noexcept;

  [[nodiscard]] bool has_output() const noexcept;
  /// Returns what is to be sent next; empty if nothing is.
  [[nodiscard]] std::vector<std::byte> take_output() noexcept;

  /// Makes all later steps fail with `code`, unless one has failed.
  void fail(std::error_code code, std::string_view detail = {});
  /// Returns why a step has failed; no error if none has.
  [[nodiscard]] std::error_code failure() const noexcept;
  /// Throws the IoError of the step that has failed first; std::bad_alloc if that lacked memory. No
  /// effect if none has.
  void throw_failure(std::string_view operation) const;

  /// Returns what errors call it, what was agreed, and the end of the handshake's time, which
  /// begins with the first call of this.
  [[nodiscard]] const std::string& peer() const noexcept;
  [[nodiscard]] Session session() const;
  [[nodiscard]] TimePoint handshake_deadline() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::inline v0_1::tls
