// adopt(): a socket of the system that was made elsewhere becomes a StreamSocket or a
// SocketListener. release(): the opposite. Called from any thread.
#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <new>
#include <utility>
#include <weft/net.hpp>

#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

Result<void> expect_option(int handle, int name, int expected) noexcept {
  const Result<int> value = get_option(handle, SOL_SOCKET, name);
  if (!value) return fail(value.error());
  if (*value != expected) return fail(std::errc::invalid_argument);
  return {};
}

Result<void> prepare(int handle) noexcept {
  const int flags = ::fcntl(handle, F_GETFL);
  if (flags < 0 || ::fcntl(handle, F_SETFL, flags | O_NONBLOCK) < 0 ||
      ::fcntl(handle, F_SETFD, FD_CLOEXEC) < 0) {
    return fail(os_error(errno));
  }
  return {};
}

Result<Endpoint> peer_of(int handle) {
  NativeAddress address;
  address.size = sizeof address.storage;
  const Result<void> got = checked(Syscalls::getpeername(handle, address.get(), &address.size));
  if (!got) return fail(got.error());
  return endpoint_from_native(&address.storage, address.size);
}

/// Takes the handle over only if it succeeds.
Result<SocketOwner> adopt(int handle, bool listens) noexcept try {
  Result<void> fits = expect_option(handle, SO_TYPE, SOCK_STREAM);
  if (fits) fits = expect_option(handle, SO_ACCEPTCONN, listens ? 1 : 0);
  if (!fits) return fail(fits.error());
  Result<Endpoint> name = listens ? local_endpoint_of(handle) : peer_of(handle);
  if (!name) return fail(name.error());
  const Result<void> prepared = prepare(handle);
  if (!prepared) return fail(prepared.error());
  return SocketOwner(new Socket(handle, std::move(*name)));
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

}  // namespace

Result<NativeHandle> release(SocketOwner& socket) noexcept {
  Socket& source = socket_of(socket.get());
  if (source.is_closed(interest::both)) return fail(std::errc::operation_canceled);
  const NativeHandle handle = source.release();
  if (handle == invalid_handle) return fail(std::errc::device_or_resource_busy);
  socket.reset();
  return handle;
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Result<StreamSocket> StreamSocket::adopt(NativeHandle handle) noexcept {
  Result<detail::SocketOwner> socket = detail::adopt(handle, false);
  if (!socket) return fail(socket.error());
  return StreamSocket(std::move(*socket));
}

Result<NativeHandle> StreamSocket::release() noexcept { return detail::release(socket_); }

Result<NativeHandle> SocketListener::release() noexcept { return detail::release(socket_); }

Result<SocketListener> SocketListener::adopt(NativeHandle handle) noexcept {
  Result<detail::SocketOwner> socket = detail::adopt(handle, true);
  if (!socket) return fail(socket.error());
  return SocketListener(std::move(*socket));
}

}  // namespace weft::inline v0_1
