// The client's side of the delay server's HTTP, as far as the book needs it, with plain system
// calls on non-blocking sockets. Chapter 4 goes through it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

// [connect]
/// Begins to connect to a port of this machine, and does not wait: the socket becomes writable when
/// the connection stands, or has failed.
inline int begin_connect(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  // SAFETY: the sockets API takes every address as its common head.
  const int result = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  if (fd < 0 || (result < 0 && errno != EINPROGRESS)) {
    throw std::system_error(errno, std::generic_category(), "connect");
  }
  return fd;
}

/// What became of it. Throws if the connection failed.
inline void end_connect(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) throw std::system_error(error, std::generic_category(), "connect");
}
// [/connect]

// [request]
/// "Connection: close" asks the server to end the stream after the reply: the end is easily seen.
inline std::string delay_request(int delay_ms, std::string_view text) {
  return "GET /" + std::to_string(delay_ms) + "/" + std::string(text) +
         " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
}

/// The text of a reply: what follows the empty line.
inline std::string body_of(std::string_view reply) {
  const std::size_t end = reply.find("\r\n\r\n");
  return end == reply.npos ? std::string() : std::string(reply.substr(end + 4));
}
// [/request]

// [drain]
enum class Stream { open, ended };

/// Reads all that is there: until the next read would have to wait, or the stream has ended.
inline Stream drain(int fd, std::string& into) {
  std::array<char, 16> buffer;
  for (;;) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got > 0) {
      into.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0) {
      return Stream::ended;
    } else if (errno == EAGAIN) {
      return Stream::open;
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "read");
    }
  }
}
// [/drain]
