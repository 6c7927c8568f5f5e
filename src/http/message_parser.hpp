// MessageParser: parses one HTTP/1.1 message at a time, incrementally, over llhttp. The base of
// RequestParser and ResponseParser (parsers.hpp), which the server's and the client's connections
// call.
//
// A guard (line_guard.hpp) reads each line first: it finds where lines, heads and chunks end,
// counts limits, and refuses what llhttp tolerates. Only bytes that passed go to llhttp, which
// knows the grammar of fields, lengths and codings. So llhttp never sees a byte beyond the message,
// both must agree, and the outcome does not depend on how the input was split.
// Not thread-safe. Allocates only if a message is larger than all before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <llhttp/llhttp.h>

#include <weft/http/decoder.hpp>
#include <weft/http/message.hpp>

#include "http/headers_builder.hpp"
#include "http/line_guard.hpp"

namespace weft::inline v0_1::http {

class MessageParser {
 public:
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  /// Consumes input up to the next event. After `head` and `body` it must be called again, even
  /// without input: the message may be complete. After `complete` or `failed`, begin() must be
  /// called first; also after it threw std::bad_alloc.
  [[nodiscard]] ParseStep feed(std::string_view bytes);

  /// The reason for `failed`.
  [[nodiscard]] Errc error() const noexcept { return *error_; }
  /// Whether a byte of the message was consumed (empty lines before a request do not count).
  [[nodiscard]] bool started() const noexcept { return started_; }
  [[nodiscard]] bool head_done() const noexcept { return head_done_; }
  /// The Content-Length field; 0 without one.
  [[nodiscard]] std::uint64_t content_length() const noexcept { return content_length_; }
  /// Whether the body is chunked. From `head` on.
  [[nodiscard]] bool is_chunked() const noexcept { return saw_transfer_encoding_; }
  /// The bytes of a body with a Content-Length that feed() has not consumed; 0 of other bodies.
  [[nodiscard]] std::uint64_t body_left() const noexcept {
    return section_ == Section::identity ? remaining_ : 0;
  }
  /// The fields behind the body of a message that is complete.
  [[nodiscard]] const Headers* trailers() const noexcept {
    return headers_ == &trailers_ ? &trailers_ : nullptr;
  }
  /// Whether the client asks for another protocol: HTTP/1.1, "Connection: upgrade" and an Upgrade
  /// field (RFC 9110, 7.8). From the end of the head on.
  [[nodiscard]] bool asks_upgrade() const noexcept { return saw_upgrade_ && upgrades_; }
  /// Replaces Limits::max_body, from `head` on: feed() fails with body_too_large for a message that
  /// brings more, or whose chunk announces more. begin() leaves it as it is.
  void limit_body(std::uint64_t bytes) noexcept { limits_.max_body = bytes; }
  /// Frees the memory of trailers if it is more than `kept` bytes. Not in a message.
  void shrink(std::size_t kept) noexcept { trailers_.shrink(kept); }

 protected:
  enum class Section : std::uint8_t {
    empty_lines,
    first_line,
    fields,
    identity,
    until_close,
    chunk_line,
    chunk_data,
    chunk_end,
    trailers,
    complete,
    failed
  };

  MessageParser(bool is_request, const Limits& limits) noexcept;
  ~MessageParser() = default;
  void begin_message(Headers& headers) noexcept;
  /// Returns false always, so that a check can end with it.
  bool fail(Errc error) noexcept;
  void reset_llhttp() noexcept { llhttp_reset(&llhttp_); }

  Limits limits_;
  Request* request_ = nullptr;  // exactly one of the two is set
  Response* response_ = nullptr;
  bool expects_continue_ = false;
  bool no_body_ = false;  // the response answers HEAD
  bool tunnels_ = false;  // the response answers CONNECT
  bool started_ = false;
  std::uint8_t empty_line_bytes_ = 0;
  bool tolerant_ = false;  // of responses; see Reading
  bool accepts_connect_ = false;
  Section section_ = Section::failed;

 private:
  struct Callbacks;

  void note_end(ParseStep& step) const noexcept;
  [[nodiscard]] std::size_t read_whole_head(std::string_view bytes, ParseStep& step);
  [[nodiscard]] std::size_t read_empty_lines(std::string_view bytes);
  [[nodiscard]] std::size_t read_first_line(std::string_view bytes);
  [[nodiscard]] std::size_t read_request_line(std::string_view bytes, Verdict& verdict);
  [[nodiscard]] std::size_t read_status_line(std::string_view bytes, Verdict& verdict);
  [[nodiscard]] std::size_t read_fields(std::string_view bytes);
  [[nodiscard]] FieldLinesGuard::Scan pass_fields(std::string_view bytes);
  [[nodiscard]] std::size_t read_identity(std::string_view bytes, ParseStep& step);
  [[nodiscard]] std::size_t read_chunk_line(std::string_view bytes);
  [[nodiscard]] std::size_t read_chunk_data(std::string_view bytes, ParseStep& step);
  [[nodiscard]] std::size_t read_chunk_end(std::string_view bytes);
  [[nodiscard]] std::size_t advance(std::string_view bytes, ParseStep& step);
  void execute(std::string_view bytes);
  void execute_fields(std::string_view bytes);
  void end_head(ParseStep& step);
  [[nodiscard]] Errc translate(llhttp_errno_t error) const noexcept;
  [[nodiscard]] bool note_field_name();
  void note_field_value(std::string_view value);
  [[nodiscard]] bool check_head();
  [[nodiscard]] bool check_request_head();
  [[nodiscard]] bool check_target();
  [[nodiscard]] bool check_connect();
  [[nodiscard]] bool take_host_of_target();
  [[nodiscard]] bool check_transfer_encoding();

  /// Which of the fields that the parser heeds is being read.
  enum class Known : std::uint8_t {
    other,
    host,
    connection,
    content_length,
    transfer_encoding,
    expect
  };

  llhttp_t llhttp_;
  llhttp_t after_request_line_;  // llhttp's state between request line and fields
  RequestLineGuard request_line_;
  StatusLineGuard status_line_;
  FieldLinesGuard field_lines_;
  TolerantFieldLines tolerant_lines_;
  ChunkLineGuard chunk_line_;
  HeadersBuilder builder_;
  Headers trailers_;
  Headers* headers_ = nullptr;
  std::size_t header_bytes_left_ = 0;
  std::size_t extension_left_ = 0;
  std::uint64_t content_length_ = 0;
  std::uint64_t earlier_length_ = 0;  // of a Content-Length that is repeated
  std::uint64_t remaining_ = 0;       // of the body, or of the chunk
  std::uint64_t body_size_ = 0;
  std::optional<Errc> error_;
  Known known_ = Known::other;
  std::uint8_t host_count_ = 0;
  bool head_done_ = false;
  bool saw_content_length_ = false;
  bool lengths_differ_ = false;
  bool saw_transfer_encoding_ = false;
  bool chunk_cr_ = false;
  bool host_is_bad_ = false;
  bool closes_ = false;       // Connection has "close"
  bool stays_ = false;        // Connection has "keep-alive"
  bool upgrades_ = false;     // Connection has "upgrade"
  bool saw_upgrade_ = false;  // the field Upgrade
  bool expectation_is_bad_ = false;
  bool out_of_memory_ = false;
};

}  // namespace weft::inline v0_1::http
