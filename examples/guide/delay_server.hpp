// DelayServer: GET /{milliseconds}/{text} waits, then answers with the text. As `weft delay`, but
// in this process, on one thread, with plain sockets and poll(2). And what a client of either
// needs. For the guide's examples.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

/// Gives `result`, or throws the error of the system call `what`.
inline int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

class DelayServer {
 public:
  DelayServer()
      : listener_(checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")),
        stop_(checked(eventfd(0, EFD_CLOEXEC), "eventfd")) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);  // port 0: any free one
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    checked(bind(listener_, generic, size), "bind");
    checked(listen(listener_, 1024), "listen");
    checked(getsockname(listener_, generic, &size), "getsockname");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~DelayServer() {
    const std::uint64_t one = 1;
    static_cast<void>(write(stop_, &one, sizeof one));
    thread_.join();
    close(listener_);
    close(stop_);
  }
  DelayServer(const DelayServer&) = delete;
  DelayServer& operator=(const DelayServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  using Clock = std::chrono::steady_clock;

  struct Client {
    int fd;
    std::string received;
    std::optional<Clock::time_point> due;  // of the answer that is under way
    std::string answer;
  };

  void serve() {
    for (;;) {
      std::vector<pollfd> handles{{stop_, POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const Client& client : clients_) handles.push_back({client.fd, POLLIN, 0});
      poll(handles.data(), handles.size(), milliseconds_to_next());
      if (handles[0].revents != 0) break;
      auto handle = handles.begin() + 2;
      for (auto client = clients_.begin(); client != clients_.end(); ++handle) {
        const bool open = (handle->revents == 0 || receive(*client)) && answer_if_due(*client);
        if (!open) close(client->fd);
        client = open ? std::next(client) : clients_.erase(client);
      }
      if (handles[1].revents != 0) {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd >= 0) clients_.push_back({fd, {}, {}, {}});
      }
    }
    for (const Client& client : clients_) close(client.fd);
  }

  [[nodiscard]] int milliseconds_to_next() const {
    std::optional<Clock::time_point> next;
    for (const Client& client : clients_) {
      if (client.due && (!next || *client.due < *next)) next = client.due;
    }
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
    return std::max(0, static_cast<int>(left.count()));
  }

  /// Gives false at the end of the stream, and if the request makes no sense.
  static bool receive(Client& client) {
    char piece[4096];
    const ssize_t size = recv(client.fd, piece, sizeof piece, 0);
    if (size <= 0) return false;
    client.received.append(piece, static_cast<std::size_t>(size));
    return client.due.has_value() || begin_answer(client);
  }

  static bool begin_answer(Client& client) {
    const std::size_t end = client.received.find("\r\n\r\n");
    if (end == std::string::npos) return true;  // more is to come
    const std::string request = client.received.substr(0, end);
    client.received.erase(0, end + 4);
    if (!request.starts_with("GET /")) return false;
    const char* const last = request.data() + request.size();
    unsigned delay_ms = 0;
    const auto [slash, error] = std::from_chars(request.data() + 5, last, delay_ms);
    if (error != std::errc() || slash == last || *slash != '/') return false;
    const std::string text(slash + 1, std::find(slash, last, ' '));
    client.due = Clock::now() + std::chrono::milliseconds(delay_ms);
    client.answer =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
    return true;
  }

  static bool answer_if_due(Client& client) {
    while (client.due && *client.due <= Clock::now()) {
      const auto size = static_cast<ssize_t>(client.answer.size());
      if (send(client.fd, client.answer.data(), client.answer.size(), MSG_NOSIGNAL) != size) {
        return false;
      }
      client.due.reset();
      if (!begin_answer(client)) return false;
    }
    return true;
  }

  int listener_;
  int stop_;
  std::uint16_t port_ = 0;
  std::list<Client> clients_;
  std::thread thread_;
};

/// The server that a program talks to: the one whose port is its first argument, or one of its own.
class DelayPeer {
 public:
  DelayPeer(int argc, char** argv) {
    if (argc > 1) {
      port_ = static_cast<std::uint16_t>(std::atoi(argv[1]));
    } else {
      port_ = own_.emplace().port();
    }
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  std::optional<DelayServer> own_;
  std::uint16_t port_ = 0;
};

/// Connects to a port of this machine. A server that has just been started may need a moment.
inline int connect_to(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  for (int tries_left = 100;; --tries_left) {
    const int fd = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    const int error = errno;
    close(fd);
    if (error != ECONNREFUSED || tries_left == 0) {
      throw std::system_error(error, std::generic_category(), "connect");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

/// What to send for an answer of `text` after `delay_ms`.
inline std::string delay_request(int delay_ms, std::string_view text) {
  return "GET /" + std::to_string(delay_ms) + "/" + std::string(text) +
         " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

/// Takes the first answer's text out of what has been received. Empty: it is not complete.
inline std::optional<std::string> take_answer(std::string& received) {
  const std::size_t end = received.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  std::string head = received.substr(0, end);
  for (char& letter : head) letter = static_cast<char>(letter | 0x20);  // in lower case
  constexpr std::string_view name = "content-length:";
  const std::size_t found = head.find(name);
  if (found == std::string::npos) throw std::runtime_error("an answer without its length");
  const std::size_t size = std::strtoul(head.c_str() + found + name.size(), nullptr, 10);
  if (received.size() < end + 4 + size) return std::nullopt;
  std::string text = received.substr(end + 4, size);
  received.erase(0, end + 4 + size);
  return text;
}
