// Connecting to one of several addresses, RFC 8305. Called by StreamSocket::connect().
#pragma once

#include <string>
#include <vector>
#include <weft/endpoint.hpp>
#include <weft/net.hpp>
#include <weft/socket.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::detail {

/// The addresses with the families in turn, beginning with that of the first; the order within a
/// family stays (RFC 8305, 4).
[[nodiscard]] std::vector<Endpoint> interleaved(std::vector<Endpoint> addresses);

/// See StreamSocket::connect_any(). `name`: what the user has asked for, for the error; empty: the
/// addresses alone.
[[nodiscard]] Task<StreamSocket> connect_race(std::string name, std::vector<Endpoint> addresses,
                                              ConnectOptions options);

}  // namespace weft::inline v0_1::detail
