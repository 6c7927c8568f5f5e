// How one request is forwarded: the fields that go on, and the bodies, which are passed on as they
// come. Any number of tasks.
#pragma once

#include <string_view>
#include <weft/http.hpp>

namespace forward {

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

}  // namespace forward
