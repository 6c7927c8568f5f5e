// A server without HTTP that ends in three steps: no more connections, a moment for the requests
// under way, and then a cancel.
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

/// Stands for the work of a request: takes as many seconds as its byte says.
weft::Task<void> work(std::byte request) {
  co_await weft::sleep_for(1s * static_cast<int>(request));
}

// [talk]
/// A request is a byte, and so is its answer. Between requests it looks whether the server ends.
weft::Task<void> talk(weft::StreamSocket stream, weft::ManualResetEvent& ending, weft::Permit) {
  std::array<std::byte, 1> request;
  while (!ending.is_set()) {
    auto first = co_await weft::select(stream.read(request), ending.wait());
    if (!first.has<0>()) co_return;       // it ends, and no request has come
    if (first.take<0>() == 0) co_return;  // the peer has ended
    co_await work(request[0]);
    co_await stream.write_all(request);
  }
}
// [/talk]

// [serve]
constexpr std::size_t most_connections = 1000;

weft::Task<void> accept_all(weft::SocketListener& listener, weft::Semaphore& places,
                            weft::Scope& connections, weft::ManualResetEvent& ending) {
  for (;;) {
    weft::Permit place = co_await places.acquire();  // the limit
    weft::StreamSocket stream = co_await listener.accept();
    connections.spawn(talk, std::move(stream), std::ref(ending), std::move(place));
  }
}

/// Serves until `asked` is set, which a signal would do, and then gives requests five seconds.
weft::Task<void> serve(weft::SocketListener listener, weft::ManualResetEvent& asked) {
  weft::Semaphore places(most_connections);
  weft::ManualResetEvent ending;
  auto body = [&](weft::Scope& connections) -> weft::Task<void> {
    co_await weft::select(accept_all(listener, places, connections, ending), asked.wait());
    listener.close();  // 1: clients that come now are refused at once
    ending.set();      // 2: idle connections end, busy ones after their answer
    auto first = co_await weft::select(places.acquire(most_connections), weft::sleep_for(5s));
    std::printf("after the drain %zu connection is left\n", connections.size());
    if (!first.has<0>()) connections.cancel_children();  // 3: what takes longer is cancelled
  };
  co_await weft::scope(body);
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
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn(serve, std::move(listener), std::ref(asked));
    scope.spawn(client, at, "a client that is idle", std::byte{0});
    scope.spawn(client, at, "a request of 2 s", std::byte{2});
    scope.spawn(client, at, "a request of 60 s", std::byte{60});
    co_await weft::sleep_for(1s);
    asked.set();
  };
  co_await weft::scope(body);
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
