// Sockets by system calls: two ends of a conversation by datagrams, and the options for segments.
#pragma once

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>

#include "system/system.hpp"

namespace bench {

using Datagram = std::array<std::byte, datagram_bytes>;

/// The client's sends are split by the system, and the server's receives joined: udp(7).
inline void join_and_split(int server, int client) {
  const int on = 1;
  const int size = segment_bytes;
  require(setsockopt(server, SOL_UDP, UDP_GRO, &on, sizeof on) == 0, "UDP_GRO");
  require(setsockopt(client, SOL_UDP, UDP_SEGMENT, &size, sizeof size) == 0, "UDP_SEGMENT");
}

/// A server that is bound, and a client that is connected to it.
struct Ends {
  explicit Ends(int flags)
      : server(socket(AF_INET, SOCK_DGRAM | flags, 0)),
        client(socket(AF_INET, SOCK_DGRAM | flags, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* const address = reinterpret_cast<sockaddr*>(&at);
    require(bind(server, address, size) == 0, "bind");
    require(getsockname(server, address, &size) == 0, "getsockname");
    require(connect(client, address, size) == 0, "connect");
  }
  void send(Datagram& room, std::uint64_t number) const {
    put_number(room.data(), number);
    require(::send(client, room.data(), room.size(), 0) == ssize_t{datagram_bytes}, "send");
  }
  /// Returns the number of what the server receives.
  std::uint64_t receive(Datagram& room, sockaddr_in* from) const {
    socklen_t size = sizeof *from;
    require(recvfrom(server, room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(from),
                     &size) == ssize_t{datagram_bytes},
            "receive");
    return number_in(room.data());
  }

  int server;
  int client;
};

}  // namespace bench
