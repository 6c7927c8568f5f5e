// A socket that sends to itself: the shortest way through the network stack. For the programs of
// the guide.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

/// A UDP socket that is connected to itself.
inline int socket_to_itself() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  // SAFETY: the sockets API takes every address as its common head.
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  bind(fd, generic, size);
  getsockname(fd, generic, &size);
  connect(fd, generic, size);
  return fd;
}
