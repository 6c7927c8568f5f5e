#include "http/serialize.hpp"

#include <charconv>

#include <weft/http/date.hpp>

#include "http/char_class.hpp"

namespace weft::inline v0_1::http {
namespace {

enum class Owned : std::uint8_t { no, framing, connection, date, server };

/// Fields that the serializer writes itself.
[[nodiscard]] Owned ownership(std::string_view name) noexcept {
  switch (name.size()) {
    case 4:
      return same_name(name, "date") ? Owned::date : Owned::no;
    case 6:
      return same_name(name, "server") ? Owned::server : Owned::no;
    case 10:
      return same_name(name, "connection") || same_name(name, "keep-alive") ? Owned::connection
                                                                            : Owned::no;
    case 14:
      return same_name(name, "content-length") ? Owned::framing : Owned::no;
    case 17:
      return same_name(name, "transfer-encoding") ? Owned::framing : Owned::no;
    default:
      return Owned::no;
  }
}

/// No registered reason phrase is longer.
constexpr std::size_t longest_reason = 64;

/// Writes bytes into memory of sufficient size.
class Pen {
 public:
  explicit Pen(char* to) noexcept : at_(to) {}
  void put(std::string_view text) noexcept { at_ += text.copy(at_, text.size()); }
  void put_field(std::string_view name, std::string_view value) noexcept {
    put(name);
    put(": ");
    put(value);
    put("\r\n");
  }
  void put_number(std::uint64_t number) noexcept { at_ = std::to_chars(at_, at_ + 20, number).ptr; }
  [[nodiscard]] char* at() const noexcept { return at_; }

 private:
  char* at_;
};

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ", 2).append(value).append("\r\n", 2);
}

void put_status_line(Pen& pen, Status status) noexcept {
  if (status.code() == 200) {
    pen.put("HTTP/1.1 200 OK\r\n");
    return;
  }
  pen.put("HTTP/1.1 ");
  pen.put_number(static_cast<std::uint64_t>(status.code()));
  pen.put(" ");
  const std::string_view reason = status.reason();
  pen.put(reason.substr(0, longest_reason));
  pen.put("\r\n");
}

/// 1xx, 204 and 304 end with the head, whatever Content-Length says.
[[nodiscard]] bool has_no_length(Status status) noexcept {
  return status.is_informational() || status.code() == 204 || status.code() == 304;
}
/// A 205 has none, either (RFC 9110, 15.3.6), and says so.
[[nodiscard]] bool has_no_body(Status status) noexcept {
  return has_no_length(status) || status.code() == 205;
}

/// Of at most 18 digits, which fit into 64 bits.
[[nodiscard]] bool is_number(std::string_view text) noexcept {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return !text.empty() && text.size() <= 18;
}

/// The value to write as Content-Length.
[[nodiscard]] std::string_view announced_length(const Response& response,
                                                Method request_method) noexcept {
  // For HEAD a handler may set the length of a body that it did not make.
  if (request_method != Method::head || !response.body.empty()) return {};
  if (has_no_body(response.status)) return {};
  const std::string_view announced =
      response.headers.find("content-length").value_or(std::string_view());
  return is_number(announced) ? announced : std::string_view();
}

/// An upper bound of the size of a head with these fields.
[[nodiscard]] std::size_t bound_of_head(const Headers& headers,
                                        std::string_view server_name) noexcept {
  constexpr std::size_t lines_of_ours = 320;  // status line, Date, Content-Length, Connection
  std::size_t size = lines_of_ours + server_name.size();
  for (const Headers::Field field : headers) size += field.name.size() + field.value.size() + 4;
  return size;
}

/// Writes how the end of a streamed body is found.
void put_streamed_framing(Pen& pen, std::optional<std::uint64_t> length,
                          const ResponseFraming& framing, WrittenHead& head) noexcept {
  if (length) {
    head.framing = {BodyFraming::End::length, *length};
    pen.put("Content-Length: ");
    pen.put_number(*length);
    pen.put("\r\n");
  } else if (framing.request_version == Version::http_1_1) {
    head.framing = {BodyFraming::End::chunked, 0};
    pen.put("Transfer-Encoding: chunked\r\n");
  } else {
    head.framing = {BodyFraming::End::close, 0};
    head.keep_alive = false;
  }
}

/// Puts the fields of a response that a handler may set, Server and Date. False: one of them says
/// that the connection is to be closed.
[[nodiscard, gnu::always_inline]] inline bool put_fields(Pen& pen, const Headers& headers,
                                                         const ResponseFraming& framing) {
  bool keep_alive = true;
  bool has_server = framing.server_name.empty();
  bool has_date = false;
  for (const Headers::Field field : headers) {
    const Owned owned = ownership(field.name);
    has_server = has_server || owned == Owned::server;
    if (owned == Owned::connection && same_name(field.name, "connection")) {
      keep_alive = keep_alive && !has_token(field.value, "close");
    }
    if (owned == Owned::no || owned == Owned::server) {
      pen.put_field(field.name, field.value);
    } else if (owned == Owned::date && !has_date && parse_http_date(field.value)) [[unlikely]] {
      pen.put_field("Date", field.value);
      has_date = true;
    }
  }
  if (!has_server) pen.put_field("Server", framing.server_name);
  if (!has_date) pen.put_field("Date", http_date_now());
  return keep_alive;
}

/// `length`: of a body that is made elsewhere; null: the response has its body.
[[gnu::always_inline]] inline WrittenHead write_head(std::string& out, const Response& response,
                                                     const ResponseFraming& framing,
                                                     const std::optional<std::uint64_t>* length) {
  const std::size_t begin = out.size();
  out.resize(begin + bound_of_head(response.headers, framing.server_name));
  Pen pen(out.data() + begin);
  put_status_line(pen, response.status);
  const bool keep_alive = put_fields(pen, response.headers, framing) && framing.keep_alive;
  const bool no_body = has_no_body(response.status);
  WrittenHead head{!no_body && framing.request_method != Method::head, keep_alive, {}};
  if (length != nullptr && !no_body) {
    put_streamed_framing(pen, *length, framing, head);
  } else if (response.streamed && !no_body) [[unlikely]] {
    put_streamed_framing(pen, response.streamed.length(), framing, head);
  } else if (!has_no_length(response.status)) {
    const std::string_view announced = announced_length(response, framing.request_method);
    pen.put("Content-Length: ");
    if (announced.empty()) {
      pen.put_number(no_body ? 0 : response.body.size());
    } else {
      pen.put(announced);
    }
    pen.put("\r\n");
  }
  if (!head.keep_alive) {
    pen.put("Connection: close\r\n");
  } else if (framing.request_version == Version::http_1_0) {
    pen.put("Connection: keep-alive\r\n");
  }
  pen.put("\r\n");
  out.resize(static_cast<std::size_t>(pen.at() - out.data()));
  return head;
}

}  // namespace

void append_response(std::string& out, const Response& response, const ResponseFraming& framing) {
  if (append_head(out, response, framing).body_follows) out.append(response.body);
}

WrittenHead append_head(std::string& out, const Response& response,
                        const ResponseFraming& framing) {
  return write_head(out, response, framing, nullptr);
}

WrittenHead append_streamed_head(std::string& out, const Response& response,
                                 const ResponseFraming& framing,
                                 std::optional<std::uint64_t> length) {
  return write_head(out, response, framing, &length);
}

void append_takeover_head(std::string& out, const Response& response,
                          const ResponseFraming& framing) {
  const std::size_t begin = out.size();
  out.resize(begin + bound_of_head(response.headers, framing.server_name));
  Pen pen(out.data() + begin);
  put_status_line(pen, response.status);
  static_cast<void>(put_fields(pen, response.headers, framing));
  if (response.status.code() == 101) pen.put_field("Connection", "upgrade");
  pen.put("\r\n");
  out.resize(static_cast<std::size_t>(pen.at() - out.data()));
}

void append_interim(std::string& out, Status status, const Headers& headers) {
  const std::size_t begin = out.size();
  out.resize(begin + bound_of_head(headers, {}));
  Pen pen(out.data() + begin);
  put_status_line(pen, status);
  for (const Headers::Field field : headers) {
    if (ownership(field.name) == Owned::no) pen.put_field(field.name, field.value);
  }
  pen.put("\r\n");
  out.resize(static_cast<std::size_t>(pen.at() - out.data()));
}

void append_request(std::string& out, const RequestLines& request, const Headers& headers) {
  append_request_head(out, request, headers);
  out.append(request.body);
}

void append_request_head(std::string& out, const RequestLines& request, const Headers& headers) {
  out.append(to_string(request.method)).append(" ").append(request.target);
  out.append(" HTTP/1.1\r\n");
  // A recipient finds the host soonest if it is the first field (RFC 9110, 7.2).
  append_field(out, "Host", headers.find("host").value_or(request.host));
  bool has_user_agent = request.user_agent.empty();
  for (const Headers::Field field : headers) {
    const Owned owned = ownership(field.name);
    if (owned == Owned::framing || owned == Owned::connection) continue;
    if (same_name(field.name, "host")) continue;
    has_user_agent = has_user_agent || same_name(field.name, "user-agent");
    append_field(out, field.name, field.value);
  }
  if (!has_user_agent) append_field(out, "User-Agent", request.user_agent);
  const bool expects_body = request.method == Method::post || request.method == Method::put ||
                            request.method == Method::patch;
  const std::uint64_t size = request.length.value_or(request.body.size());
  if (request.is_chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (expects_body || size > 0) {
    out.append("Content-Length: ");
    append_number(out, size);
    out.append("\r\n");
  }
  if (request.asks_upgrade) {
    out.append(request.keep_alive ? "Connection: upgrade\r\n" : "Connection: upgrade, close\r\n");
  } else if (!request.keep_alive) {
    out.append("Connection: close\r\n");
  }
  out.append("\r\n");
}

}  // namespace weft::inline v0_1::http
