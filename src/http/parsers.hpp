// RequestParser and ResponseParser: MessageParser for the server and for the client.
#pragma once

#include <cstdint>

#include <weft/http/message.hpp>

#include "http/message_parser.hpp"

namespace weft::inline v0_1::http {

class RequestParser final : public MessageParser {
 public:
  explicit RequestParser(const Limits& limits) noexcept : MessageParser(true, limits) {}

  /// Begins the next message, in `request`, which is cleared. The caller handles its body.
  /// `empty_line_bytes`: that many bytes of empty lines were read since the last message, by a
  /// parser whose state is gone; see empty_line_bytes().
  void begin(Request& request, std::uint8_t empty_line_bytes = 0) noexcept;
  /// The bytes of empty lines before the message. While started() is false, they are all that the
  /// parser's state holds.
  [[nodiscard]] std::uint8_t empty_line_bytes() const noexcept { return empty_line_bytes_; }
  /// Whether CONNECT is a method. Otherwise it fails as an unknown one does. Not in a message.
  void accept_connect(bool accepts) noexcept { accepts_connect_ = accepts; }
  /// Whether the client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
};

class ResponseParser final : public MessageParser {
 public:
  explicit ResponseParser(const Limits& limits) noexcept : MessageParser(false, limits) {}

  /// Begins the next message, the response to a request with that method. 1xx responses come as
  /// complete messages; the caller skips them by calling begin() again.
  void begin(Response& response, Method request_method, Reading reading = Reading::strict) noexcept;
  /// The peer closed the connection. True: that completes the message (a body without a length);
  /// otherwise see error().
  [[nodiscard]] bool finish() noexcept;
};

}  // namespace weft::inline v0_1::http
