// Solution to exercise 4 of chapter 16: a new server takes the listening socket over from the old
// one, so that no client is refused meanwhile.
#include <array>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <weft/weft.hpp>

namespace {

// [serve]
/// Tells each client the server's name.
weft::Task<void> serve(weft::SocketListener listener, std::string name,
                       weft::ManualResetEvent& stop) {
  auto handler = [name](weft::StreamSocket client) -> weft::Task<void> {
    std::array<std::byte, 1> request;
    co_await client.read_exact(request);
    co_await client.write_all(name);
  };
  co_await weft::serve_until(listener, stop.wait(), handler);
}
// [/serve]

// [hand_over]
/// The old server's part: the socket stays open as long as either of the two has it.
weft::Task<void> hand_over(const weft::SocketListener& listener, weft::UnixStream& successor) {
  const std::array<weft::NativeHandle, 1> handles{listener.native_handle()};
  co_await successor.send_message("listener", handles);
}

/// The new server's part.
weft::Task<weft::SocketListener> take_over(weft::UnixStream& predecessor) {
  std::array<std::byte, 64> text;
  weft::UnixMessage message = co_await predecessor.receive_message(text);
  co_return weft::SocketListener::adopt(message.handles.at(0).release()).value();
}
// [/hand_over]

// [try]
weft::Task<std::string> ask(weft::StreamSocket& server) {
  co_await server.write_all("?");
  co_return co_await weft::BufferedReader(server).read_to_end(64);
}

weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  const weft::Endpoint address = listener.local_endpoint();
  weft::SocketListener kept = listener.borrow();
  auto [old_end, new_end] = weft::UnixStream::pair().value();
  weft::ManualResetEvent stop_old;
  weft::ManualResetEvent stop_new;
  auto old_server = weft::spawn(serve, std::move(listener), "the old one", std::ref(stop_old));

  weft::StreamSocket early = co_await weft::StreamSocket::connect(address);
  const std::string first = co_await ask(early);
  co_await hand_over(kept, old_end);
  weft::SocketListener taken = co_await take_over(new_end);
  stop_old.set();
  co_await std::move(old_server);
  // None accepts now, and a client still is not refused: it waits in the socket's queue.
  weft::StreamSocket late = co_await weft::StreamSocket::connect(address);
  auto new_server = weft::spawn(serve, std::move(taken), "the new one", std::ref(stop_new));
  const std::string second = co_await ask(late);
  std::printf("first: %s; then: %s\n", first.c_str(), second.c_str());
  stop_new.set();
  co_await std::move(new_server);
}
// [/try]

}  // namespace

int main() { weft::block_on(program()); }
