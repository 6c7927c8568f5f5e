// Socket: what a stream, its halves or a listener own; and the socket calls that do not wait.
#pragma once

#include <cstdint>
#include <string>
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
struct Socket : Source {
  Socket(NativeHandle handle, Endpoint called) noexcept : Source(handle), name(std::move(called)) {}
  /// What errors call it.
  [[nodiscard]] virtual std::string subject() const { return name.to_string(); }
  /// Whether it is an end of a pipe, which is read and written by other system calls.
  [[nodiscard]] virtual bool is_pipe() const noexcept { return false; }

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

/// Gives up the handle of `socket`, which is empty afterwards. Errors: errc::operation_canceled if
/// it was closed, device_or_resource_busy if an operation is under way; then nothing has changed.
[[nodiscard]] Result<NativeHandle> release(SocketOwner& socket) noexcept;

/// Calls `call(handle)` while the handle stays open. errc::operation_canceled: it was closed, or
/// one of `directions` was.
template <class Call>
auto with_handle(Socket* socket, Call call, std::uint32_t directions = 0)
    -> decltype(call(NativeHandle{})) {
  struct Use {
    ~Use() { source.end_use(); }
    Source& source;
  };
  Source& source = socket_of(socket);
  const bool is_open = source.begin_use(directions);
  const Use use{source};
  if (!is_open) return fail(std::errc::operation_canceled);
  return call(source.handle());
}

}  // namespace weft::inline v0_1::detail
