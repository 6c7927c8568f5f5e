// http::BodyReader: the body of a message, read as it comes. Part of <weft/http.hpp>.
//
//   auto upload = [](http::Request& request, http::BodyReader& body) -> Task<http::Response> {
//     File file = co_await File::create(name_of(request));
//     co_await weft::copy(body, file);
//     co_return http::Response::of(201);
//   };
//
// A BodyReader is a ByteReader (<weft/io.hpp>): copy(), take(), BufferedReader work with it.
// Nothing is read from the peer unless a read asks for it, beyond what has come with the head and
// at most one buffer of 16 KiB. So a peer whose body is not read has to wait.
//
// The reader may be moved, also into the task that sends the body on, or into the response's own
// body. When its exchange has ended, reads fail with Errc::body_gone, on any task: a reader that is
// kept too long is an error, and nothing worse.
//
// One task at a time uses it. Cancel: a cancelled read has read nothing, and the next one goes on
// from there.
#pragma once

#include <weft/http/headers.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace weft::inline v0_1::http {

/// What a BodyReader reads from: a connection of a server or of a client, or what a program puts
/// between (a decoder, a test's double). Shared by the reader and its connection; must itself
/// refuse to be read when its exchange has ended.
class BodySource {
 public:
  BodySource() = default;
  BodySource(const BodySource&) = delete;
  BodySource& operator=(const BodySource&) = delete;
  virtual ~BodySource() = default;

  /// Waits for at least one byte of the body, which goes into `buffer`. 0: the end. `buffer` is not
  /// empty. Not called again after it gave 0. Errors and cancel: see BodyReader::read().
  [[nodiscard]] virtual Task<std::size_t> read(std::span<std::byte> buffer) = 0;
  /// Returns the size that the head announces; null: the size is not known before the end.
  [[nodiscard]] virtual std::optional<std::uint64_t> length() const noexcept = 0;
  /// Returns the fields that came behind the body; empty before its end.
  [[nodiscard]] virtual const Headers& trailers() const noexcept = 0;
  /// Called when the body exceeds a limit of its reader's: it is not read any further.
  virtual void give_up([[maybe_unused]] std::error_code why) noexcept {}
  /// Returns what errors call the connection, such as the peer's address.
  [[nodiscard]] virtual std::string subject() const { return {}; }
};

/// See the top of this header. Move-only; an empty reader is one that has ended.
class BodyReader {
 public:
  BodyReader() noexcept = default;
  explicit BodyReader(std::shared_ptr<BodySource> source) noexcept : source_(std::move(source)) {}
  BodyReader(BodyReader&& other) noexcept
      : source_(std::move(other.source_)),
        bytes_read_(std::exchange(other.bytes_read_, 0)),
        ended_(std::exchange(other.ended_, true)) {}
  BodyReader& operator=(BodyReader&& other) noexcept {
    source_ = std::move(other.source_);
    bytes_read_ = std::exchange(other.bytes_read_, 0);
    ended_ = std::exchange(other.ended_, true);
    return *this;
  }
  ~BodyReader() = default;

  /// Waits for bytes of the body, puts them into `buffer`, and returns their number; 0 at the end
  /// of the body, and only there. Errors: IoErrors. errc of the connection; Errc::unexpected_end if
  /// the connection ends in the middle of the body; Errc::body_too_large beyond the limit;
  /// Errc::bad_chunk and the like for a malformed body; Errc::body_gone when the exchange has
  /// ended. After an error each further read gives an error. Cancel: nothing was read.
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer);
  /// Reads to the end, and returns what was not read before. Errors: as read(), and
  /// Errc::body_too_large if that is more than `limit` bytes; a server whose handler lets this
  /// through answers with 413. Cancel: what was read is dropped.
  [[nodiscard]] Task<std::string> read_all(std::size_t limit);

  /// Returns the size of the whole body that the peer has announced (Content-Length); null if it
  /// becomes known at the end (chunked).
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept {
    return source_ != nullptr ? source_->length() : std::optional<std::uint64_t>(0);
  }
  /// Returns the number of bytes that reads have given.
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  /// Returns whether a read has given 0.
  [[nodiscard]] bool ended() const noexcept { return ended_ || source_ == nullptr; }
  /// Returns the fields that came behind a chunked body (RFC 9112, 7.1.2), checked as those of the
  /// head are; empty before the end. Valid as long as the reader.
  [[nodiscard]] const Headers& trailers() const noexcept;
  /// What errors call the reader.
  [[nodiscard]] std::string subject() const {
    return source_ != nullptr ? source_->subject() : std::string();
  }

 private:
  std::shared_ptr<BodySource> source_;
  std::uint64_t bytes_read_ = 0;
  bool ended_ = false;
};

}  // namespace weft::inline v0_1::http
