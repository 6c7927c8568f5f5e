#include "net/socket.hpp"

#include <fcntl.h>

#include <new>

#include "base/check.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

std::error_code code_of(std::int64_t result) noexcept {
  return os_error(static_cast<int>(-result));
}

Result<void> checked(std::int64_t result) noexcept {
  if (result < 0) return fail(code_of(result));
  return {};
}

Socket& socket_of(Socket* socket) noexcept {
  WEFT_CHECK(socket != nullptr, "the stream or listener was moved from or split");
  return *socket;
}

void SocketCloser::operator()(Socket* socket) const noexcept {
  socket->drop_owner(is_borrower ? 0 : directions);
}

Result<SocketOwner> make_socket(Fd handle, Endpoint name) noexcept try {
  SocketOwner socket(new Socket(handle.get(), std::move(name)));
  static_cast<void>(handle.release());
  return socket;
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

Result<Fd> open_stream_socket(int family) noexcept {
  const std::int64_t handle = Syscalls::socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (handle < 0) return fail(code_of(handle));
  return Fd(static_cast<int>(handle));
}

Result<void> set_option(int handle, int level, int name, int value) noexcept {
  return checked(Syscalls::setsockopt(handle, level, name, &value, sizeof value));
}

Result<int> get_option(int handle, int level, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  const Result<void> got = checked(Syscalls::getsockopt(handle, level, name, &value, &size));
  if (!got) return fail(got.error());
  return value;
}

Result<Endpoint> local_endpoint_of(int handle) {
  NativeAddress address;
  address.size = sizeof address.storage;
  const Result<void> got = checked(Syscalls::getsockname(handle, address.get(), &address.size));
  if (!got) return fail(got.error());
  return endpoint_from_native(&address.storage, address.size);
}

}  // namespace weft::inline v0_1::detail
