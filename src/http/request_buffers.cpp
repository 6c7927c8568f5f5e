#include "http/request_buffers.hpp"

namespace weft::inline v0_1::http {
namespace {

void shrink_one(std::string& buffer) noexcept {
  buffer.clear();
  if (buffer.capacity() > RequestBuffers::kKeptBytes) std::string().swap(buffer);
}

}  // namespace

void RequestBuffers::shrink() noexcept {
  shrink_one(request.target);
  shrink_one(request.body);
  shrink_one(output);
  forget_output();
  request.headers.shrink(kKeptBytes);
  parser.shrink(kKeptBytes);
}

void RequestBuffers::recycle() noexcept {
  shrink();
  begun_ = drops_body_ = false;
  before_ = 0;
}

}  // namespace weft::inline v0_1::http
