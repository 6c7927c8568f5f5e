// Datagrams: a server that answers each, a client that asks again, and many with few system calls;
// and a handle that is passed to another process over a Unix socket.
#include <unistd.h>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// [server]
/// Sends each datagram back, from the address that it was sent to.
weft::Task<void> echo(weft::UdpSocket& socket) {
  std::array<std::byte, 1500> buffer;
  for (;;) {
    const auto got = co_await weft::attempt(socket.receive(buffer));
    if (!got && got.error() == std::errc::operation_canceled) co_return;  // it was closed
    if (!got) continue;              // about an earlier datagram: the socket goes on
    if (got->truncated()) continue;  // more than a packet of this protocol may have
    weft::SendDetails details;
    details.source(got->destination);
    const auto sent = co_await weft::attempt(socket.send_to(got->data, got->sender, details));
    if (!sent) std::printf("%s\n", sent.error().what());
  }
}
// [/server]

// [client]
/// Asks, and asks again if no answer comes in time: datagrams get lost.
weft::Task<std::string> ask(weft::UdpSocket& socket, std::string question) {
  std::array<std::byte, 1500> buffer;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    co_await socket.send(question);
    const auto answer = co_await weft::attempt(weft::timeout(socket.receive(buffer), 200ms));
    if (answer) co_return std::string(text_of(answer->data));
  }
  co_return "no answer";
}
// [/client]

// [batch]
/// A thousand datagrams of 64 bytes: with few system calls in, and with few out.
weft::Task<std::size_t> flood(weft::UdpSocket& from, weft::UdpSocket& to) {
  const std::string data(64 * 100, 'x');
  const weft::Endpoint where = to.local_endpoint().value();
  weft::ReceiveBatch batch(64, 2048);
  std::size_t received = 0;
  for (int round = 0; round < 10; ++round) {
    co_await from.send_segments(weft::bytes_of(data), 64, where);  // the system cuts it up
    for (std::size_t i = 0; i < 100;) {
      const std::size_t count = co_await to.receive_batch(batch);
      i += count;
      received += count;
    }
  }
  co_return received;
}
// [/batch]

// [handle]
/// Passes the writing end of a pipe over a Unix socket, as a server passes a file to a helper.
weft::Task<std::string> pass_a_handle() {
  auto [server, helper] = weft::socket_pair().value();
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) co_return "no pipe";
  const weft::OwnedHandle reader(ends[0]);
  weft::OwnedHandle writer(ends[1]);
  const std::array<weft::NativeHandle, 1> passed{writer.get()};
  co_await server.send_message("write here", passed);
  writer.reset();  // the copy that was passed stays open

  std::array<std::byte, 64> buffer;
  const weft::UnixMessage got = co_await helper.receive_message(buffer);
  const std::string_view greeting = "hello through a passed handle";
  if (write(got.handles.at(0).get(), greeting.data(), greeting.size()) < 0) co_return "no pipe";
  std::array<char, 64> text{};
  const auto size = read(reader.get(), text.data(), text.size());
  co_return std::string(text.data(), static_cast<std::size_t>(size));
}
// [/handle]

weft::Task<void> program() {
  weft::UdpOptions options;
  options.report_destination = true;
  weft::UdpSocket server = weft::UdpSocket::bind("0.0.0.0:0", options);
  const std::uint16_t port = server.local_endpoint()->port();
  weft::UdpSocket client = co_await weft::UdpSocket::connect("127.0.0.1", port);
  auto first = co_await weft::select(ask(client, "ping"), echo(server));
  const std::string answer = first.take<0>();
  std::printf("the server answers: %s\n", answer.c_str());

  weft::UdpOptions roomy;
  roomy.receive_buffer = 1 << 20;
  weft::UdpSocket from = weft::UdpSocket::bind("127.0.0.1:0");
  weft::UdpSocket to = weft::UdpSocket::bind("127.0.0.1:0", roomy);
  const std::size_t count = co_await flood(from, to);
  std::printf("received: %zu datagrams\n", count);

  const std::string text = co_await pass_a_handle();
  std::printf("%s\n", text.c_str());
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
