// Connections that leave HTTP: an upgrade to a protocol of one's own, and a proxy for CONNECT. And
// an interim response, sent before the handler is ready.
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

namespace http = weft::http;

// [upgrade]
/// Gets the connection when the server has sent "101 Switching Protocols".
weft::Task<void> echo(http::UpgradedStream& peer) {
  weft::BufferedReader reader(peer);
  while (auto line = co_await reader.read_line()) {
    co_await peer.write_all("you said " + *line + "\n");
  }
}

http::Response speak_echo(http::Request& request) {
  if (!request.asks_upgrade_to("echo")) {
    http::Response refusal = http::Response::of(426);
    refusal.headers.add("Upgrade", "echo");
    return refusal;
  }
  return http::Response::upgrade("echo", echo);
}
// [/upgrade]

// [connect]
/// A proxy: connects before it answers, so that a client learns of a failure.
weft::Task<http::Response> tunnel_to(std::string address) {
  auto upstream = co_await weft::attempt(weft::StreamSocket::connect(address));
  if (!upstream) co_return http::Response::of(502);
  auto forward =
      [to = std::move(*upstream)](http::UpgradedStream& client) mutable -> weft::Task<void> {
    co_await weft::copy_bidirectional(client, to);
  };
  co_return http::Response::tunnel(std::move(forward));
}
// [/connect]

// [inform]
weft::Task<http::Response> slow_page(http::Request& request) {
  http::Headers hints;
  hints.add("Link", "</style.css>; rel=preload; as=style");
  co_await request.inform(103, std::move(hints));  // sent now; false if the client knows no 103
  co_await weft::sleep_for(std::chrono::milliseconds(10));
  co_return http::Response::text("the page\n");
}
// [/inform]

// [handler]
weft::Task<http::Response> answer(http::Request& request) {
  if (request.method == http::Method::connect) co_return co_await tunnel_to(request.target);
  if (request.path() == "/page") co_return co_await slow_page(request);
  co_return speak_echo(request);
}
// [/handler]

/// Sends `request`, and prints what is read up to `end`.
weft::Task<void> say(weft::StreamSocket& stream, std::string text, std::string_view end) {
  co_await stream.write_all(std::move(text));
  std::string got;
  std::string one(1, '\0');
  while (!got.ends_with(end)) {
    const std::size_t size = co_await stream.read(one);
    if (size == 0) break;
    if (one != "\r") got += one;
  }
  // Without the fields that differ from run to run.
  for (std::size_t begin = 0; begin < got.size();) {
    const std::size_t next = got.find('\n', begin) + 1;
    const std::string line = got.substr(begin, next - begin);
    if (!line.starts_with("Date:") && line != "\n") std::printf("%s", line.c_str());
    begin = next == 0 ? got.size() : next;
  }
}

// [serve]
weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  http::ServerOptions options;
  options.accept_connect = true;  // without this, CONNECT is answered with 501
  http::Server server(std::move(options), answer);
  auto ask = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return server.serve(listener); });
    const std::string address = listener.local_endpoint().to_string();
    weft::StreamSocket stream = co_await weft::StreamSocket::connect(listener.local_endpoint());
    co_await say(stream, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n", "the page\n");
    // A tunnel through the server to itself, and in it an upgrade.
    co_await say(stream, "CONNECT " + address + " HTTP/1.1\r\nHost: a\r\n\r\n", "\n\n");
    co_await say(stream,
                 "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
                 "\n\n");
    co_await say(stream, "hello\n", "hello\n");
    stream.close();
    server.drain();
  };
  co_await weft::scope(ask);
}
// [/serve]

/// Serves at an address, for other clients.
weft::Task<void> serve_at(std::string address) {
  weft::SocketListener listener = weft::SocketListener::bind(address);
  http::ServerOptions options;
  options.accept_connect = true;
  http::Server server(std::move(options), answer);
  std::printf("serving on %s\n", listener.local_endpoint().to_string().c_str());
  std::fflush(stdout);
  co_await server.serve_until(listener, weft::stop_requested());
}

int main(int argc, char** argv) {
  weft::Runtime runtime;
  runtime.block_on(argc > 1 ? serve_at(argv[1]) : program());
}
