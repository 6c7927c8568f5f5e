// Blocking sockets to loopback, for models with one thread per request.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace weft::tool {

[[nodiscard]] inline sockaddr_in loopback(std::uint16_t port) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// Returns the port of "HOST:PORT".
[[nodiscard]] inline std::uint16_t port_of(const std::string& server) {
  return static_cast<std::uint16_t>(
      std::strtoul(server.c_str() + server.rfind(':') + 1, nullptr, 10));
}

inline bool send_all(int socket, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace weft::tool
