// UnixStream and UnixSeqpacket: connecting, pairs, credentials.
#include <weft/unix.hpp>

#include <sys/socket.h>

#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "net/message.hpp"
#include "net/message_socket.hpp"
#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1 {

namespace {

/// A Unix socket without a name. It does not allocate.
Endpoint unnamed() { return Endpoint::unix_path({}).value(); }

/// Two connected sockets of that type, as objects of class S.
template <class S>
Result<std::pair<S, S>> make_pair_of(int type) noexcept {
  std::array<int, 2> ends{};
  const Result<void> made =
      detail::checked(detail::Syscalls::socketpair(AF_UNIX, type | SOCK_NONBLOCK, ends.data()));
  if (!made) return fail(made.error());
  detail::Fd first(ends[0]);
  detail::Fd second(ends[1]);
  Result<detail::SocketOwner> one = detail::make_socket(std::move(first), unnamed());
  Result<detail::SocketOwner> other = detail::make_socket(std::move(second), unnamed());
  if (!one || !other) return fail(std::errc::not_enough_memory);
  return std::pair<S, S>(S(std::move(*one)), S(std::move(*other)));
}

}  // namespace

Result<std::pair<UnixStream, UnixStream>> UnixStream::pair() noexcept {
  return make_pair_of<UnixStream>(SOCK_STREAM);
}
Result<std::pair<UnixSeqpacket, UnixSeqpacket>> UnixSeqpacket::pair() noexcept {
  return make_pair_of<UnixSeqpacket>(SOCK_SEQPACKET);
}
Result<std::pair<UnixDatagram, UnixDatagram>> UnixDatagram::pair() noexcept {
  return make_pair_of<UnixDatagram>(SOCK_DGRAM);
}
Result<std::pair<UnixStream, UnixStream>> socket_pair() noexcept { return UnixStream::pair(); }

detail::UnixConnectOp<UnixStream> UnixStream::connect(std::string_view path) {
  return detail::UnixConnectOp<UnixStream>(detail::UnixConnectRequest<UnixStream>(path, true));
}
detail::UnixConnectOp<UnixStream> UnixStream::connect(Endpoint to) noexcept {
  return detail::UnixConnectOp<UnixStream>(
      detail::UnixConnectRequest<UnixStream>(std::move(to), true));
}
detail::UnixConnectOp<UnixSeqpacket> UnixSeqpacket::connect(std::string_view path) {
  return detail::UnixConnectOp<UnixSeqpacket>(
      detail::UnixConnectRequest<UnixSeqpacket>(path, false));
}
detail::UnixConnectOp<UnixSeqpacket> UnixSeqpacket::connect(Endpoint to) noexcept {
  return detail::UnixConnectOp<UnixSeqpacket>(
      detail::UnixConnectRequest<UnixSeqpacket>(std::move(to), false));
}

Result<UnixStream> UnixStream::adopt(NativeHandle handle) noexcept {
  const Result<int> domain = detail::get_option(handle, SOL_SOCKET, SO_DOMAIN);
  if (!domain) return fail(domain.error());
  if (*domain != AF_UNIX) return fail(std::errc::invalid_argument);
  Result<StreamSocket> stream = StreamSocket::adopt(handle);
  if (!stream) return fail(stream.error());
  return UnixStream(detail::OptionAccess::take(std::move(*stream)));
}

Result<UnixSeqpacket> UnixSeqpacket::adopt(NativeHandle handle) noexcept {
  Result<detail::SocketOwner> socket = detail::adopt_socket(handle, {AF_UNIX}, SOCK_SEQPACKET);
  if (!socket) return fail(socket.error());
  return UnixSeqpacket(std::move(*socket));
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

UnixConnect::UnixConnect(std::string_view path, bool is_stream) : stream(is_stream) {
  const Result<Endpoint> name = Endpoint::unix_path(path);
  if (name) {
    to = *name;
  } else {
    failure = name.error();
    bad_path = path;
  }
}

void UnixConnect::prepare(Operation& op) noexcept {
  const bool has_name = to.is_unix() && !to.path().empty();
  if (!failure && !has_name) failure = std::make_error_code(std::errc::invalid_argument);
  if (failure) return end_at_once(op);
  const NativeAddress native(to);
  std::memcpy(address.data(), &native.storage, address.size());
  Result<Fd> handle = open_socket(AF_UNIX, stream ? SOCK_STREAM : SOCK_SEQPACKET);
  Result<SocketOwner> opened = fail(std::errc::not_enough_memory);
  if (!handle) {
    opened = fail(handle.error());
  } else {
    try {
      opened = make_socket(std::move(*handle), to);
    } catch (const std::bad_alloc&) {  // the copy of the path
    }
  }
  if (!opened) {
    failure = opened.error();
    return end_at_once(op);
  }
  socket = std::move(*opened);
  op.kind = OperationKind::connect;
  op.source = socket.get();
  op.io.address = {address.data(), native.size};
}

Result<SocketOwner> UnixConnect::connected(std::int64_t result) noexcept {
  if (failure) return fail(failure);
  if (result < 0) {
    socket.reset();
    return fail(code_of(result));
  }
  return std::move(socket);
}

IoError UnixConnect::error(std::error_code code) const {
  return IoError(code, "connect", bad_path.empty() ? to.to_string() : "unix:" + bad_path);
}

Result<PeerCredentials> peer_credentials_of(Socket* socket) noexcept {
  ucred peer{};
  const Result<std::size_t> got =
      get_raw(socket, SOL_SOCKET, SO_PEERCRED, std::as_writable_bytes(std::span(&peer, 1)));
  if (!got) return fail(got.error());
  // A socket that is not connected has no process.
  if (peer.pid == 0 && peer.uid == static_cast<uid_t>(-1)) return fail(std::errc::not_connected);
  return PeerCredentials{.process = peer.pid, .user = peer.uid, .group = peer.gid};
}

}  // namespace weft::inline v0_1::detail
