#include "http/request_buffers.hpp"

namespace weft::inline v0_1::http {
namespace {

void shrink(std::string& buffer) noexcept {
  buffer.clear();
  if (buffer.capacity() > RequestBuffers::kKeptBytes) buffer = std::string();
}

}  // namespace

void RequestBuffers::recycle() noexcept {
  shrink(request.body);
  shrink(output);
  if (!large_body.empty()) large_body = std::string();
  begun_ = false;
}

}  // namespace weft::inline v0_1::http
