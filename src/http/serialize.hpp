// Messages to bytes: appended to a buffer that the caller uses again, so that a response costs no
// allocation once the buffer has grown. Called by the server's and the client's connections.
// Safe from any thread; the text of the Date field is cached for each thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weft/http/message.hpp>

namespace weft::http {

/// What the framing of a response depends on beside the response itself.
struct ResponseFraming {
  Method request_method = Method::get;
  Version request_version = Version::http_1_1;
  bool keep_alive = true;
  std::string_view server_name;  ///< no Server field when empty
};

/// Content-Length, Date, Server and Connection are written here; fields of that meaning in
/// `response` are left out, but for Server and Date, which then replace ours, and for the
/// Content-Length of an answer to HEAD without a body. Fields that would split the response cannot
/// be in a Headers.
void append_response(std::string& out, const Response& response, const ResponseFraming& framing);

struct WrittenHead {
  bool body_follows;
  bool keep_alive;  ///< as the framing says, unless the response says "Connection: close"
};
/// The same without the body.
WrittenHead append_head(std::string& out, const Response& response, const ResponseFraming& framing);

/// A request to be written.
struct RequestLines {
  Method method = Method::get;
  std::string_view target;  ///< as Url gives it
  std::string_view host;    ///< the URL's authority
  std::string_view body;
  std::string_view user_agent;  ///< no User-Agent field when empty
  bool keep_alive = true;
};

/// Host, User-Agent, Content-Length and Connection are written here; of these only a User-Agent
/// among `headers` is taken, and then replaces ours.
void append_request(std::string& out, const RequestLines& request, const Headers& headers);

/// "Sun, 06 Nov 1994 08:49:37 GMT", the time now, to the second.
[[nodiscard]] std::string_view http_date_now() noexcept;
/// The same for `seconds` since 1970, into `out` of 29 characters; years 0 to 9999.
void write_http_date(std::int64_t seconds, char* out) noexcept;

}  // namespace weft::http
