#include "http/request_buffers.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Frees the memory of `buffer`. An assignment of an empty string would keep it.
void free(std::string& buffer) noexcept { std::string().swap(buffer); }

void shrink_one(std::string& buffer) noexcept {
  buffer.clear();
  if (buffer.capacity() > RequestBuffers::kKeptBytes) free(buffer);
}

}  // namespace

void RequestBuffers::forget_output() noexcept {
  output.clear();
  if (!large_body.empty()) free(large_body);
}

void RequestBuffers::shrink() noexcept {
  shrink_one(request.target);
  shrink_one(request.body);
  shrink_one(output);
  if (!large_body.empty()) free(large_body);
  request.headers.shrink(kKeptBytes);
  parser.shrink(kKeptBytes);
}

void RequestBuffers::recycle() noexcept {
  shrink();
  begun_ = false;
  before_ = 0;
}

}  // namespace weft::inline v0_1::http
