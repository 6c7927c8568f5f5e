// Handles for tests: pipes, socket pairs, TCP connections over loopback. All are non-blocking and
// close-on-exec. A failed set-up ends the test program.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "os/fd.hpp"
#include "support/open_handles.hpp"

namespace weft::testing {

template <class Value>
Value must(Value result, const char* what) {
  if (result >= 0) return result;
  std::fprintf(stderr, "test set-up: %s: %s\n", what, std::strerror(errno));
  std::abort();
}

/// Two ends: of a pipe (first reads, second writes), or of a connection (both do both).
struct Ends {
  detail::Fd first;
  detail::Fd second;
};

inline Ends make_pipe() {
  int ends[2];
  must(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), "pipe2");
  return {detail::Fd(ends[0]), detail::Fd(ends[1])};
}

inline Ends make_socket_pair(int type = SOCK_STREAM) {
  int ends[2];
  must(::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), "socketpair");
  return {detail::Fd(ends[0]), detail::Fd(ends[1])};
}

inline sockaddr_in loopback(in_port_t port = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = port;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // SAFETY: as the socket interface requires
}

inline detail::Fd make_socket(int type = SOCK_STREAM) {
  return detail::Fd(must(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
}

inline sockaddr_in address_of(const detail::Fd& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  must(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return address;
}

/// A TCP listener on a free loopback port.
inline detail::Fd make_listener(int backlog = 16) {
  detail::Fd listener = make_socket();
  const sockaddr_in address = loopback();
  must(::bind(listener.get(), generic(address), sizeof address), "bind");
  must(::listen(listener.get(), backlog), "listen");
  return listener;
}

/// Connects a new socket to `listener`; the connection is in its queue when this returns.
inline detail::Fd connect_to(const detail::Fd& listener) {
  detail::Fd socket(must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const sockaddr_in address = address_of(listener);
  must(::connect(socket.get(), generic(address), sizeof address), "connect");
  must(::fcntl(socket.get(), F_SETFL, O_NONBLOCK), "fcntl");
  return socket;
}

/// Both ends of a TCP connection.
inline Ends make_tcp_pair() {
  const detail::Fd listener = make_listener();
  detail::Fd first = connect_to(listener);
  return {std::move(first),
          detail::Fd(must(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC),
                          "accept4"))};
}

inline void set_option(const detail::Fd& socket, int level, int name, int value) {
  must(::setsockopt(socket.get(), level, name, &value, sizeof value), "setsockopt");
}

/// Closes a TCP socket so that the peer sees a reset.
inline void reset(detail::Fd& socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  must(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), "SO_LINGER");
  socket.reset();
}

inline void put(const detail::Fd& to, std::string_view text) {
  must(::write(to.get(), text.data(), text.size()), "write");
}

/// Reads the available bytes, up to `room`; "" if there are none.
inline std::string take(const detail::Fd& from, std::size_t room = 65536) {
  std::string text(room, '\0');
  const ssize_t size = ::read(from.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

/// Writes until no more fits and returns the number of bytes written.
inline std::size_t fill(const detail::Fd& to) {
  const std::string block(4096, 'x');
  std::size_t sum = 0;
  for (;;) {
    const ssize_t size = ::write(to.get(), block.data(), block.size());
    if (size < 0) return sum;
    sum += static_cast<std::size_t>(size);
  }
}

}  // namespace weft::testing
