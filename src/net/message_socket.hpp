// Making message sockets: opening, binding, adopting. Used by UDP and Unix sockets.
#pragma once

#include <initializer_list>
#include <weft/detail/net_request.hpp>
#include <weft/endpoint.hpp>
#include <weft/native_handle.hpp>
#include <weft/result.hpp>

#include "net/native_address.hpp"
#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

/// Opens a socket of that family and type, non-blocking and close-on-exec.
[[nodiscard]] Result<Fd> open_socket(int family, int type) noexcept;

/// Makes a socket of a bound handle, named by its local address. Throws std::bad_alloc.
[[nodiscard]] Result<SocketOwner> named_socket(Fd handle);

/// Takes over a handle made elsewhere, if it is of one of the families and of that type.
[[nodiscard]] Result<SocketOwner> adopt_socket(NativeHandle handle,
                                               std::initializer_list<int> families,
                                               int type) noexcept;

}  // namespace weft::inline v0_1::detail
