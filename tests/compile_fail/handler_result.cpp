// A handler gives a Response, at once or awaited.
// expect first: weft: a handler returns a Response
#include <weft/http/server.hpp>

weft::http::Server server() {
#ifdef WEFT_MUST_FAIL
  auto handler = [](weft::http::Request&) -> weft::Task<int> { co_return 200; };
#else
  auto handler = [](weft::http::Request&) -> weft::Task<weft::http::Response> {
    co_return weft::http::Response::text("hello");
  };
#endif
  return weft::http::Server({}, handler);
}
