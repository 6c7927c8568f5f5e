#include "net/message_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>
#include <weft/detail/message_socket.hpp>

#include "net/message.hpp"
#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

Result<Fd> open_socket(int family, int type) noexcept {
  const std::int64_t handle = Syscalls::socket(family, type | SOCK_NONBLOCK, 0);
  if (handle < 0) return fail(code_of(handle));
  return Fd(static_cast<int>(handle));
}

Result<SocketOwner> named_socket(Fd handle) {
  Result<Endpoint> local = local_endpoint_of(handle.get());
  if (!local) return fail(local.error());
  return make_socket(std::move(handle), std::move(*local));
}

Result<SocketOwner> adopt_socket(NativeHandle handle, std::initializer_list<int> families,
                                 int type) noexcept try {
  const Result<int> own_type = get_option(handle, SOL_SOCKET, SO_TYPE);
  if (!own_type) return fail(own_type.error());
  const Result<int> family = get_option(handle, SOL_SOCKET, SO_DOMAIN);
  if (!family) return fail(family.error());
  const bool fits = *own_type == type && std::ranges::find(families, *family) != families.end();
  if (!fits) return fail(std::errc::invalid_argument);
  Result<Endpoint> local = local_endpoint_of(handle);
  if (!local) return fail(local.error());
  const int flags = ::fcntl(handle, F_GETFL);
  if (flags < 0 || ::fcntl(handle, F_SETFL, flags | O_NONBLOCK) < 0 ||
      ::fcntl(handle, F_SETFD, FD_CLOEXEC) < 0) {
    return fail(os_error(errno));
  }
  return SocketOwner(new Socket(handle, std::move(*local)));
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

Result<Endpoint> MessageUser::peer_endpoint() const {
  return with_handle(socket_.get(), [](int handle) -> Result<Endpoint> {
    Result<Endpoint> peer = peer_endpoint_of(handle);
    if (!peer) return peer;
    return peer->unmapped();
  });
}

}  // namespace weft::inline v0_1::detail
