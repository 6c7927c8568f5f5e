// RequestBuffers: all that serving a request needs besides the connection: parser, request, buffers. A
// connection leases one while bytes of a request are at hand and gives it back when it is idle, so
// that an idle connection costs only its coroutine. A server keeps its slots in a Pool. Not
// thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <weft/http/message.hpp>

#include "http/parsers.hpp"

namespace weft::http {

class RequestBuffers {
 public:
  static constexpr std::size_t kInputSize = 16 * 1024;
  /// What a slot may go on holding in the pool, of each of its buffers.
  static constexpr std::size_t kKeptBytes = 64 * 1024;

  explicit RequestBuffers(const Limits& limits) : parser(limits) {}

  /// Before input for a new request is fed.
  void begin_if_needed() noexcept {
    if (!begun_) parser.begin(request);
    begun_ = true;
  }
  /// The current request is done with.
  void end_request() noexcept { begun_ = false; }
  /// Bytes of a request that is not complete were read.
  [[nodiscard]] bool in_request() const noexcept { return begun_ && parser.started(); }
  /// Ready for another connection, and not larger than need be.
  void recycle() noexcept;

  RequestParser parser;
  Request request;
  std::string output;
  std::string
      large_body;  // of the last response in `output`, if it is too large to be copied there
  std::array<std::byte, kInputSize> input;

 private:
  bool begun_ = false;
};

}  // namespace weft::http
