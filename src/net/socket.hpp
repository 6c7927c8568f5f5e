// Socket: shared by a stream, its halves and a listener; and the socket calls that do not wait.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <weft/detail/net_request.hpp>
#include <weft/endpoint.hpp>
#include <weft/extend/operation.hpp>
#include <weft/result.hpp>

#include "net/native_address.hpp"
#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

/// `name`, used in errors, is the peer of a stream and the local address of a listener.
struct Socket {
  Socket(NativeHandle handle, Endpoint called) noexcept : source(handle), name(std::move(called)) {}
  Source source;
  const Endpoint name;
};

static_assert(sizeof(AddressRoom) == sizeof(sockaddr_storage));

/// Makes a Socket that owns `handle`. If there is no memory, closes the handle.
[[nodiscard]] Result<std::shared_ptr<Socket>> make_socket(Fd handle, Endpoint name) noexcept;

/// Opens a stream socket of the family, non-blocking and close-on-exec.
[[nodiscard]] Result<Fd> open_stream_socket(int family) noexcept;

[[nodiscard]] Result<void> set_option(int handle, int level, int name, int value) noexcept;
[[nodiscard]] Result<int> get_option(int handle, int level, int name) noexcept;
[[nodiscard]] Result<Endpoint> local_endpoint_of(int handle);

/// The result of a Syscalls function as a Result<void>.
[[nodiscard]] Result<void> checked(std::int64_t result) noexcept;
/// The error code of a negative result.
[[nodiscard]] std::error_code code_of(std::int64_t result) noexcept;

/// Checks, in every build, that the object still has its socket.
[[nodiscard]] Socket& open_socket(Socket* socket) noexcept;

}  // namespace weft::inline v0_1::detail
