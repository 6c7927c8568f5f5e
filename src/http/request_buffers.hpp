// RequestBuffers: the memory for serving a request besides the connection: parser, request,
// buffers. A connection leases one while it has bytes of a request and gives it back when idle, so
// that an idle connection costs only its coroutine. A server keeps them in a Pool. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <weft/http/message.hpp>

#include "http/parsers.hpp"

namespace weft::inline v0_1::http {

class RequestBuffers {
 public:
  static constexpr std::size_t kInputSize = 16 * 1024;
  /// The most memory that each buffer keeps while it is in the pool.
  static constexpr std::size_t kKeptBytes = 64 * 1024;

  explicit RequestBuffers(const Limits& limits) : parser(limits) {}

  /// Called before input of a new request is fed.
  void begin_if_needed() noexcept {
    if (!begun_) parser.begin(request);
    begun_ = true;
  }
  /// The present request was handled.
  void end_request() noexcept { begun_ = false; }
  /// Whether bytes of an incomplete request were read.
  [[nodiscard]] bool in_request() const noexcept { return begun_ && parser.started(); }
  /// Prepares for another connection and frees excess memory.
  void recycle() noexcept;

  RequestParser parser;
  Request request;
  std::string output;
  // Of the last response in `output`, if it is too large to be copied there.
  std::string large_body;
  std::array<std::byte, kInputSize> input;

 private:
  bool begun_ = false;
};

}  // namespace weft::inline v0_1::http
