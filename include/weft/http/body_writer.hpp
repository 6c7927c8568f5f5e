// http::BodyWriter: a body that is written as it is made. Part of <weft/http.hpp>.
//
//   auto numbers = [](weft::http::BodyWriter& out) -> weft::Task<void> {
//     for (int i = 0; i < 1'000'000; ++i) co_await out.write_all(std::to_string(i) + "\n");
//   };
//   return weft::http::Response::stream(numbers);
//
// A BodyWriter is a ByteWriter (<weft/io.hpp>). Small writes are gathered, up to 16 KiB, behind the
// head of the message; a large one goes to the connection directly. So a write does not wait unless
// the peer has to take bytes first, and then nothing more is made until it has: memory stays
// bounded by 80 KiB. Nothing is held back across a flush(), which also sends the head.
//
// The framing is the connection's: with an announced length the body must have exactly as many
// bytes; without, it is chunked, or ends with the connection if the peer is an HTTP/1.0 client.
//
// One task at a time uses it. Cancel: a cancelled write() has taken nothing, and a cancelled
// flush() may be repeated.
#pragma once

#include <weft/bytes.hpp>
#include <weft/http/headers.hpp>
#include <weft/io.hpp>
#include <weft/task.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weft::inline v0_1 {
class File;  // <weft/file.hpp>
}  // namespace weft::inline v0_1

namespace weft::inline v0_1::http {

/// Where a BodyWriter's bytes go, framed: a connection of a server or of a client, or what a
/// program puts between (an encoder, a test's double).
class BodyTarget {
 public:
  BodyTarget() = default;
  BodyTarget(const BodyTarget&) = delete;
  BodyTarget& operator=(const BodyTarget&) = delete;
  virtual ~BodyTarget() = default;

  /// Waits until at least one byte of the slices was taken, and returns their number. At least one
  /// slice is not empty. Errors: those of the connection. Cancel: none was taken.
  [[nodiscard]] virtual Task<std::size_t> write_some(std::span<const IoSlice> slices) = 0;
  /// Whether send_file() does anything.
  [[nodiscard]] virtual bool sends_files() const noexcept { return false; }
  /// Sends some of a file from where it is, as weft::send_file() does; 0: the file ends at
  /// `offset`. Called only if sends_files(), for a body that is not chunked.
  [[nodiscard]] virtual Task<std::size_t> send_file(File& file, std::uint64_t offset,
                                                    std::uint64_t size);
  /// Passes on what write_some() has taken and kept.
  [[nodiscard]] virtual Task<void> flush();
  /// Waits until the server drains; never ends where nothing drains. Cancel: stops waiting.
  [[nodiscard]] virtual Task<void> draining();
  /// Returns what errors call the connection, such as the peer's address.
  [[nodiscard]] virtual std::string subject() const { return {}; }
};

/// How the end of a body is told to the peer.
struct BodyFraming {
  enum class End : std::uint8_t {
    chunked,  ///< by a last chunk (RFC 9112, 7.1)
    length,   ///< the head has announced the size
    close     ///< by the end of the connection, or by other means
  };
  End end = End::chunked;
  std::uint64_t length = 0;  ///< with End::length
};

/// Returns whether a field of that name may not be a trailer: one that is needed for framing,
/// routing, authentication, or before the body (RFC 9110, 6.5.1).
[[nodiscard]] bool is_forbidden_trailer(std::string_view name) noexcept;

/// See the top of this header. Lives until the producer of the body has ended.
class BodyWriter {
 public:
  /// Up to that many bytes are gathered before they are sent.
  static constexpr std::size_t gathered = std::size_t{16} * 1024;
  /// The most bytes that one write() takes.
  static constexpr std::size_t most_taken = std::size_t{64} * 1024;

  /// For connections. `head`: goes to the target before the body. The target must outlive it.
  BodyWriter(BodyTarget& target, BodyFraming framing, std::string head = {}) noexcept
      : target_(target), framing_(framing), pending_(std::move(head)) {}
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;

  /// Takes at least one byte of `data`, at most most_taken, and returns their number; 0 if `data`
  /// is empty. Errors: IoErrors. Those of the connection; Errc::body_too_long, and nothing was
  /// taken, if the body would have more bytes than announced. Cancel: nothing was taken.
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data);
  [[nodiscard]] Task<std::size_t> write(std::string_view text) { return write(bytes_of(text)); }
  /// Takes as write() does, from several pieces of memory in order.
  [[nodiscard]] Task<std::size_t> write_vectored(std::span<const IoSlice> slices);
  /// Takes all of `data`. Cancel: a part was taken, whose size bytes_written() tells.
  [[nodiscard]] Task<void> write_all(std::span<const std::byte> data);
  [[nodiscard]] Task<void> write_all(std::string_view text) { return write_all(bytes_of(text)); }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <weft::detail::OwningTemporary B>
  [[nodiscard]] Task<void> write_all(B&& data) {
    return weft::detail::write_owned<BodyWriter, B>(*this, std::move(data));
  }
  /// Takes `size` bytes of a file from `offset` on: over a socket by sendfile(2), if the body is
  /// not chunked (see weft::send_file()); else through a buffer of 64 KiB. Errors: as write_all(),
  /// those of the file, and FileErrc::unexpected_end if it ends before that. Cancel: as
  /// write_all().
  [[nodiscard]] Task<void> write_file(File& file, std::uint64_t offset, std::uint64_t size) {
    return write_file(file, offset, size, nullptr);
  }
  /// Does the same, and calls `check` when the last bytes were read and not sent, unless
  /// sendfile(2) takes the whole part in one call. If it throws, the body stays short, which the
  /// peer sees.
  [[nodiscard]] Task<void> write_file(File& file, std::uint64_t offset, std::uint64_t size,
                                      std::function<void()> check);
  /// Sends all that was taken, and the head. Errors: those of the connection. Cancel: the rest
  /// stays.
  [[nodiscard]] Task<void> flush();
  /// Waits until the server drains: the time for a body without an end to end; never ends at a
  /// client. Any task may wait beside the one that writes. Cancel: stops waiting.
  [[nodiscard]] Task<void> draining() { return target_.draining(); }

  /// Adds a field that is sent behind the body, if it is chunked; otherwise it is dropped. Any time
  /// before the end. Throws std::invalid_argument, and adds nothing, for a field that
  /// Headers::add() refuses, or whose name is_forbidden_trailer().
  void add_trailer(std::string_view name, std::string_view value);

  /// Returns the number of bytes of the body that were taken.
  [[nodiscard]] std::uint64_t bytes_written() const noexcept { return written_; }
  /// Returns the announced size; null if none was.
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept {
    return framing_.end == BodyFraming::End::length ? std::optional(framing_.length) : std::nullopt;
  }
  [[nodiscard]] std::string subject() const { return target_.subject(); }

  /// For connections: ends the body when its producer has ended: sends what was taken, the last
  /// chunk and the trailers. Errors: as flush(), and Errc::body_too_short, before anything is sent,
  /// if the body has fewer bytes than announced. Cancel: as flush().
  [[nodiscard]] Task<void> finish();
  /// For connections: whether the target has taken bytes, so that another message cannot take the
  /// place of this one.
  [[nodiscard]] bool begun() const noexcept { return begun_; }
  /// For connections, if it has not begun: returns the head, with whatever was gathered behind it.
  [[nodiscard]] std::string take_pending() noexcept { return std::move(pending_); }

 private:
  [[nodiscard]] std::size_t unsent() const noexcept { return pending_.size() - sent_; }
  void check_room(std::uint64_t size) const;
  [[nodiscard]] std::size_t bounded(std::size_t size) const;
  void gather(std::span<const std::byte> data);
  [[nodiscard]] Task<std::size_t> write_through(std::span<const std::byte> data);
  [[nodiscard]] Task<void> send_pending();
  [[nodiscard]] Task<std::uint64_t> begin_file(File& file, std::uint64_t offset,
                                               std::uint64_t size);
  [[nodiscard]] Task<void> send_file_directly(File& file, std::uint64_t offset, std::uint64_t size,
                                              std::function<void()> check);
  [[nodiscard]] Task<void> copy_file_part(File& file, std::uint64_t offset, std::uint64_t size,
                                          std::function<void()> check);
  void keep_rest(std::string_view text, std::size_t& taken);
  void end_chunks();
  void check_whole() const;
  void open_chunk();
  void close_chunk();
  void consume(std::size_t size) noexcept;

  static constexpr std::size_t no_chunk = static_cast<std::size_t>(-1);

  BodyTarget& target_;
  BodyFraming framing_;
  std::string pending_;           // framed bytes; the last chunk may be open
  std::size_t sent_ = 0;          // of pending_, which the target has taken
  std::size_t chunk_ = no_chunk;  // where the open chunk begins in pending_
  std::uint64_t written_ = 0;
  Headers trailers_;
  bool begun_ = false;
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace weft::inline v0_1::http
