// SocketListener: listening and accepting.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <new>
#include <string>
#include <utility>
#include <weft/net.hpp>

#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1 {

namespace {

Result<void> apply(int handle, const Endpoint& at, const ListenOptions& options) noexcept {
  Result<void> set;
  const auto turn_on = [&](bool wanted, int level, int name) {
    if (set && wanted) set = detail::set_option(handle, level, name, 1);
  };
  turn_on(options.reuse_address && at.is_ip(), SOL_SOCKET, SO_REUSEADDR);
  turn_on(options.reuse_port && at.is_ip(), SOL_SOCKET, SO_REUSEPORT);
  // Accepted sockets inherit it from the listener: no call for each of them.
  turn_on(options.no_delay && at.is_ip(), IPPROTO_TCP, TCP_NODELAY);
  if (set && at.is_ipv6()) {  // also to turn it off: the default differs between systems
    set = detail::set_option(handle, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
  }
  return set;
}

/// Errors of the connection to be accepted, not of the listener: those that accept(2) calls pending
/// network errors of the new socket, and what firewalls and various kernels report for one. The
/// next connection may succeed.
bool concerns_the_connection(std::int64_t result) noexcept {
  switch (-result) {
    case ECONNABORTED:
    case ECONNRESET:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case ETIMEDOUT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
#ifdef ESOCKTNOSUPPORT
    case ESOCKTNOSUPPORT:
#endif
#ifdef EHOSTDOWN
    case EHOSTDOWN:
#endif
#ifdef ENONET
    case ENONET:
#endif
      return true;
    default:
      return false;
  }
}

/// One accept() passes over this many connections at most. Such an error may also last, as if a
/// security policy forbids accept(2); trying it for ever would stop the worker.
constexpr std::uint32_t most_passed_over = 1000;

}  // namespace

Result<SocketListener> SocketListener::listen(const Endpoint& at, const ListenOptions& options) {
  const detail::NativeAddress address(at);
  if (address.size == 0) return fail(std::errc::invalid_argument);
  Result<detail::Fd> handle = detail::open_stream_socket(address.family());
  if (!handle) return fail(handle.error());
  Result<void> done = apply(handle->get(), at, options);
  if (done)
    done = detail::checked(detail::Syscalls::bind(handle->get(), address.get(), address.size));
  if (done) done = detail::checked(detail::Syscalls::listen(handle->get(), options.backlog));
  if (!done) return fail(done.error());
  Result<Endpoint> local = detail::local_endpoint_of(handle->get());
  if (!local) return fail(local.error());
  Result<detail::SocketOwner> socket = detail::make_socket(std::move(*handle), std::move(*local));
  if (!socket) return fail(socket.error());
  return SocketListener(std::move(*socket));
}

SocketListener SocketListener::bind(const Endpoint& at, const ListenOptions& options) {
  Result<SocketListener> listener = listen(at, options);
  if (!listener) throw IoError(listener.error(), "listen", at.to_string());
  return std::move(*listener);
}

SocketListener SocketListener::bind(std::string_view at, const ListenOptions& options) {
  const Result<Endpoint> endpoint = Endpoint::parse(at);
  if (!endpoint) throw IoError(endpoint.error(), "listen", at);
  return bind(*endpoint, options);
}

SocketListener SocketListener::borrow() const noexcept {
  detail::socket_of(socket_.get()).add_owner();
  detail::SocketCloser closer = socket_.get_deleter();
  closer.is_borrower = true;
  return SocketListener(detail::SocketOwner(socket_.get(), closer));
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

void AcceptRequest::prepare(Operation& op) noexcept {
  operation = &op;
  op.kind = OperationKind::accept;
  op.source = &socket_of(listener);
  op.io.address = {peer.data(), static_cast<std::uint32_t>(peer.size())};
}

bool AcceptRequest::again(AcceptRequest& self, Operation& op) noexcept {
  if (!concerns_the_connection(op.result) || ++self.passed_over > most_passed_over) return false;
  self.prepare(op);
  return true;
}

Result<StreamSocket> AcceptRequest::finish(std::int64_t result) try {
  if (result < 0) return fail(code_of(result));
  Fd handle(static_cast<int>(result));
  Endpoint name = endpoint_from_native(peer.data(), operation->io.address.size);
  Result<SocketOwner> socket = make_socket(std::move(handle), std::move(name));
  if (!socket) return fail(socket.error());
  return StreamSocket(std::move(*socket));
} catch (const std::bad_alloc&) {  // the copy of a Unix path
  return fail(std::errc::not_enough_memory);
}

IoError AcceptRequest::error(std::error_code code) const {
  return IoError(code, "accept", listener->name.to_string());
}

}  // namespace weft::inline v0_1::detail
