// What the tables for users of Asio and of Tokio say about streams, sockets, datagrams and names.
// The code of each row stands here, and runs.
#include <sys/socket.h>
#include <unistd.h>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

weft::Task<void> connections() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  const std::string host = "localhost";
  const std::uint16_t port = listener.local_endpoint().port();
  weft::StreamSocket first = co_await weft::StreamSocket::connect(host, port);
  weft::ConnectOptions options;
  options.local = weft::Endpoint::parse("127.0.0.1:0").value();
  const std::string address = host + ":" + std::to_string(port);
  weft::StreamSocket client = co_await weft::StreamSocket::connect(address, options);
  weft::StreamSocket other = co_await listener.accept();
  weft::StreamSocket server = co_await listener.accept();
  if (server.peer_endpoint() != client.local_endpoint().value()) std::swap(server, other);

  static_cast<void>(client.set_no_delay(true));
  const std::array<int, 1> on{1};
  static_cast<void>(client.set_option(SOL_SOCKET, SO_KEEPALIVE, std::as_bytes(std::span(on))));
  std::array<std::byte, 5> data;
  const bool nothing_yet = !server.try_read(data);
  co_await client.write_all("hello");
  co_await server.readable();
  co_await server.peek(data);
  co_await server.read_exact(data);
  static_cast<void>(client.shutdown());
  const std::size_t end = co_await server.read(data);
  std::printf("a socket: nothing at first: %s, then %zu bytes, then %zu\n",
              nothing_yet ? "yes" : "no", data.size(), end);

  const weft::NativeHandle handle = server.release().value();
  weft::StreamSocket adopted = weft::StreamSocket::adopt(handle).value();
  auto [reader, writer] = std::move(adopted).split();
  std::array<weft::IoSlice, 1> slices{weft::IoSlice{data.data(), data.size()}};
  co_await writer.write_all_vectored(slices);
  std::array<std::byte, 16> room;
  const std::array<weft::IoSlice, 1> into{weft::IoSlice{room.data(), room.size()}};
  const std::size_t size = co_await client.read_vectored(into);
  std::printf("vectored: %zu bytes\n", size);
}

weft::Task<void> lines() {
  auto [client, server] = weft::duplex(4096);
  weft::BufferedWriter writer(client);
  co_await writer.write_all("one\ntwo\nkey;value;and the rest");
  co_await writer.flush();
  static_cast<void>(client.shutdown());

  weft::BufferedReader reader(server);
  const auto one = co_await reader.read_line(weft::LineOptions(512));
  auto lines = reader.lines();
  const auto two = co_await lines.next();
  const auto key = co_await reader.read_until(';');
  const auto ahead = co_await reader.peek(2);
  const std::size_t seen = ahead.size();
  auto part = weft::take(reader, 6);
  std::array<char, 16> value;
  const std::size_t size = co_await part.read(std::as_writable_bytes(std::span(value)));
  const std::string rest = co_await reader.read_to_end(1 << 20);
  std::printf("lines: %s, %s, %s, %zu ahead, %.*s, %s\n", one->c_str(), two->c_str(), key->c_str(),
              seen, static_cast<int>(size), value.data(), rest.c_str());
}

weft::Task<void> copies() {
  weft::Duplex in = weft::duplex(4096);
  weft::Duplex out = weft::duplex(4096);
  weft::Duplex link = weft::duplex(4096);
  co_await in.a.write_all("question");
  static_cast<void>(in.a.shutdown());
  co_await link.b.write_all("the answer");
  static_cast<void>(link.b.shutdown());

  auto user = weft::join(in.b, out.a);  // one stream of a reader and a writer
  const weft::CopiedBytes moved = co_await weft::copy_bidirectional(user, link.a);
  const std::uint64_t part = co_await weft::copy(weft::take(link.b, 5), out.b);
  std::printf("copied: %d there, %d back, %d of them on\n", static_cast<int>(moved.a_to_b),
              static_cast<int>(moved.b_to_a), static_cast<int>(part));
}

weft::Task<void> datagrams() {
  weft::UdpSocket server = weft::UdpSocket::bind("127.0.0.1:0");
  weft::UdpSocket client = weft::UdpSocket::bind("127.0.0.1:0");
  static_cast<void>(client.connect(server.local_endpoint().value()));
  co_await client.send("ping");
  std::array<std::byte, 1500> buffer;
  const weft::ReceivedDatagram got = co_await server.receive_from(buffer);
  co_await server.send_to("pong", got.sender);
  const weft::ReceivedDatagram answer = co_await client.receive(buffer);
  const std::size_t size = answer.data.size();

  weft::SendBatch several;
  const std::string text = "a datagram";
  for (int i = 0; i < 3; ++i) several.add(weft::bytes_of(text));
  co_await client.send_batch(several);
  weft::ReceiveBatch batch(8);
  std::size_t count = 0;
  while (count < 3) count += co_await server.receive_batch(batch);
  static_cast<void>(server.set_broadcast(true));
  const weft::Endpoint group = weft::Endpoint::parse("239.1.2.3:0").value();
  static_cast<void>(server.join_multicast(group));  // fails where there is no network
  std::printf("datagrams: %zu bytes, and a batch of %zu\n", size, count);
}

weft::Task<void> unix_sockets(std::string folder) {
  const std::string path = folder + "/stream";
  weft::UnixListener listener = weft::UnixListener::bind(path);
  weft::UnixStream client = co_await weft::UnixStream::connect(path);
  weft::UnixStream server = co_await listener.accept();
  const weft::PeerCredentials peer = server.peer_credentials().value();

  auto [one, other] = weft::UnixStream::pair().value();
  const std::array<weft::NativeHandle, 1> handles{client.native_handle()};
  co_await one.send_message("a socket", handles);
  std::array<std::byte, 64> data;
  const weft::UnixMessage message = co_await other.receive_message(data);

  weft::UnixDatagram datagrams = weft::UnixDatagram::bind(folder + "/datagrams");
  weft::UnixDatagram sender = weft::UnixDatagram::unbound().value();
  const weft::Endpoint to = weft::Endpoint::unix_path(folder + "/datagrams").value();
  co_await sender.send_to("ping", to);
  const weft::ReceivedDatagram got = co_await datagrams.receive(data);
  const std::size_t size = got.data.size();

  auto [left, right] = weft::UnixSeqpacket::pair().value();
  co_await left.send("a record");
  const weft::ReceivedDatagram record = co_await right.receive(data);
  std::printf("unix: the peer %s, %zu handle, %zu bytes, a record of %zu\n",
              peer.process == getpid() ? "is this process" : "is another", message.handles.size(),
              size, record.data.size());
}

weft::Task<void> names() {
  const std::vector<weft::Endpoint> found = co_await weft::resolve("localhost", 80);
  std::vector<weft::HostAddresses> known;
  known.emplace_back("backend.test", std::vector{weft::Endpoint::loopback(0)});
  weft::ConnectOptions options;
  options.resolver = weft::resolver_with(std::move(known));
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  const std::string address = "backend.test:" + std::to_string(listener.local_endpoint().port());
  weft::StreamSocket socket = co_await weft::StreamSocket::connect(address, options);
  std::printf("names: localhost has %s, backend.test was reached\n",
              found.empty() ? "no address" : "an address");
}

weft::Task<void> program() {
  co_await connections();
  co_await lines();
  co_await copies();
  co_await datagrams();
  auto folder = co_await weft::TemporaryDirectory::create();
  co_await unix_sockets(folder.path().string());
  co_await names();
}

int main() { weft::block_on(program()); }
