// HTTP without TCP: over a Unix socket, and in memory, to test a handler without a network.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

namespace http = weft::http;

// [handler]
weft::Task<http::Response> greet(http::Request& request) {
  const std::string name = request.query_value("name").value_or("");
  if (name.empty()) co_return http::Response::text("no name was given\n", 400);
  co_return http::Response::text("hello " + name + "\n");
}
// [/handler]

// [unix]
weft::Task<void> over_a_unix_socket(std::string path) {
  weft::UnixListener listener = weft::UnixListener::bind(path);
  http::Server server({}, greet);
  http::ClientOptions options;
  options.connector = [&](const http::Origin&) { return weft::UnixStream::connect(path); };
  http::Client client(options);
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return server.serve(listener); });
    const http::Response response = co_await client.get("http://localhost/?name=socket");
    std::printf("%s", response.body.c_str());
    server.drain();  // the socket's file is removed now
  };
  co_await weft::scope(body);
}
// [/unix]

// [test]
void expect(bool holds, std::string_view what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", std::string(what).c_str());
  if (!holds) std::exit(1);
}

/// Neither a port nor a file: the handler is asked through memory.
weft::Task<void> test_of_the_handler() {
  http::Server server({}, greet);
  weft::Duplex ends = weft::duplex(4096);
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return server.serve_connection(std::move(ends.a)); });
    http::ClientConnection client(std::move(ends.b));
    const http::Response hello = co_await client.get("http://test/?name=weft");
    expect(hello.body == "hello weft\n", "it greets by name");
    const http::Response refused = co_await client.get("http://test/");
    expect(refused.status.code() == 400, "it needs a name");
  };  // the client's end closes the connection, and so ends the server's
  co_await weft::scope(body);
}
// [/test]

weft::Task<void> program() {
  weft::TemporaryDirectory directory = co_await weft::TemporaryDirectory::create();
  co_await over_a_unix_socket(directory.path() / "service.sock");
  co_await test_of_the_handler();
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
