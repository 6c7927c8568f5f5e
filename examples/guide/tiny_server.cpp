// The third step of the runtime of chapter 10: timers and sockets. A delay server and five clients
// of it, all on one executor.
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tiny_runtime.hpp"

using std::chrono::milliseconds;

// [sockets]
/// A TCP socket that is closed when it goes; non-blocking.
class Socket {
 public:
  Socket() : Socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  explicit Socket(int fd) : fd_(fd) {
    if (fd < 0) throw_errno("socket");
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

/// Listens on a port of the loopback that the system chooses, and sets `address` to it.
Socket listen_on_loopback(sockaddr_in& address) {
  Socket listener;
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  // SAFETY: the sockets API takes every address as its common head.
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener.fd(), generic, size) != 0) throw_errno("bind");
  if (listen(listener.fd(), 16) != 0) throw_errno("listen");
  getsockname(listener.fd(), generic, &size);
  return listener;
}

Task<Socket> accept_one(Reactor& reactor, int listener) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) co_return Socket(fd);
    if (errno != EAGAIN) throw_errno("accept4");
    co_await reactor.readable(listener);
  }
}

Task<Socket> connect_to(Reactor& reactor, const sockaddr_in& address) {
  Socket socket;
  // SAFETY: as above.
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (connect(socket.fd(), generic, sizeof address) != 0) {
    if (errno != EINPROGRESS) throw_errno("connect");
    co_await reactor.writable(socket.fd());  // writable: connected, or failed
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) throw std::system_error(error, std::generic_category(), "connect");
  }
  co_return std::move(socket);
}
// [/sockets]

// [server]
/// Reads a number of milliseconds, waits for as long, and answers.
Task<> answer(Reactor& reactor, Socket client) {
  std::array<char, 64> room;
  const std::size_t size = co_await read_some(reactor, client.fd(), room);
  const std::string request(room.data(), size);
  co_await reactor.sleep_for(milliseconds(std::atoi(request.c_str())));
  const std::string reply = "after " + request + " ms";
  co_await write_all(reactor, client.fd(), reply);
}

Task<> serve(Reactor& reactor, Socket listener, int clients) {
  for (int i = 0; i < clients; ++i) {
    Socket client = co_await accept_one(reactor, listener.fd());
    Executor::current().spawn(answer(reactor, std::move(client)));
  }
}
// [/server]

// [client]
Task<> ask(Reactor& reactor, const sockaddr_in& server, int delay_ms) {
  const Socket socket = co_await connect_to(reactor, server);
  const std::string request = std::to_string(delay_ms);
  co_await write_all(reactor, socket.fd(), request);
  std::array<char, 64> room;
  const std::size_t size = co_await read_some(reactor, socket.fd(), room);
  std::printf("%.*s\n", static_cast<int>(size), room.data());
}

Task<> ask_five_times(Reactor& reactor, const sockaddr_in& server) {
  const auto start = Reactor::Clock::now();
  std::vector<Join<void>> asking;
  for (const int delay_ms : {500, 400, 300, 200, 100}) {
    asking.push_back(Executor::current().spawn(ask(reactor, server, delay_ms)));
  }
  for (Join<void>& one : asking) co_await one;
  const bool at_once = Reactor::Clock::now() - start < milliseconds(500 + 400);
  std::printf("all five took as long as the longest: %s\n", at_once ? "yes" : "no");
}
// [/client]

int main() {
  sockaddr_in address;
  Socket listener = listen_on_loopback(address);
  Reactor reactor;
  Executor executor;
  executor.spawn(serve(reactor, std::move(listener), 5));
  executor.spawn(ask_five_times(reactor, address));
  executor.run();
}
