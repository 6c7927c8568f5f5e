// Connecting: to one address, and to those of a name (connect_race.cpp).
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>
#include <weft/net.hpp>

#include "net/connect_race.hpp"
#include "net/resolver.hpp"
#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// Gives the socket its own address, if `local` is one.
Result<void> bind_locally(int handle, const Endpoint& local) noexcept {
  const NativeAddress address(local);
  if (address.size == 0) return {};
  if (local.is_ip()) {
    // Without a port: connect(2) chooses one that is free towards the peer, not towards all. With
    // one: the port may also be that of other connections, whose peers differ.
    const bool any_port = local.port() == 0;
    const Result<void> set = any_port ? set_option(handle, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                                      : set_option(handle, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!set && !any_port) return set;  // the first one only saves ports
  }
  return checked(Syscalls::bind(handle, address.get(), address.size));
}

Result<SocketOwner> open_socket_to(const Endpoint& to, const ConnectOptions& options,
                                   int family) noexcept try {
  Result<Fd> handle = open_stream_socket(family);
  if (!handle) return fail(handle.error());
  if (to.is_ip() && options.no_delay) {
    const Result<void> set = set_option(handle->get(), IPPROTO_TCP, TCP_NODELAY, 1);
    if (!set) return fail(set.error());
  }
  const Result<void> bound = bind_locally(handle->get(), options.local);
  if (!bound) return fail(bound.error());
  return make_socket(std::move(*handle), to);
} catch (const std::bad_alloc&) {  // the copy of a Unix path
  return fail(std::errc::not_enough_memory);
}

/// A socket without a name gets a free local port. If that is the very port at which it is to
/// connect, and no socket listens there, TCP connects it to itself (a simultaneous open, RFC 9293,
/// 3.5). What it writes would come back as if a peer had answered.
bool is_connected_to_itself(NativeHandle handle, const Endpoint& to) {
  const Result<Endpoint> local = local_endpoint_of(handle);
  if (!local || local->port() != to.port()) return false;
  NativeAddress peer;
  peer.size = sizeof peer.storage;
  if (Syscalls::getpeername(handle, peer.get(), &peer.size) < 0) return false;
  return endpoint_from_native(&peer.storage, peer.size) == *local;
}

}  // namespace

void ConnectRequest::prepare(Operation& op) noexcept {
  const NativeAddress native(to);
  std::memcpy(address.data(), &native.storage, address.size());
  Result<SocketOwner> opened = fail(std::errc::invalid_argument);
  if (native.size != 0) opened = open_socket_to(to, options, native.family());
  if (!opened) {
    // prepare() cannot fail: a timer that is due ends at once, and finish() returns the failure.
    failure = opened.error();
    op.kind = OperationKind::timer;
    op.set_deadline(0);
    return;
  }
  socket = std::move(*opened);
  op.kind = OperationKind::connect;
  op.source = socket.get();
  op.io.address = {address.data(), native.size};
}

Result<StreamSocket> ConnectRequest::finish(std::int64_t result) {
  if (failure) return fail(failure);
  if (result == 0 && to.is_ip() && is_connected_to_itself(socket->handle(), to)) {
    result = -ECONNREFUSED;
  }
  if (result < 0) {
    socket.reset();
    return fail(code_of(result));
  }
  return StreamSocket(std::move(socket));
}

IoError ConnectRequest::error(std::error_code code) const {
  std::string subject = to.to_string();
  const bool is_bound = options.local.is_ip() || options.local.is_unix();
  if (is_bound) subject.append(" from ").append(options.local.to_string());
  return IoError(code, "connect", subject);
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

ConnectOp StreamSocket::connect(Endpoint to, ConnectOptions options) noexcept {
  return ConnectOp(detail::ConnectRequest(std::move(to), std::move(options)));
}

Task<StreamSocket> StreamSocket::connect(std::string host, std::uint16_t port,
                                         ConnectOptions options) {
  std::vector<Endpoint> addresses = co_await detail::addresses_of(options.resolver, host, port);
  // An error names the host and its addresses, unless the host is an address itself.
  const bool numeric =
      !addresses.empty() && addresses.front().to_string().find(host) != std::string::npos;
  std::string name = numeric ? std::string() : host + ":" + std::to_string(port);
  StreamSocket stream =
      co_await detail::connect_race(std::move(name), std::move(addresses), options);
  co_return stream;
}

Task<StreamSocket> StreamSocket::connect_any(std::vector<Endpoint> addresses,
                                             ConnectOptions options) {
  return detail::connect_race(std::string(), std::move(addresses), options);
}

Task<StreamSocket> StreamSocket::connect(std::string address, ConnectOptions options) {
  if (address.starts_with("unix:")) {
    const Result<Endpoint> path = Endpoint::parse(address);
    if (!path) throw IoError(path.error(), "connect", address);
    StreamSocket stream = co_await connect(*path, options);
    co_return stream;
  }
  Result<HostPort> where = parse_host_port(address);
  if (!where) throw IoError(where.error(), "connect", address);
  StreamSocket stream = co_await connect(std::move(where->host), where->port, std::move(options));
  co_return stream;
}

}  // namespace weft::inline v0_1
