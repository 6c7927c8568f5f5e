// A client's side of a conversation with a delay server, with plain system calls on blocking
// sockets, and more than one request a connection. For the examples of chapters 6, 7 and 9.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include "delay_server.hpp"

/// Gives `result`, or throws the error of the system call `what`.
inline int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

/// The port of the server to talk to, if one is given as the first argument. 0: a server of one's
/// own.
inline std::uint16_t port_given(int argc, char** argv) {
  return argc > 1 ? static_cast<std::uint16_t>(std::atoi(argv[1])) : std::uint16_t{0};
}

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

/// Waits until something arrives, and appends it. Throws if the server has closed the connection.
inline void receive_more(int fd, std::string& received) {
  char piece[512];
  const int size = checked(static_cast<int>(recv(fd, piece, sizeof piece, 0)), "recv");
  if (size == 0) throw std::runtime_error("the server has closed the connection");
  received.append(piece, static_cast<std::size_t>(size));
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
