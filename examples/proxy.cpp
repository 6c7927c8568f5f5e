// A TCP proxy: joins each client with a server, both ways, until both have ended. SIGINT or SIGTERM
// stops it gracefully: no more clients, and ten seconds for the connections that are under way.
//
//   proxy 127.0.0.1:8080 example.org:80
#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [relay]
/// Ends when both sides have. An error ends this connection alone, and is reported by on_failure.
weft::Task<void> relay(weft::StreamSocket client, std::string address) {
  auto connecting = weft::StreamSocket::connect(std::move(address));
  weft::StreamSocket server = co_await weft::timeout(std::move(connecting), 5s);
  co_await weft::copy_bidirectional(client, server);
}
// [/relay]

weft::Task<void> proxy(weft::SocketListener& listener, weft::Task<int> stop, std::string address) {
  weft::ServeOptions options;
  options.max_connections = 1000;
  options.drain_timeout = 10s;
  options.on_failure = [](const weft::Endpoint& client, std::exception_ptr failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      std::cerr << "proxy: " + client.to_string() + ": " + error.what() + "\n";
    }
  };
  auto handler = [address](weft::StreamSocket client) { return relay(std::move(client), address); };
  const weft::ServeSummary summary =
      co_await weft::serve_until(listener, std::move(stop), handler, std::move(options));
  std::cout << summary.accepted << " connections, of which " << summary.cancelled << " were cut off"
            << std::endl;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: proxy LISTEN-ADDRESS SERVER-ADDRESS\n";
    return 2;
  }
  try {
    weft::SocketListener listener = weft::SocketListener::bind(argv[1]);
    weft::Task<int> stop = weft::stop_requested();  // from here on, a signal asks for the end
    std::cout << "proxy on " << listener.local_endpoint().to_string() << std::endl;
    weft::Runtime runtime;
    runtime.block_on(proxy(listener, std::move(stop), argv[2]));
  } catch (const std::system_error& error) {
    std::cerr << "proxy: " << error.what() << "\n";
    return 1;
  }
}
