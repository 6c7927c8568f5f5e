// A server without HTTP that ends in three steps: no more connections, a moment for the requests
// under way, and then a cancel.
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

/// Stands for the work of a request: takes as many seconds as its byte says.
weft::Task<void> work(std::byte request) {
  co_await weft::sleep_for(1s * static_cast<int>(request));
}

// [talk]
/// A request is a byte, and so is its answer. Between requests it looks whether the server ends.
weft::Task<void> talk(weft::StreamSocket stream, weft::ServeContext& server) {
  std::array<std::byte, 1> request;
  while (!server.draining()) {
    auto first = co_await weft::select(stream.read(request), server.drain_begun());
    if (!first.has<0>()) co_return;       // it ends, and no request has come
    if (first.take<0>() == 0) co_return;  // the peer has ended
    co_await work(request[0]);
    co_await stream.write_all(request);
  }
}
// [/talk]

// [serve]
/// Serves until `asked` is set, which stands for weft::stop_requested(). Then: no more clients,
/// five seconds for requests under way, and a cancel of those that take longer.
weft::Task<void> serve(weft::SocketListener& listener, weft::ManualResetEvent& asked) {
  weft::ServeOptions options;
  options.max_connections = 1000;
  options.drain_timeout = 5s;
  const weft::ServeSummary summary =
      co_await weft::serve_until(listener, asked.wait(), talk, options);
  std::printf("of %zu connections %zu was cancelled\n", summary.accepted, summary.cancelled);
}
// [/serve]

weft::Task<void> client(weft::Endpoint server, const char* name, std::byte seconds) {
  weft::StreamSocket stream = co_await weft::StreamSocket::connect(server);
  std::array<std::byte, 1> data{seconds};
  if (seconds != std::byte{0}) co_await stream.write_all(data);
  const auto size = co_await weft::attempt(stream.read(data));
  std::printf("%s: %s\n", name, size && *size == 1 ? "answered" : "closed");
}

weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  const weft::Endpoint at = listener.local_endpoint();
  weft::ManualResetEvent asked;
  auto clients = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn(client, at, "a client that is idle", std::byte{0});
    scope.spawn(client, at, "a request of 2 s", std::byte{2});
    scope.spawn(client, at, "a request of 60 s", std::byte{60});
    co_await weft::sleep_for(1s);
    asked.set();
  };
  auto serving = weft::spawn(serve, std::ref(listener), std::ref(asked));
  co_await weft::scope(clients);
  co_await std::move(serving);
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
