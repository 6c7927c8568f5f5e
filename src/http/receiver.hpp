// Receiver: the client's side of one response: feeds what was read to the parser, skips 1xx,
// collects the body or gives it to the sink. ClientSlot: what receiving needs besides the
// connection, leased from a pool when the first byte has come, so that a request that waits for its
// response costs little.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <system_error>

#include <weft/http/client.hpp>
#include <weft/http/message.hpp>

#include "http/parsers.hpp"

namespace weft::http {

class ClientSlot {
 public:
  static constexpr std::size_t kInputSize = 32 * 1024;

  explicit ClientSlot(const Limits& limits) : parser(without_body_limit(limits)) {}
  void recycle() noexcept {}

  ResponseParser parser;
  std::array<std::byte, kInputSize> input;

 private:
  /// The receiver counts the body, since the bound depends on who takes it.
  static Limits without_body_limit(Limits limits) noexcept {
    limits.max_body = std::numeric_limits<std::uint64_t>::max();
    return limits;
  }
};

/// A client that follows redirects follows this one.
[[nodiscard]] bool is_followed(const Response& response) noexcept;

class Receiver {
 public:
  enum class State : std::uint8_t { more, done, failed };

  /// `sink` may be null: then the body is collected, up to `max_body` bytes.
  Receiver(ResponseParser& parser, Response& response, Method method, BodySink* sink,
           std::uint64_t max_body) noexcept;

  /// The bodies of redirects are dropped.
  void follow_redirects() noexcept { follows_redirects_ = true; }

  /// Takes what was read. Throws what the sink throws, and std::bad_alloc.
  [[nodiscard]] State take(std::span<const std::byte> bytes);
  /// The peer has closed.
  [[nodiscard]] State take_end() noexcept;
  /// Of the state failed.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }
  /// After the state done: another request may follow on the connection.
  [[nodiscard]] bool reusable() const noexcept { return reusable_; }

 private:
  [[nodiscard]] State fail_with(Errc error) noexcept;
  [[nodiscard]] bool take_body(std::string_view body);
  [[nodiscard]] State end_message(bool bytes_are_left) noexcept;

  ResponseParser& parser_;
  Response& response_;
  BodySink* sink_;
  std::uint64_t max_body_;
  std::error_code error_;
  Method method_;
  std::uint8_t informational_ = 0;
  bool reusable_ = false;
  bool follows_redirects_ = false;
};

}  // namespace weft::http
