// Socket: what a stream, its halves or a listener own; and the socket calls that do not wait.
#pragma once

#include <cstdint>
#include <utility>
#include <weft/atomic.hpp>
#include <weft/detail/net_request.hpp>
#include <weft/endpoint.hpp>
#include <weft/extend/operation.hpp>
#include <weft/result.hpp>

#include "net/native_address.hpp"
#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

/// Whether the system splits datagrams for a socket (UDP_SEGMENT).
enum class Segmentation : std::uint8_t { unknown, works, refused };

/// `name`, used in errors, is the peer of a stream and the local address of a listener. It lives as
/// long as the source has an owner or a use, so also when the handle is closed. That of a datagram
/// socket is the address that it was bound to; its family is the socket's.
struct Socket final : Source {
  Socket(NativeHandle handle, Endpoint called) noexcept : Source(handle), name(std::move(called)) {}
  const Endpoint name;
  Atomic<Segmentation> segmentation{Segmentation::unknown};
};

static_assert(sizeof(AddressRoom) == sizeof(sockaddr_storage));

/// Makes a Socket that owns `handle`. If there is no memory, closes the handle.
[[nodiscard]] Result<SocketOwner> make_socket(Fd handle, Endpoint name) noexcept;

/// Opens a stream socket of the family, non-blocking and close-on-exec.
[[nodiscard]] Result<Fd> open_stream_socket(int family) noexcept;

[[nodiscard]] Result<void> set_option(int handle, int level, int name, int value) noexcept;
[[nodiscard]] Result<int> get_option(int handle, int level, int name) noexcept;
[[nodiscard]] Result<Endpoint> local_endpoint_of(int handle);

/// The result of a Syscalls function as a Result<void>.
[[nodiscard]] Result<void> checked(std::int64_t result) noexcept;
/// The error code of a negative result.
[[nodiscard]] std::error_code code_of(std::int64_t result) noexcept;

/// Checks, in every build, that the object has a socket, open or closed.
[[nodiscard]] Socket& socket_of(Socket* socket) noexcept;

/// Calls `call(handle)` while the handle stays open. errc::operation_canceled: it was closed.
template <class Call>
auto with_handle(Socket* socket, Call call) -> decltype(call(NativeHandle{})) {
  struct Use {
    ~Use() { source.end_use(); }
    Source& source;
  };
  Source& source = socket_of(socket);
  const bool is_open = source.begin_use(0);
  const Use use{source};
  if (!is_open) return fail(std::errc::operation_canceled);
  return call(source.handle());
}

}  // namespace weft::inline v0_1::detail
