// How the server turns what a handler gives, or throws, into bytes of the output. Shared by the
// functions that serve requests: pipelined.cpp and streamed.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string_view>

#include <weft/http/server.hpp>

#include "http/request_buffers.hpp"
#include "http/serialize.hpp"
#include "http/session.hpp"

namespace weft::inline v0_1::http {

/// What becomes of the connection after a streamed message.
enum class After : std::uint8_t {
  go_on,
  linger,      ///< the output is written, then the connection ends
  close,       ///< at once: a message could not be completed, or the connection has failed
  leave_http,  ///< the output is written, then what the handler gave takes the connection over
};

/// Bodies up to this size are copied behind their head; larger ones are written from their own
/// memory.
inline constexpr std::size_t kCopiedBody = 16 * 1024;

/// Completes a request for its handler. Returns what the handler must not change, as it depends on
/// the request that was received.
[[nodiscard, gnu::always_inline]] inline ResponseFraming begin_answer(Connection& connection,
                                                                      Request& request,
                                                                      bool keep_alive) noexcept {
  request.peer = connection.transport().peer_endpoint();
  ResponseFraming framing;
  framing.request_method = request.method;
  framing.request_version = request.version;
  framing.keep_alive = keep_alive && request.keep_alive;
  framing.server_name = connection.session().options().server_name;
  return framing;
}

/// Throws std::invalid_argument: a handler's answer must be the last word on a request.
[[noreturn]] void refuse_interim(Status status);

/// Appends the response to the present request. True: the connection stays open after it. Throws
/// std::invalid_argument for a status that a handler may not give.
[[nodiscard, gnu::always_inline]] inline bool append_answer(RequestBuffers& slot,
                                                            const Session& session,
                                                            ResponseFraming& framing,
                                                            Response& response) {
  if (response.status.is_informational()) refuse_interim(response.status);
  if (session.draining()) framing.keep_alive = false;
  const WrittenHead head = append_head(slot.output, response, framing);
  if (head.body_follows && response.body.size() <= kCopiedBody) {
    slot.output.append(response.body);
  } else if (head.body_follows) {
    slot.large_body = std::move(response.body);
  }
  slot.end_request();
  return head.keep_alive;
}

/// Whether append_answer() is not enough for the response: see send_streamed().
[[nodiscard, gnu::always_inline]] inline bool is_rare(const ResponseFraming& framing,
                                                      const Response& response) noexcept {
  return response.streamed || response.takeover || framing.request_method == Method::connect;
}

/// Appends the response to a request whose handler has thrown the present exception.
[[nodiscard]] After append_failure(RequestBuffers& slot, const Session& session,
                                   ResponseFraming& framing);

/// Reports it to options.on_connection_error. `peer`: null if it is not known.
void report_connection_error(const ServerOptions& options, std::error_code error,
                             const Endpoint* peer) noexcept;
/// Reports the present exception to options.on_handler_error.
void report_failure(const ServerOptions& options, const Request& request) noexcept;

/// Awaits a handler's answer, at most as long as handler_timeout allows; then reports that, and
/// gives 503.
[[nodiscard]] Task<Response> answer_in_time(ServerCore& core, const Request& request,
                                            Task<Response> answer);
/// Awaits `work`, and cancels the task of the connection when the peer has left: for streams that
/// tell. A session watches the sockets itself: see Session::attend().
[[nodiscard]] Task<Response> answer_while_connected(Connection& connection, bool on_half_close,
                                                    Task<Response> answer);

/// Appends the response to a request that could not be parsed or came too late. The connection
/// closes after it.
void append_refusal(RequestBuffers& slot, const ServerOptions& options, Status status,
                    std::string_view reason);
/// The same for a request that is malformed, or exceeds a limit.
void append_refusal(RequestBuffers& slot, const ServerOptions& options, Errc error);

}  // namespace weft::inline v0_1::http
