// RequestBuffers: the memory for serving a request besides the connection: parser, request,
// buffers. A connection leases one while it has bytes of a request and gives it back when idle, so
// that an idle connection costs only its coroutine. A server keeps them in a Pool. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <weft/http/message.hpp>

#include "http/parsers.hpp"

namespace weft::inline v0_1::http {

class RequestBuffers {
 public:
  static constexpr std::size_t kInputSize = 16 * 1024;
  /// The most memory that each buffer keeps while it is in the pool, or its connection is idle.
  static constexpr std::size_t kKeptBytes = 64 * 1024;

  explicit RequestBuffers(const Limits& limits) : parser(limits) {}

  /// Called before the first input of a lease: that many bytes of empty lines came before it.
  void go_on_after(std::uint8_t empty_line_bytes, bool accept_connect = false) noexcept {
    before_ = empty_line_bytes;
    parser.accept_connect(accept_connect);
  }
  /// Called before input of a new request is fed.
  void begin_if_needed() noexcept {
    if (begun_) return;
    parser.begin(request, before_);
    before_ = 0;
    begun_ = true;
  }
  /// The present request was handled.
  void end_request() noexcept { begun_ = drops_body_ = false; }
  /// The present request was answered before the end of its body, of which at most `limit` further
  /// bytes are to be dropped.
  void drop_body(std::uint64_t limit) noexcept {
    begun_ = drops_body_ = true;
    droppable_ = limit;
  }
  [[nodiscard]] bool drops_body() const noexcept { return drops_body_; }
  /// Bytes of such a body. False: they are too many.
  [[nodiscard]] bool drop(std::size_t bytes) noexcept {
    if (bytes > droppable_) return false;
    droppable_ -= bytes;
    return true;
  }
  /// Whether bytes of an incomplete request were read.
  [[nodiscard]] bool in_request() const noexcept { return begun_ && parser.started(); }
  /// If not: the bytes of empty lines since the last request, for go_on_after().
  [[nodiscard]] std::uint8_t empty_line_bytes() const noexcept {
    return begun_ ? parser.empty_line_bytes() : before_;
  }
  /// What the output has now is not the present response's: that of earlier ones, and interim ones.
  void keep_output() noexcept { kept_output_ = output.size(); }
  /// Drops what the output has of the present response.
  void drop_answer() noexcept { output.resize(kept_output_); }
  /// The output was written.
  void forget_output() noexcept {
    output.clear();
    kept_output_ = 0;
    if (!large_body.empty()) std::string().swap(large_body);  // an assignment would keep the memory
  }
  /// Frees excess memory. Not in a request.
  void shrink() noexcept;
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
  bool drops_body_ = false;
  std::uint8_t before_ = 0;
  std::size_t kept_output_ = 0;
  std::uint64_t droppable_ = 0;  // bytes of a body that is dropped
};

}  // namespace weft::inline v0_1::http
