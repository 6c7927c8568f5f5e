// The memory that an http::Server keeps when nothing is under way, measured as the resident set.
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <utility>
#include <vector>

#include "api/http_support.hpp"
#include "support/sanitizers.hpp"

namespace weft::testing::http_server_memory_test {
namespace {

using http::Request;
using http::Response;

class HttpServerMemory : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpServerMemory, ::testing::Values(0, 2), name_of_workers);

constexpr std::int64_t kMebibyte = 1024 * 1024;

std::int64_t resident_bytes() {
  ::malloc_trim(0);  // what is free counts as given back
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// Connections that are closed before their requests are complete.
Task<void> send_and_leave(Site& site, int count, std::string unfinished) {
  std::vector<StreamSocket> clients;
  for (int i = 0; i < count; ++i) {
    StreamSocket stream = co_await StreamSocket::connect(site.endpoint());
    co_await stream.write_all(unfinished);
    clients.push_back(std::move(stream));
  }
  clients.clear();
  co_await until([&site] { return site.server.connections() == 0; });
}

TEST_P(HttpServerMemory, WhatWasLargeIsGivenBack) {
  if (test::address_sanitizer || test::thread_sanitizer) GTEST_SKIP() << "they keep freed memory";
  // The allocator otherwise keeps some of what is free, at the ends of its heaps.
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.limits.max_header_bytes = 2 * kMebibyte;
    options.limits.max_target = 2 * kMebibyte;
    Site site(std::move(options), [](Request& request) {
      if (request.target == "/large") return Response::text(std::string(20 * kMebibyte, 'x'));
      return Response::text("small");
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string warm = co_await tell(s.endpoint(), get("/", "Connection: close\r\n"));
      EXPECT_EQ(body_of(warm), "small");
      const std::int64_t before = resident_bytes();
      const std::string most(kMebibyte - 1, 'x');
      co_await send_and_leave(
          s, 200, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n" + most);
      co_await send_and_leave(s, 60, "GET / HTTP/1.1\r\nHost: a\r\nX: " + most + "\r\n");
      co_await send_and_leave(s, 60, "GET /" + most + " HTTP/1.1\r\n");
      co_await send_and_leave(s, 60,
                              "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "0\r\nX: " +
                                  most + "\r\n");
      std::vector<StreamSocket> kept;
      for (int i = 0; i < 20; ++i) {
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        co_await stream.write_all(get("/large"));
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        EXPECT_EQ(status_line(head), "HTTP/1.1 200 OK");
        std::string body(20 * kMebibyte, '\0');
        co_await stream.read_exact(writable_bytes(body));
        kept.push_back(std::move(stream));
      }
      // The client may have all of a response before the server has destroyed it.
      std::int64_t more = 0;
      auto given_back = [&more, before] {
        more = resident_bytes() - before;
        return more < 20 * kMebibyte;
      };
      static_cast<void>(co_await attempt(timeout(until(std::move(given_back)), seconds(30))));
      EXPECT_LT(more, 20 * kMebibyte);
    });
  });
}

}  // namespace
}  // namespace weft::testing::http_server_memory_test
