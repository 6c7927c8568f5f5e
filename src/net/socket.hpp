// Socket: what a stream, its halves and a listener share; and the socket calls that do not wait.
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

namespace weft::detail {

/// `name` is the peer of a stream and the local address of a listener: what errors tell of it.
struct Socket {
  Socket(NativeHandle handle, Endpoint called) noexcept : source(handle), name(std::move(called)) {}
  Source source;
  const Endpoint name;
};

static_assert(sizeof(AddressRoom) == sizeof(sockaddr_storage));

/// The Socket of a new handle, which it owns; the handle is closed if there is no memory.
[[nodiscard]] Result<std::shared_ptr<Socket>> make_socket(Fd handle, Endpoint name) noexcept;

/// A new stream socket of the family, non-blocking and close-on-exec.
[[nodiscard]] Result<Fd> open_stream_socket(int family) noexcept;

[[nodiscard]] Result<void> set_option(int handle, int level, int name, int value) noexcept;
[[nodiscard]] Result<int> get_option(int handle, int level, int name) noexcept;
[[nodiscard]] Result<Endpoint> local_endpoint_of(int handle);

/// Result<void> of what a function of Syscalls gave.
[[nodiscard]] Result<void> checked(std::int64_t result) noexcept;
/// The code of a negative result.
[[nodiscard]] std::error_code code_of(std::int64_t result) noexcept;

/// An always-on check that the object still has its socket.
[[nodiscard]] Socket& open_socket(Socket* socket) noexcept;

}  // namespace weft::detail
