// How one request is forwarded: the fields that go on, and the bodies, which are passed on as they
// come. Any number of tasks.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <weft/http.hpp>

namespace forward {

/// Which tunnels there are, and how long they may take.
struct TunnelLimits {
  TunnelLimits() {}
  std::uint16_t port = 443;  // the only one at which servers are reached; 0: any
  std::chrono::milliseconds connect = std::chrono::seconds(10);
  std::chrono::milliseconds silence = std::chrono::minutes(1);
};

/// Removes what is for this connection alone (RFC 9110, 7.6.1): Connection, what it names, and the
/// like.
void remove_connection_fields(weft::http::Headers& fields);

/// Sends the request on to where its target says, and answers with what comes. Neither body is in
/// memory as a whole: a side that is slow stops the other one. A target that is not http:// is
/// answered with 400, a server that does not answer with 502 or 504, and a request that has come
/// through here before with 508.
[[nodiscard]] weft::Task<weft::http::Response> pass_on(weft::http::Client& client,
                                                       weft::http::Request& request,
                                                       weft::http::BodyReader& body);

/// Answers CONNECT: with a tunnel to the server that it names, which ends when both sides have
/// ended or were silent for too long; with 403 for another port, and 502 or 504 for a server that
/// cannot be reached.
[[nodiscard]] weft::Task<weft::http::Response> open_tunnel(weft::http::Request& request,
                                                           const TunnelLimits& limits);

}  // namespace forward
