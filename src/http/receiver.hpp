// Receiver: the client's side of one response: feeds input to the parser, skips 1xx responses, and
// collects the body or passes it to the sink. ClientSlot: the memory for receiving, leased from a
// pool when the first byte has come, so that a request that waits for its response uses little
// memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include <weft/http/client.hpp>
#include <weft/http/message.hpp>

#include "http/parsers.hpp"

namespace weft::inline v0_1::http {

class ClientSlot {
 public:
  static constexpr std::size_t kInputSize = 32 * 1024;

  explicit ClientSlot(const Limits& limits) : parser(limits) {}
  void recycle() noexcept {}

  ResponseParser parser;
  std::array<std::byte, kInputSize> input;
};

class Receiver {
 public:
  enum class State : std::uint8_t { more, done, failed };

  /// A null `sink`: the body is collected. `max_body` of the options limits such a body, and the
  /// body of a redirect that is followed.
  Receiver(ResponseParser& parser, Response& response, Method method, BodySink* sink,
           const ClientOptions& options) noexcept;

  /// Drops the bodies of redirects.
  void follow_redirects() noexcept { follows_redirects_ = true; }

  /// Consumes input. Throws what the sink throws, and std::bad_alloc.
  [[nodiscard]] State take(std::span<const std::byte> bytes);
  /// The peer has closed the connection.
  [[nodiscard]] State take_end() noexcept;
  /// In state `failed`: the reason.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }
  /// Whether the server has asked for the body of the request (100 Continue).
  [[nodiscard]] bool continues() const noexcept { return continues_; }
  /// In state `done`: whether another request may follow on the connection.
  [[nodiscard]] bool reusable() const noexcept { return reusable_; }

 private:
  void begin() noexcept;
  [[nodiscard]] State fail_with(Errc error) noexcept;
  /// Whether the body is that of a redirect, which has no reader.
  [[nodiscard]] bool drops_body() const noexcept;
  void take_body(std::string_view body);
  [[nodiscard]] State end_message(bool bytes_are_left) noexcept;

  ResponseParser& parser_;
  Response& response_;
  BodySink* sink_;
  const ClientOptions& options_;
  std::error_code error_;
  std::uint64_t message_bytes_ = 0;  // of the present response
  std::uint64_t interim_bytes_ = 0;  // of the 1xx responses before it
  Method method_;
  bool reusable_ = false;
  bool continues_ = false;
  bool follows_redirects_ = false;
};

}  // namespace weft::inline v0_1::http
