// Structs of options are written with designated initializers, in which any member may be left out.
// A compiler warns of a member that has no initializer of its own (-Wmissing-field-initializers),
// and warnings are errors here.
#include <gtest/gtest.h>

#include <weft/endpoint.hpp>
#include <weft/http/server.hpp>
#include <weft/runtime.hpp>

namespace weft::test::option_structs_test {
namespace {

TEST(OptionStructs, LeaveOutWhatHasADefault) {
  const RuntimeOptions runtime{.workers = 1};
  const http::ServerOptions server{.max_connections = 1};
  const http::Limits limits{.max_body = 1};
  const HostPort place{.port = 1};
  EXPECT_FALSE(runtime.on_worker_start);
  EXPECT_FALSE(server.on_handler_error);
  EXPECT_EQ(limits.max_body, 1U);
  EXPECT_EQ(place.host, "");
}

}  // namespace
}  // namespace weft::test::option_structs_test
