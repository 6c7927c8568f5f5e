#include "http/serialize.hpp"

#include <charconv>

#include "http/char_class.hpp"

namespace weft::http {
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

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ", 2).append(value).append("\r\n", 2);
}

void append_status_line(std::string& out, Status status) {
  if (status.code() == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(status.code()));
  out.append(" ").append(status.reason()).append("\r\n");
}

/// 1xx, 204 and 304 end with the head, whatever Content-Length would say.
[[nodiscard]] bool has_no_body(Status status) noexcept {
  return status.is_informational() || status.code() == 204 || status.code() == 304;
}

[[nodiscard]] bool is_number(std::string_view text) noexcept {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return !text.empty();
}

void append_content_length(std::string& out, const Response& response, Method request_method) {
  out.append("Content-Length: ");
  // A handler may tell a HEAD the length of a body that it did not make.
  std::string_view announced;
  if (request_method == Method::head && response.body.empty()) {
    announced = response.headers.find("content-length").value_or(std::string_view());
  }
  if (is_number(announced)) {
    out.append(announced);
  } else {
    append_number(out, response.body.size());
  }
  out.append("\r\n");
}

}  // namespace

bool wants_close(const Headers& headers) noexcept {
  for (const Headers::Field field : headers) {
    if (ownership(field.name) != Owned::connection) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::string_view token = rest.substr(0, rest.find(','));
      if (same_name(trim(token), "close")) return true;
      rest.remove_prefix(token.size() < rest.size() ? token.size() + 1 : rest.size());
    }
  }
  return false;
}

void append_response(std::string& out, const Response& response, const ResponseFraming& framing) {
  if (append_head(out, response, framing)) out.append(response.body);
}

bool append_head(std::string& out, const Response& response, const ResponseFraming& framing) {
  append_status_line(out, response.status);
  bool has_date = false;
  bool has_server = framing.server_name.empty();
  for (const Headers::Field field : response.headers) {
    const Owned owned = ownership(field.name);
    has_date = has_date || owned == Owned::date;
    has_server = has_server || owned == Owned::server;
    if (owned != Owned::framing && owned != Owned::connection) {
      append_field(out, field.name, field.value);
    }
  }
  if (!has_server) append_field(out, "Server", framing.server_name);
  if (!has_date) append_field(out, "Date", http_date_now());
  const bool no_body = has_no_body(response.status);
  if (!no_body) append_content_length(out, response, framing.request_method);
  if (!framing.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (framing.request_version == Version::http_1_0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  return !no_body && framing.request_method != Method::head;
}

void append_request(std::string& out, const RequestLines& request, const Headers& headers) {
  out.append(to_string(request.method)).append(" ").append(request.target);
  out.append(" HTTP/1.1\r\n");
  append_field(out, "Host", request.host);
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
  if (expects_body || !request.body.empty()) {
    out.append("Content-Length: ");
    append_number(out, request.body.size());
    out.append("\r\n");
  }
  if (!request.keep_alive) out.append("Connection: close\r\n");
  out.append("\r\n").append(request.body);
}

}  // namespace weft::http
