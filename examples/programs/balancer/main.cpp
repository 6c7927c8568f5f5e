// A TCP balancer: joins each client with one of several servers.
//
//   balancer --listen 127.0.0.1:7070 --http-check /health backends.txt
//
// The file has an address a line. SIGHUP reads it again; connections to servers that are not in it
// any more go on. SIGINT and SIGTERM stop it: no more clients, a while for the others.
#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "../options.hpp"
#include "relay.hpp"

namespace {

constexpr const char* usage =
    "usage: balancer [options] FILE         one HOST:PORT or unix:/path a line\n"
    "  --listen ADDRESS      (127.0.0.1:7070)\n"
    "  --http-check PATH     checks by GET PATH, not by a connect alone\n"
    "  --check TIME          between two checks, and at most for each (2s)\n"
    "  --connections N       at most so many at a time (10000)\n"
    "  --per-backend N       ... to one backend (1000)\n"
    "  --attempts N          to connect, each at another backend, with pauses (5)\n"
    "  --connect TIME        for one of these (2s)\n"
    "  --idle TIME           nothing moves on a connection for so long: it is cut off (0ms: "
    "never)\n"
    "  --drain TIME          for connections that are there at the end (10s)\n";

void report_failure(const weft::Endpoint& client, std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    balancer::report(client.to_string() + ": " + error.what());
  }
}

weft::Task<void> balance(weft::SocketListener& listener, weft::Task<int> stop,
                         weft::SignalListener& hangups, balancer::Backends& backends,
                         const balancer::Settings& settings) {
  weft::ServeOptions options;
  options.max_connections = settings.connections;
  options.drain_timeout = settings.drain;
  options.on_failure = report_failure;
  auto handler = [&](weft::StreamSocket client) {
    return balancer::relay(std::move(client), backends, settings);
  };
  auto serving = weft::serve_until(listener, std::move(stop), handler, options);
  // The two others never end by themselves: they end with the server.
  auto first = co_await weft::select(std::move(serving), balancer::check_health(backends, settings),
                                     balancer::reload_on(hangups, backends, settings));
  const weft::ServeSummary summary = first.take<0>();
  std::cout << summary.accepted << " connections, of which " << summary.cancelled
            << " were cut off\n";
}

void run(const balancer::Settings& settings) {
  balancer::Backends backends(settings.per_backend);
  weft::SignalListener hangups(SIGHUP);
  weft::Runtime runtime;
  runtime.block_on(balancer::load(backends, settings));
  weft::SocketListener listener = weft::SocketListener::bind(settings.listen);
  weft::Task<int> stop = weft::stop_requested();  // from here on, a signal asks for the end
  std::cout << "balancer on " << listener.local_endpoint().to_string() << std::endl;
  runtime.block_on(balance(listener, std::move(stop), hangups, backends, settings));
}

}  // namespace

int main(int argc, char** argv) {
  balancer::Settings settings;
  programs::Options options;
  options.text("--listen", settings.listen).text("--http-check", settings.check_path);
  options.number("--connections", settings.connections).number("--attempts", settings.attempts);
  options.number("--per-backend", settings.per_backend).time("--connect", settings.connect);
  options.time("--check", settings.check).time("--drain", settings.drain);
  options.time("--idle", settings.idle);
  try {
    const std::vector<std::string> words = options.parse(argc, argv);
    if (words.size() != 1) throw programs::UsageError("one file of backends");
    settings.file = words.front();
    run(settings);
  } catch (const programs::UsageError& error) {
    std::cerr << "balancer: " << error.what() << "\n" << usage;
    return 2;
  } catch (const std::runtime_error& error) {
    balancer::report(error.what());
    return 1;
  }
}
