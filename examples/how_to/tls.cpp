// Serves HTTP over TLS, fetches from itself, and is refused where it must be:
//   tls CERTIFICATE KEY
#include <weft/tls.hpp>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <weft/http.hpp>
#include <weft/tls/http.hpp>
#include <weft/weft.hpp>

namespace {

namespace http = weft::http;
namespace tls = weft::tls;

// [server]
tls::ServerContext make_server_context(std::string certificate, std::string key) {
  tls::ServerOptions options;
  options.identities.emplace_back(std::move(certificate), std::move(key));
  options.alpn = {"http/1.1"};
  return tls::ServerContext(options);  // throws, and names the file: a wrong key, no such file
}

http::Response greet(http::Request&) { return http::Response::text("hello over TLS\n"); }

weft::Task<void> serve(http::Server& server, weft::SocketListener& tcp,
                       const tls::ServerContext& context) {
  tls::Listener listener(tcp, context);
  co_await server.serve(listener);
}
// [/server]

// [reload]
/// Takes new files when the program gets SIGHUP. Connections go on with what they have.
weft::Task<void> reload_on_hangup(tls::ServerContext context) {
  weft::SignalListener hangups(SIGHUP);
  while (auto number = co_await hangups.next()) {
    try {
      context.reload();
    } catch (const weft::IoError& error) {
      std::fprintf(stderr, "not reloaded: %s\n", error.what());  // all stays as it was
    }
  }
}
// [/reload]

// [client]
weft::Task<void> fetch(std::string url, std::string authority) {
  tls::ClientOptions trust;  // trusts what the system trusts, and …
  if (!authority.empty()) trust.trust.files.push_back(authority);
  http::ClientOptions options;
  options.connector = tls::connector(tls::ClientContext(trust));
  http::Client client(options);
  const auto response = co_await weft::attempt(client.get(url));
  if (response) {
    std::printf("%s", response->body.c_str());
  } else if (response.error().code() == tls::Errc::self_signed) {
    std::printf("refused: %s\n", response.error().message().c_str());
  } else {
    std::printf("%s\n", response.error().what());
  }
}
// [/client]

// [raw]
weft::Task<void> ask(std::uint16_t port, std::string authority) {
  tls::ClientOptions options;
  options.trust.files.push_back(authority);
  const tls::ClientContext context(options);
  tls::TcpStream stream = co_await tls::connect("localhost", port, context);
  co_await stream.write_all("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  weft::BufferedReader reader(stream);
  const std::string answer = co_await reader.read_to_end(10'000);  // throws if it was cut short
  std::printf("%s, %s\n", to_string(stream.version()).data(), answer.substr(0, 15).c_str());
}
// [/raw]

weft::Task<void> program(std::string certificate, std::string key) {
  const tls::ServerContext context = make_server_context(certificate, std::move(key));
  weft::SocketListener tcp = weft::SocketListener::bind("127.0.0.1:0");
  const std::uint16_t port = tcp.local_endpoint().port();
  const std::string url = "https://localhost:" + std::to_string(port) + "/";
  http::Server server({}, greet);
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return serve(server, tcp, context); });
    auto reloading = scope.spawn([&] { return reload_on_hangup(context); });
    co_await fetch(url, certificate);
    co_await fetch(url, "");
    co_await ask(port, certificate);
    reloading.cancel();
    server.drain();
  };
  co_await weft::scope(body);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: tls CERTIFICATE KEY\n");
    return 2;
  }
  try {
    weft::Runtime runtime;
    runtime.block_on(program(argv[1], argv[2]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
