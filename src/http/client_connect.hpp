// connect(): makes the connection of a call: by TCP, a Unix socket or a connector, through a proxy,
// and encrypted.
#pragma once

#include <string>

#include <weft/http/transport.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

#include "http/exchange.hpp"

namespace weft::inline v0_1::http {

/// By what connections are kept and bounded: scheme, host and port, and the proxy.
[[nodiscard]] std::string connection_key(const Call& call);

/// Returns a connection that was made for the call. Errors: the peer has spoken first. Throws
/// IoError, which names the address or the proxy, and what a connector and ClientOptions::secure
/// throw.
[[nodiscard]] Task<Result<Transport>> connect_anew(Call& call);

}  // namespace weft::inline v0_1::http
