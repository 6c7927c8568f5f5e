// A chat server: lines of text, in rooms.
//
//   chat --clients 500 127.0.0.1:7777        and then: nc 127.0.0.1 7777
//
// A client that reads too slowly is dropped, one that is idle is sent away, one that talks too much
// is slowed down. SIGINT and SIGTERM end the server: all clients are told, and get what is queued.
#include <exception>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "../options.hpp"
#include "session.hpp"

namespace {

constexpr const char* usage =
    "usage: chat [options] [ADDRESS]         (127.0.0.1:7777)\n"
    "  --clients N       at most so many at a time (1000)\n"
    "  --line N          bytes of a line (512)\n"
    "  --queue N         lines that wait for a client; one that has more is dropped (64)\n"
    "  --rate N          lines a second of one client (20)\n"
    "  --idle TIME       a client says nothing for so long: it goes (5min)\n"
    "  --write TIME      a client takes nothing for so long: it is dropped (10s)\n"
    "  --drain TIME      for what is queued when the server ends (5s)\n";

void report(const weft::Endpoint& client, std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    std::cerr << "chat: " + client.to_string() + ": " + error.what() + "\n";
  }
}

// [serve]
weft::Task<void> serve(weft::SocketListener& listener, weft::Task<int> stop,
                       const chat::Limits& limits) {
  chat::Hall hall;
  const weft::ConcurrencyLimit places(limits.clients);
  auto handler = [&](weft::StreamSocket stream, weft::ServeContext& server) -> weft::Task<void> {
    const weft::OwnedPermit place = places.try_acquire();
    if (place) {
      co_await chat::serve_client(std::move(stream), server, hall, limits);
    } else {
      co_await chat::refuse_client(std::move(stream));
    }
  };
  weft::ServeOptions options;
  options.max_connections = limits.clients + 100;  // some more, to tell them that there is no place
  options.drain_timeout = limits.drain;
  options.on_failure = report;
  const auto summary = co_await weft::serve_until(listener, std::move(stop), handler, options);
  std::cout << summary.accepted << " clients, of which " << summary.cancelled << " were cut off\n";
}
// [/serve]

}  // namespace

int main(int argc, char** argv) {
  chat::Limits limits;
  programs::Options options;
  options.number("--clients", limits.clients).number("--line", limits.line_bytes);
  options.number("--queue", limits.queue_lines, 2).number("--rate", limits.lines_per_second);
  options.time("--idle", limits.idle).time("--write", limits.write).time("--drain", limits.drain);
  try {
    const std::vector<std::string> words = options.parse(argc, argv);
    if (words.size() > 1) throw programs::UsageError("one address");
    const std::string address = words.empty() ? "127.0.0.1:7777" : words.front();
    // [main]
    weft::SocketListener listener = weft::SocketListener::bind(address);
    weft::Task<int> stop = weft::stop_requested();  // from here on, a signal asks for the end
    std::cout << "chat on " << listener.local_endpoint().to_string() << std::endl;
    weft::Runtime runtime;
    runtime.block_on(serve(listener, std::move(stop), limits));
    // [/main]
  } catch (const programs::UsageError& error) {
    std::cerr << "chat: " << error.what() << "\n" << usage;
    return 2;
  } catch (const std::system_error& error) {
    std::cerr << "chat: " << error.what() << "\n";
    return 1;
  }
}
