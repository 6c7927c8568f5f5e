// serve_streamed() and send_streamed(): requests and responses whose bodies are not in memory as a
// whole. Called by serve_pipelined().
#pragma once

#include <string_view>

#include <weft/http/message.hpp>
#include <weft/task.hpp>

#include "http/answer.hpp"
#include "http/connection.hpp"
#include "http/request_body.hpp"
#include "http/request_buffers.hpp"
#include "http/serialize.hpp"

namespace weft::inline v0_1::http {

/// Serves a request whose head was parsed, and whose body the handler reads. `input`: the bytes
/// behind the head, and afterwards behind what was read. If the handler has left a part of the
/// body, which is short enough, the parser is to drop it (RequestBuffers::drops_body()). The
/// response is in the output, or was sent. Throws std::bad_alloc. Cancel: the request is dropped.
template <class S>
[[nodiscard]] Task<After> serve_streamed(Connection& connection, RequestBuffers& slot,
                                         std::string_view& input, bool may_stay);

/// Sends the response to the present request, whose body is made meanwhile; or appends one that
/// is_rare() for another reason. Throws what the
/// producer throws, and what append_answer() does, if nothing was sent: the output is then as
/// before, with a head at its end. If something was, such an exception is reported. `body`: that of
/// the request, if it may still be read.
template <class S>
[[nodiscard]] Task<After> send_streamed(Connection& connection, RequestBuffers& slot,
                                        ResponseFraming& framing, Response& response,
                                        RequestBody<S>* body = nullptr);

extern template Task<After> serve_streamed<StreamSocket>(Connection&, RequestBuffers&,
                                                         std::string_view&, bool);
extern template Task<After> serve_streamed<TransportStream>(Connection&, RequestBuffers&,
                                                            std::string_view&, bool);
extern template Task<After> send_streamed<StreamSocket>(Connection&, RequestBuffers&,
                                                        ResponseFraming&, Response&,
                                                        RequestBody<StreamSocket>*);
extern template Task<After> send_streamed<TransportStream>(Connection&, RequestBuffers&,
                                                           ResponseFraming&, Response&,
                                                           RequestBody<TransportStream>*);

}  // namespace weft::inline v0_1::http
