// A server for test_browser_tls.py: web_site DIRECTORY [CERTIFICATE KEY]. It serves the files of
// the directory, counts what is posted to /size, and sends events from /events, three to a
// connection, each time from the one after Last-Event-ID on.
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <weft/http.hpp>
#include <weft/tls.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
namespace http = weft::http;
namespace tls = weft::tls;

namespace {

constexpr int events_each = 3;
constexpr std::size_t most_posted = std::size_t{16} << 20U;  // bytes

http::Response send_events(http::Request& request) {
  const std::string_view last = request.headers.find("Last-Event-ID").value_or("0");
  int number = 0;
  std::from_chars(last.data(), last.data() + last.size(), number);
  return http::event_stream([number](http::EventWriter& events) -> weft::Task<void> {
    for (int i = number + 1; i <= number + events_each; ++i) {
      http::ServerEvent event("event " + std::to_string(i), "count", std::to_string(i));
      event.retry = 1ms;
      co_await events.send(std::move(event));
    }
  });
}

weft::Task<http::Response> count(http::Request&, http::BodyReader& body) {
  std::array<std::byte, 16 * 1024> buffer;
  std::size_t sum = 0;
  for (;;) {
    const std::size_t size = co_await body.read(buffer);
    if (size == 0) break;
    sum += size;
  }
  co_return http::Response::text(std::to_string(sum));
}

http::Handler site(const std::string& directory) {
  http::Router router;
  router.get("/events", send_events);
  router.post("/size", count);
  router.get("/{path...}", http::StaticFiles(directory));
  return router;
}

weft::Task<void> serve(int argc, char** argv) {
  weft::SocketListener tcp = weft::SocketListener::bind("127.0.0.1:0");
  http::ServerOptions settings;
  settings.limits.max_body = most_posted;
  http::Server server(settings, http::streamed(site(argv[1])));
  std::printf("listening on %s\n", tcp.local_endpoint().to_string().c_str());
  std::fflush(stdout);
  if (argc < 4) {
    co_await server.serve_until(tcp, weft::stop_requested());
    co_return;
  }
  tls::ServerOptions options;
  options.identities.emplace_back(argv[2], argv[3]);
  options.alpn = {"http/1.1"};
  const tls::ServerContext context(options);
  tls::Listener listener(tcp, context);
  co_await server.serve_until(listener, weft::stop_requested());
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2 && argc != 4) {
    std::fputs("usage: web_site DIRECTORY [CERTIFICATE KEY]\n", stderr);
    return 2;
  }
  weft::Runtime runtime;
  runtime.block_on(serve(argc, argv));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "web_site: %s\n", error.what());
  return 1;
}
