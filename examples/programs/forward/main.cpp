// An HTTP proxy: forwards requests for http:// to where they go, and opens tunnels for https://.
//
//   forward --listen 127.0.0.1:3128
//   http_proxy=http://127.0.0.1:3128 weft fetch --output - http://example.org/
//   https_proxy=http://127.0.0.1:3128 weft fetch --output - https://example.org/
//
// SIGINT and SIGTERM stop it: no more connections, a while for the requests that are under way.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

#include "../options.hpp"
#include "forward.hpp"

namespace {

namespace http = weft::http;

constexpr const char* usage =
    "usage: forward [options]\n"
    "  --listen ADDRESS      (127.0.0.1:3128)\n"
    "  --connections N       at most so many clients at a time (10000)\n"
    "  --per-host N          at most so many connections to one server (100)\n"
    "  --tunnel-port N       tunnels lead to this port alone; 0: to any (443)\n"
    "  --connect TIME        for a connection to a server (10s)\n"
    "  --silence TIME        between two moments at which something comes (1min)\n"
    "  --drain TIME          for requests that are under way at the end (10s)\n";

struct Settings {
  Settings() {}
  std::string listen = "127.0.0.1:3128";
  std::size_t connections = 10'000;
  std::size_t per_host = 100;
  std::size_t tunnel_port = 443;
  std::chrono::milliseconds connect = std::chrono::seconds(10);
  std::chrono::milliseconds silence = std::chrono::minutes(1);
  std::chrono::milliseconds drain = std::chrono::seconds(10);
};

http::ServerOptions server_options(const Settings& settings) {
  http::ServerOptions options;
  options.max_connections = settings.connections;
  options.body_timeout = options.write_timeout = settings.silence;
  options.drain_timeout = settings.drain;
  options.accept_connect = true;
  options.limits.max_body = std::uint64_t{1} << 50;  // bytes that come, not bytes in memory
  return options;
}

http::ClientOptions client_options(const Settings& settings) {
  http::ClientOptions options;
  options.timeout = weft::Nanoseconds::max();  // a transfer may last as long as it moves
  options.connect_timeout = settings.connect;
  options.first_byte_timeout = options.silence_timeout = settings.silence;
  options.send_timeout = settings.silence;
  options.max_connections_per_host = settings.per_host;
  options.user_agent.clear();  // the client's own goes on
  return options;
}

weft::Task<void> serve(http::Server& server, weft::SocketListener& listener, weft::Task<int> stop) {
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return server.serve(listener); });
    co_await std::move(stop);
    server.drain();
  };
  co_await weft::scope(body);
}

forward::TunnelLimits tunnel_limits(const Settings& settings) {
  forward::TunnelLimits limits;
  limits.port = static_cast<std::uint16_t>(settings.tunnel_port);
  limits.connect = settings.connect;
  limits.silence = settings.silence;
  return limits;
}

void run(const Settings& settings) {
  http::Client client(client_options(settings));
  const forward::TunnelLimits tunnels = tunnel_limits(settings);
  auto handler = [&](http::Request& request, http::BodyReader& body) {
    if (request.method == http::Method::connect) return forward::open_tunnel(request, tunnels);
    return forward::pass_on(client, request, body);
  };
  http::Server server(server_options(settings), handler);
  weft::SocketListener listener = weft::SocketListener::bind(settings.listen);
  weft::Runtime runtime;
  weft::Task<int> stop = weft::stop_requested();  // from here on, a signal asks for the end
  std::cout << "forward on " << listener.local_endpoint().to_string() << std::endl;
  runtime.block_on(serve(server, listener, std::move(stop)));
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  programs::Options options;
  options.text("--listen", settings.listen).number("--connections", settings.connections);
  options.number("--per-host", settings.per_host).time("--connect", settings.connect);
  options.time("--silence", settings.silence).time("--drain", settings.drain);
  options.number("--tunnel-port", settings.tunnel_port, 0);
  try {
    if (!options.parse(argc, argv).empty()) throw programs::UsageError("no such argument");
    if (settings.tunnel_port > 65'535) throw programs::UsageError("--tunnel-port: at most 65535");
    run(settings);
  } catch (const programs::UsageError& error) {
    std::cerr << "forward: " << error.what() << "\n" << usage;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "forward: " << error.what() << "\n";
    return 1;
  }
}
