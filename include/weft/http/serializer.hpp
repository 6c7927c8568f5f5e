// The serializer of HTTP/1.1 messages that server and client use, for programs that write the bytes
// themselves: serialize_request(), serialize_response(), their heads alone, and chunks. Part of
// <weft/http.hpp>. It does no I/O and needs no runtime: it appends to a string, which may be
// reused. What could add a line or a field to a message is refused by std::invalid_argument, and
// nothing is appended then. Any thread.
//
//   weft::http::Request request;
//   request.target = "/a";
//   request.headers.add("Host", "example.org");
//   std::string out;
//   weft::http::serialize_request(out, request);
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/http/body_writer.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/message.hpp>

namespace weft::inline v0_1::http {

/// Appends head and body of `request`, as HTTP/1.1. Its first Host field is written first; it
/// needs one, or for CONNECT a target. Writes Content-Length and Connection; such fields of the
/// request, Keep-Alive and Transfer-Encoding are left out. "Connection: upgrade" is written if
/// Request::asks_upgrade_to() could hold: with an Upgrade field and a Connection field that has
/// that token; "close" if keep_alive is false. Throws std::invalid_argument for a
/// target with a space, '#', a control character or a byte above 0x7f, an empty one, a Host that
/// is missing or none, and a body with CONNECT or TRACE.
void serialize_request(std::string& out, const Request& request);
/// Appends the head alone, for a body that the caller writes behind it: so many bytes, or chunks by
/// serialize_chunk(). Request::body does not count. Throws as serialize_request(), and for
/// BodyFraming::End::close: a request cannot end so (RFC 9112, 6.3).
void serialize_request_head(std::string& out, const Request& request, BodyFraming body);

/// What a response answers.
struct Answered {
  Method method = Method::get;
  Version version = Version::http_1_1;
  bool keep_alive = true;  ///< as Request::keep_alive; false also to close the connection
};

/// What was written of a response.
struct WrittenHead {
  bool body_follows;         ///< false for HEAD, 1xx, 204, 205, 304, and 2xx to CONNECT
  bool keep_alive;           ///< false: close the connection behind the response
  BodyFraming framing = {};  ///< of a body that the caller writes behind it
};

/// Appends head and body of `response`, as a server sends it: with Content-Length, Date and
/// Connection; such fields of the response, Keep-Alive and Transfer-Encoding are left out, but for
/// a Date that is valid. A Content-Length is kept in a response to HEAD without a body. A field
/// "Connection: close" counts as keep_alive = false. 101, and 2xx to CONNECT, are heads without a
/// length, behind which the connection has left HTTP. Throws std::invalid_argument for an interim
/// status other than 101, and for a response with a streamed body: see serialize_response_head().
WrittenHead serialize_response(std::string& out, const Response& response,
                               const Answered& answered = {});
/// Appends the head alone, for a body that the caller writes behind it if `body_follows`: of so
/// many bytes, or of unknown size. Of unknown size it is chunked, and for a client of HTTP/1.0 it
/// ends with the connection: `framing` says which. Response::body does not count. Throws as
/// serialize_response().
WrittenHead serialize_response_head(std::string& out, const Response& response,
                                    const Answered& answered, std::optional<std::uint64_t> length);
/// Appends an interim response: 100 (Continue), 103 (Early Hints). Throws std::invalid_argument for
/// a status that is none, and for 101.
void serialize_interim_response(std::string& out, Status status, const Headers& headers = {});

/// Appends `data` as a chunk (RFC 9112, 7.1); nothing if it is empty, as that would end the body.
void serialize_chunk(std::string& out, std::string_view data);
/// Appends the end of a chunked body. Throws std::invalid_argument if is_forbidden_trailer() holds
/// for one of `trailers`.
void serialize_last_chunk(std::string& out, const Headers& trailers = {});

}  // namespace weft::inline v0_1::http
