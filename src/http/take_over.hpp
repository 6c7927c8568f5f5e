// Connections that leave HTTP: by an upgrade, or as a tunnel. send_streamed() calls
// append_takeover() for the response; serve_connection() and take_leave() call run_takeover() when
// that was written, and the buffers of requests were given back.
#pragma once

#include <memory>
#include <string>

#include <weft/http/message.hpp>
#include <weft/task.hpp>

#include "http/connection.hpp"
#include "http/request_buffers.hpp"
#include "http/serialize.hpp"

namespace weft::inline v0_1::http {

/// What a connection that leaves HTTP goes on with.
struct GivenAway {
  GivenAway() = default;

  Request request;  ///< for reports
  Takeover takeover;
  std::string received;  ///< was read behind the request
};

/// Appends the response to the present request, and moves the rest to Connection::given(). Throws
/// std::logic_error if the client has not asked for it.
void append_takeover(Connection& connection, RequestBuffers& slot, const ResponseFraming& framing,
                     Response& response);

/// Throws std::logic_error: for a client of CONNECT, any 2xx is the beginning of a tunnel.
[[noreturn]] void refuse_tunnel();

/// Runs what the handler gave. False: it has failed, which was reported. Cancel: as any connection.
[[nodiscard]] Task<bool> run_takeover(Connection& connection);

}  // namespace weft::inline v0_1::http
