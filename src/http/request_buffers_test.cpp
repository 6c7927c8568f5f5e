// RequestBuffers: what it keeps.
#include "http/request_buffers.hpp"

#include <gtest/gtest.h>

namespace weft::http::request_buffers_test {
namespace {

constexpr std::size_t kLarge = 1024 * 1024;

void fill(RequestBuffers& slot, std::size_t size) {
  slot.request.target.assign(size, 'x');
  slot.request.body.assign(size, 'x');
  slot.output.assign(size, 'x');
  slot.large_body.assign(size, 'x');
}

TEST(RequestBuffers, GiveBackWhatIsLarge) {
  RequestBuffers slot{Limits()};
  fill(slot, kLarge);
  slot.recycle();
  for (const std::string* buffer :
       {&slot.request.target, &slot.request.body, &slot.output, &slot.large_body}) {
    EXPECT_TRUE(buffer->empty());
    EXPECT_LE(buffer->capacity(), RequestBuffers::kKeptBytes);
  }
}

TEST(RequestBuffers, KeepWhatIsTypical) {
  RequestBuffers slot{Limits()};
  fill(slot, 1000);
  slot.recycle();
  EXPECT_GE(slot.request.body.capacity(), 1000U);
  EXPECT_GE(slot.output.capacity(), 1000U);
}

TEST(RequestBuffers, ALargeBodyIsFreedWhenItIsWritten) {
  RequestBuffers slot{Limits()};
  fill(slot, kLarge);
  slot.forget_output();
  EXPECT_TRUE(slot.output.empty());
  EXPECT_LT(slot.large_body.capacity(), 100U);
}

}  // namespace
}  // namespace weft::http::request_buffers_test
