// A server written for libuv, whose loop a weft task drives, and a client that is a weft task.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "uv.hpp"

namespace {

/// An echo server in the usual form of libuv programs, without weft.
class EchoServer {
 public:
  /// Listens on a free port of the loopback, and returns it.
  int listen(uv_loop_t* loop) {
    sockaddr_in address{};
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(loop, &listener_);
    uv_tcp_bind(&listener_, reinterpret_cast<const sockaddr*>(&address), 0);
    uv_listen(reinterpret_cast<uv_stream_t*>(&listener_), 128, &EchoServer::on_connection);
    int size = sizeof address;
    uv_tcp_getsockname(&listener_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  void close() { uv_close(reinterpret_cast<uv_handle_t*>(&listener_), nullptr); }

 private:
  struct Connection {
    uv_tcp_t tcp;
    char buffer[4096];
  };
  struct Echo {
    uv_write_t write;
    std::string text;
  };

  static void on_connection(uv_stream_t* listener, int) {
    auto* const connection = new Connection;
    uv_tcp_init(listener->loop, &connection->tcp);
    connection->tcp.data = connection;
    auto* const stream = reinterpret_cast<uv_stream_t*>(&connection->tcp);
    uv_accept(listener, stream);
    const auto buffer = [](uv_handle_t* handle, std::size_t, uv_buf_t* room) {
      *room = uv_buf_init(static_cast<Connection*>(handle->data)->buffer, 4096);
    };
    uv_read_start(stream, buffer, &EchoServer::on_read);
  }
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* data) {
    if (size < 0) {
      const auto free = [](uv_handle_t* handle) { delete static_cast<Connection*>(handle->data); };
      uv_close(reinterpret_cast<uv_handle_t*>(stream), free);
      return;
    }
    auto* const echo = new Echo{{}, std::string(data->base, static_cast<std::size_t>(size))};
    echo->write.data = echo;
    uv_buf_t text = uv_buf_init(echo->text.data(), static_cast<unsigned>(size));
    const auto written = [](uv_write_t* write, int) { delete static_cast<Echo*>(write->data); };
    uv_write(&echo->write, stream, &text, 1, written);
  }

  uv_tcp_t listener_;
};

// [client]
weft::Task<void> talk(int port) {
  weft::StreamSocket stream =
      co_await weft::StreamSocket::connect("127.0.0.1", static_cast<std::uint16_t>(port));
  for (const std::string line : {"hello", "is there", "anybody?"}) {
    co_await stream.write_all(line);
    std::string echo(line.size(), '\0');
    co_await stream.read_exact(std::as_writable_bytes(std::span(echo)));
    std::printf("echo: %s\n", echo.c_str());
  }
}

weft::Task<void> program() {
  EchoServer server;
  foreign::UvLoop loop;  // after the server: if cancelled, it closes the server's handles
  const int port = server.listen(loop.get());
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn(loop.run());  // until the loop has nothing left to do
    co_await talk(port);
    co_await loop.call([&](uv_loop_t&) { server.close(); });
  };
  co_await weft::scope(body);
  std::puts("the loop has ended");
}
// [/client]

}  // namespace

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
