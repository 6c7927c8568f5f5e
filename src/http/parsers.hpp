// RequestParser and ResponseParser: MessageParser for the server's and for the client's side.
#pragma once

#include <cstdint>

#include <weft/http/message.hpp>

#include "http/message_parser.hpp"

namespace weft::http {

class RequestParser final : public MessageParser {
 public:
  explicit RequestParser(const Limits& limits) noexcept : MessageParser(true, limits) {}

  /// The next message is written into `request`, which is cleared; its body is left to the caller.
  void begin(Request& request) noexcept;
  /// The client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
};

class ResponseParser final : public MessageParser {
 public:
  explicit ResponseParser(const Limits& limits) noexcept : MessageParser(false, limits) {}

  /// The next message is the answer to a request of that method. The caller skips 1xx answers,
  /// which come as complete messages, by calling begin() again.
  void begin(Response& response, Method request_method) noexcept;
  /// The peer closed: true if that completes the message (a body without a length), else error().
  [[nodiscard]] bool finish() noexcept;
};

}  // namespace weft::http
