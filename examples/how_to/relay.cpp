// A proxy: joins each client with a server, in both directions, until both have ended.
#include <cstdio>
#include <string>
#include <utility>
#include <weft/weft.hpp>

// [relay]
/// Joins `client` with the server, and gives how much has moved, also after an error.
weft::Task<weft::CopiedBytes> relay(weft::StreamSocket client, weft::Endpoint to) {
  weft::CopiedBytes moved;
  try {
    weft::StreamSocket server = co_await weft::StreamSocket::connect(to);
    co_await weft::copy_bidirectional(client, server, moved);
  } catch (const weft::IoError& error) {
    std::printf("relay: %s\n", error.what());
  }
  co_return moved;
}
// [/relay]

/// Sends back what comes, and only then its own end.
weft::Task<void> echo(weft::StreamSocket stream) {
  const auto size = co_await weft::copy(stream, stream);
  std::printf("the server has sent back %d bytes\n", static_cast<int>(size));
}

weft::Task<void> program() {
  weft::SocketListener server = weft::SocketListener::bind("127.0.0.1:0");
  weft::SocketListener proxy = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket client = co_await weft::StreamSocket::connect(proxy.local_endpoint());
  weft::StreamSocket accepted = co_await proxy.accept();
  auto relaying = weft::spawn(relay, std::move(accepted), server.local_endpoint());
  weft::StreamSocket at_server = co_await server.accept();
  auto serving = weft::spawn(echo, std::move(at_server));

  const std::string text(100'000, 'x');
  auto send = [&]() -> weft::Task<void> {
    co_await client.write_all(text);
    static_cast<void>(client.shutdown());  // half-closed: the answer still comes
  };
  weft::BufferedReader answers(client);
  auto [sent, answer] = co_await weft::when_all(send(), answers.read_to_end(1 << 20));
  std::printf("the client has %s\n", answer == text ? "everything" : "something else");
  co_await std::move(serving);
  const weft::CopiedBytes moved = co_await std::move(relaying);
  std::printf("%d bytes to the server, %d back\n", static_cast<int>(moved.a_to_b),
              static_cast<int>(moved.b_to_a));
}

int main() { weft::block_on(program()); }
