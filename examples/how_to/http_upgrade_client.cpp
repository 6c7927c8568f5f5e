// A client that leaves HTTP: hints before a response, an upgrade, and a tunnel through a proxy.
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

namespace http = weft::http;

// [hints]
weft::Task<void> read_page(http::Client& client, std::string url) {
  http::ClientRequest request(http::Method::get, std::move(url));
  request.on_interim = [](const http::Response& head) {
    std::printf("%d %s\n", head.status.code(), std::string(*head.headers.find("link")).c_str());
  };
  const http::Response response = co_await client.request(std::move(request));
  std::printf("%d %s", response.status.code(), response.body.c_str());
}
// [/hints]

// [upgrade]
weft::Task<void> speak_echo(http::Client& client, std::string url) {
  http::ClientRequest request(http::Method::get, std::move(url));
  request.upgrade_to("echo");
  http::IncomingResponse response = co_await client.start(std::move(request));
  if (response.upgraded == nullptr) {  // a response like any other, with a body
    std::printf("%d, no echo\n", response.status.code());
    co_return;
  }
  http::UpgradedStream& stream = *response.upgraded;  // closed with the response
  co_await stream.write_all("hello\n");
  weft::BufferedReader reader(stream);
  const auto line = co_await reader.read_line();
  std::printf("%d %s\n", response.status.code(), line.value_or("nothing").c_str());
}
// [/upgrade]

// [tunnel]
/// Speaks HTTP to `server`, "host:port", through the proxy's tunnel; any protocol could be spoken.
weft::Task<void> read_page_by(http::Client& client, std::string proxy, std::string server) {
  auto request = http::ClientRequest::tunnel(std::move(proxy), server);
  http::IncomingResponse response = co_await client.start(std::move(request));
  if (response.upgraded == nullptr) {
    std::printf("%d, no tunnel\n", response.status.code());
    co_return;
  }
  http::ClientConnection connection(*response.upgraded);
  const http::Response page = co_await connection.get("http://" + server + "/page");
  std::printf("%d %s", page.status.code(), page.body.c_str());
}
// [/tunnel]

/// The server's part.
weft::Task<void> answer_lines(http::UpgradedStream& peer) {
  weft::BufferedReader reader(peer);
  while (auto line = co_await reader.read_line()) {
    co_await peer.write_all("you said " + *line + "\n");
  }
}

weft::Task<http::Response> answer(http::Request& request) {
  if (request.method == http::Method::connect) {
    auto to = co_await weft::attempt(weft::StreamSocket::connect(request.target));
    if (!to) co_return http::Response::of(502);
    co_return http::Response::tunnel(
        [to = std::move(*to)](http::UpgradedStream& client) mutable -> weft::Task<void> {
          co_await weft::copy_bidirectional(client, to);
        });
  }
  if (request.path() == "/page") {
    http::Headers hints;
    hints.add("Link", "</style.css>; rel=preload");
    co_await request.inform(103, std::move(hints));
    co_return http::Response::text("the page\n");
  }
  if (request.asks_upgrade_to("echo")) co_return http::Response::upgrade("echo", answer_lines);
  co_return http::Response::of(426);
}

weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  http::ServerOptions options;
  options.accept_connect = true;
  http::Server server(std::move(options), answer);
  auto ask = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return server.serve(listener); });
    const std::string address = listener.local_endpoint().to_string();
    http::Client client;
    co_await read_page(client, "http://" + address + "/page");
    co_await speak_echo(client, "http://" + address + "/echo");
    co_await read_page_by(client, "http://" + address, address);
    co_await read_page_by(client, "http://" + address, "127.0.0.1:1");
    client.close_idle();
    server.drain();
  };
  co_await weft::scope(ask);
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program);
}
