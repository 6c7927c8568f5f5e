// The errors of HTTP messages and URLs, as std::error_code. Part of <weft/http.hpp>.
#pragma once

#include <system_error>

namespace weft::inline v0_1::http {

/// Why a message, a URL or an exchange was rejected. A server answers with status_of(error).
enum class Errc {
  bad_request_line = 1,         ///< the first line is not "METHOD target HTTP/1.x"
  bad_status_line,              ///< the first line is not "HTTP/1.x NNN reason"
  bad_line_ending,              ///< a line does not end with CR LF, or a CR stands alone
  bad_target,                   ///< the request target has a form or byte that is not allowed
  target_too_long,              ///< the request target is longer than Limits::max_target
  unsupported_method,           ///< a method that weft does not know, or CONNECT
  unsupported_version,          ///< neither HTTP/1.0 nor HTTP/1.1
  http2_preface,                ///< an HTTP/2 client connected to an HTTP/1.1 port
  bad_header,                   ///< a field name or value is malformed
  folded_header,                ///< a field continues on the next line
  too_many_headers,             ///< more fields than Limits::max_headers
  headers_too_large,            ///< more bytes of fields than Limits::max_header_bytes
  bad_host,                     ///< Host is missing, repeated or malformed
  bad_content_length,           ///< Content-Length is repeated or not a number
  conflicting_length,           ///< Content-Length together with Transfer-Encoding
  bad_transfer_encoding,        ///< Transfer-Encoding that makes the length of the body unknown
  unsupported_transfer_coding,  ///< a transfer coding other than chunked
  unsupported_expectation,      ///< Expect asks for something other than 100-continue
  bad_chunk,                    ///< a chunk's size, extension or end is malformed
  chunk_extension_too_large,    ///< more bytes of chunk extensions than Limits allow
  forbidden_trailer,            ///< a trailer field that is only allowed in the head
  body_too_large,               ///< more bytes of body than Limits::max_body
  unexpected_end,               ///< the connection closed in the middle of a message
  /// The connection closed before the first byte of a response; equals errc::connection_reset.
  closed_before_response,
  unexpected_status,     ///< a response 101 (another protocol) that was not asked for
  bad_percent_encoding,  ///< a '%' without two hexadecimal digits
  bad_url,               ///< not scheme://host[:port][/target]
  userinfo_in_url,       ///< a URL with user@ before the host
  unsupported_scheme,    ///< a scheme other than http and https
  tls_not_configured,    ///< https, and neither a connector nor ClientOptions::secure
  too_many_redirects,    ///< more redirects than the client may follow
  unasked_response,      ///< the server sent bytes before it had a request
  not_encrypted,         ///< https over a stream that is not encrypted
  body_too_short,        ///< a body that is sent ended before its announced length
  body_too_long,         ///< a body that is sent has more bytes than announced
  body_gone,             ///< a body is read after its exchange has ended
  redirect_refused,      ///< a redirect that the client's options do not allow
  body_not_repeatable,   ///< a redirect wants a streamed body again that was begun
  proxy_refused,         ///< a proxy did not make the tunnel that it was asked for
  // The client's timeouts, by what was being waited for. Each equals std::errc::timed_out.
  timed_out_connecting,  ///< the name's address, or the connection
  timed_out_sending,     ///< the server to take the request
  timed_out_waiting,     ///< the first byte of the response
  timed_out_receiving,   ///< the rest of the response
  timed_out_queued,      ///< another request to end: see ClientOptions::max_connections
  timed_out_resolving,   ///< the addresses of a name
  timed_out_securing,    ///< the stream to be encrypted
};

/// The category of Errc; its name is "http".
[[nodiscard]] const std::error_category& http_category() noexcept;
[[nodiscard]] std::error_code make_error_code(Errc error) noexcept;

/// Returns the status of the answer to a request rejected for that reason: 400, 413, 414, 417, 431,
/// 501 or 505.
[[nodiscard]] int status_of(Errc error) noexcept;

}  // namespace weft::inline v0_1::http

template <>
struct std::is_error_code_enum<weft::http::Errc> : std::true_type {};
