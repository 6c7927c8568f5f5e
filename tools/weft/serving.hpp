// What the commands that serve have in common: from the listening socket to the graceful stop.
#pragma once

#include <functional>
#include <weft/endpoint.hpp>
#include <weft/http/server.hpp>
#include <weft/net.hpp>
#include <weft/task.hpp>

namespace weft::tool {

/// The options of their servers.
[[nodiscard]] http::ServerOptions server_options();

/// Lets a server serve at a listener until it is drained.
using ServeAt = std::function<Task<void>(SocketListener&)>;

/// Serves at `listen` by `serve` until a signal, then drains; a second signal ends the draining.
/// First prints "listening on ADDR". `workers`: 0: one a CPU. Returns the exit code of the process.
/// Throws IoError if it cannot listen.
int serve_until_stopped(const Endpoint& listen, unsigned workers, http::Server& server,
                        const ServeAt& serve);
/// The same for connections that are not encrypted.
int serve_until_stopped(const Endpoint& listen, unsigned workers, http::Server& server);

}  // namespace weft::tool
