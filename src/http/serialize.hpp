// Serialization: appends messages to a buffer that the caller reuses, so that a response allocates
// nothing once the buffer has grown. Called by the server's and the client's connections. Any
// thread; the text of the Date field is cached in each thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weft/http/message.hpp>
#include <weft/http/serializer.hpp>

namespace weft::inline v0_1::http {

/// What determines the framing of a response besides the response itself.
struct ResponseFraming {
  Method request_method = Method::get;
  Version request_version = Version::http_1_1;
  bool keep_alive = true;
  std::string_view server_name;  ///< empty: no Server field
};

/// Writes Content-Length, Date, Server and Connection, and omits these fields of `response`, with
/// these exceptions: its Server, and its Date if that is one, replace the generated ones; its
/// Content-Length is kept in a response to HEAD without a body. A Headers cannot have fields that
/// would split the response.
void append_response(std::string& out, const Response& response, const ResponseFraming& framing);

/// The same without the body.
WrittenHead append_head(std::string& out, const Response& response, const ResponseFraming& framing);
/// The same for a body that is made elsewhere, as if it were streamed; without a length of unknown
/// size.
WrittenHead append_streamed_head(std::string& out, const Response& response,
                                 const ResponseFraming& framing,
                                 std::optional<std::uint64_t> length);

/// The head of the last response of a connection that leaves HTTP: without a length; with
/// "Connection: upgrade" if it is 101.
void append_takeover_head(std::string& out, const Response& response,
                          const ResponseFraming& framing);

/// An interim response. Omits the fields that append_response() writes itself, and Server.
void append_interim(std::string& out, Status status, const Headers& headers);

/// The request line and fields of a request.
struct RequestLines {
  Method method = Method::get;
  std::string_view target;  ///< as Url gives it
  std::string_view host;    ///< as Url::host_field() gives it
  std::string_view body;
  std::optional<std::uint64_t> length;  ///< of a body that is made while it is sent
  bool is_chunked = false;              ///< such a body has no length
  std::string_view user_agent;          ///< empty: no User-Agent field
  bool keep_alive = true;
  bool asks_upgrade = false;  ///< "Connection: upgrade", for the field Upgrade of the headers
};

/// Writes Host, User-Agent, Content-Length or Transfer-Encoding, and Connection. Of
/// these fields, a Host and a User-Agent in `headers` replace the generated ones, and the others
/// are omitted.
void append_request(std::string& out, const RequestLines& request, const Headers& headers);
/// The same without the body.
void append_request_head(std::string& out, const RequestLines& request, const Headers& headers);

/// The present time to the second, as "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string_view http_date_now() noexcept;
/// Writes the same for `seconds` since 1970 to `out` (29 characters); years 0 to 9999.
void write_http_date(std::int64_t seconds, char* out) noexcept;

}  // namespace weft::inline v0_1::http
