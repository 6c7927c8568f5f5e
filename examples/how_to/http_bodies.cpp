// HTTP bodies that are never in memory as a whole: read as they come, written as they are made.
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

namespace http = weft::http;

// [read]
/// Reads an upload of any size in 64 KiB of memory.
weft::Task<http::Response> count_lines(http::BodyReader& body) {
  std::string piece(64 * 1024, '\0');
  std::uint64_t lines = 0;
  for (;;) {
    const std::size_t size = co_await body.read(std::as_writable_bytes(std::span(piece)));
    if (size == 0) break;
    for (const char c : std::string_view(piece).substr(0, size)) lines += c == '\n' ? 1 : 0;
  }
  co_return http::Response::text(std::to_string(lines) + " lines\n");
}
// [/read]

// [write]
/// Called while the response is sent. A client that reads slowly stops it.
weft::Task<void> write_squares(http::BodyWriter& out) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    co_await out.write_all(std::to_string(i * i) + "\n");
    co_await out.flush();  // sends it now; without this, up to 16 KiB are gathered
  }
  out.add_trailer("X-Count", "3");
}
// [/write]

// [generate]
weft::AsyncGenerator<std::string> events() {
  for (int i = 1; i <= 2; ++i) {
    co_yield "data: event " + std::to_string(i) + "\n\n";
  }
}
// [/generate]

// [handler]
weft::Task<http::Response> answer(http::Request& request, http::BodyReader& body) {
  if (request.path() == "/lines") co_return co_await count_lines(body);
  if (request.path() == "/squares") co_return http::Response::stream(write_squares);
  if (request.path() == "/events") {
    http::Response response = http::Response::stream(events());
    response.headers.add("Content-Type", "text/event-stream");
    co_return response;
  }
  // The request's body goes back while it comes.
  if (request.path() == "/echo") co_return http::Response::stream(std::move(body));
  co_return http::Response::of(404);
}
// [/handler]

// [serve]
weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  http::ServerOptions options;
  options.limits.max_body = std::uint64_t{1} << 40;  // bytes that come, not bytes in memory
  http::Server server(std::move(options), answer);
  auto ask = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return server.serve(listener); });
    const std::string base = "http://" + listener.local_endpoint().to_string();
    http::Client client;
    http::ClientRequest upload(http::Method::post, base + "/lines");
    upload.body = "one\ntwo\n";
    const http::Response lines = co_await client.request(std::move(upload));
    const http::Response squares = co_await client.get(base + "/squares");
    const http::Response stream = co_await client.get(base + "/events");
    http::ClientRequest again(http::Method::post, base + "/echo");
    again.body = "the same\n";
    const http::Response echo = co_await client.request(std::move(again));
    std::printf("%s%s%s%s", lines.body.c_str(), squares.body.c_str(), stream.body.c_str(),
                echo.body.c_str());
    server.drain();
  };
  co_await weft::scope(ask);
}
// [/serve]

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
