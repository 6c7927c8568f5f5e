// The public serializer: checks what server and client have checked elsewhere, then calls theirs.
// Names and values of fields need no check: a Headers cannot have bad ones.
#include <weft/http/serializer.hpp>

#include <charconv>
#include <stdexcept>

#include "http/authority.hpp"
#include "http/char_class.hpp"
#include "http/serialize.hpp"

namespace weft::inline v0_1::http {
namespace {

[[noreturn]] void refuse_to_write(std::string_view function, std::string_view reason) {
  throw std::invalid_argument(
      std::string("weft::http::").append(function).append(": ").append(reason));
}

/// What the parser would refuse, and what would add a line.
void check_target(std::string_view function, const Request& request) {
  const std::string_view target = request.target;
  if (target.empty()) refuse_to_write(function, "the target is empty");
  if (!all(kTarget, target)) {
    refuse_to_write(function, "the target has a byte that is not allowed; see percent_encode()");
  }
  if (request.method == Method::connect) {
    if (!is_host(target))
      refuse_to_write(function, "the target of CONNECT is not a host and a port");
  } else if (target.front() != '/' && target.find("://") == target.npos &&
             !(target == "*" && request.method == Method::options)) {
    refuse_to_write(function, "the target is neither a path nor a URL");
  }
}

[[nodiscard]] bool wants_upgrade(const Request& request) noexcept {
  if (!request.headers.contains("upgrade")) return false;
  for (const Headers::Field field : request.headers) {
    if (same_name(field.name, "connection") && has_token(field.value, "upgrade")) return true;
  }
  return false;
}

/// The lines of a head, checked, without a body.
[[nodiscard]] RequestLines lines_of(std::string_view function, const Request& request) {
  check_target(function, request);
  RequestLines lines;
  lines.method = request.method;
  lines.target = request.target;
  if (const auto host = request.headers.find("host")) {
    if (!is_host(*host)) refuse_to_write(function, "Host is not a host and a port");
    lines.host = *host;
  } else if (request.method == Method::connect) {
    lines.host = request.target;
  } else {
    refuse_to_write(function, "Host is missing");
  }
  lines.keep_alive = request.keep_alive;
  lines.asks_upgrade = wants_upgrade(request);
  return lines;
}

[[nodiscard]] bool forbids_body(Method method) noexcept {
  return method == Method::connect || method == Method::trace;
}

[[nodiscard]] ResponseFraming framing_of(const Answered& answered) noexcept {
  ResponseFraming framing;
  framing.request_method = answered.method;
  framing.request_version = answered.version;
  framing.keep_alive = answered.keep_alive;
  return framing;
}

/// Whether the connection leaves HTTP behind the response.
[[nodiscard]] bool leaves_http(std::string_view function, const Response& response,
                               const Answered& answered) {
  const Status status = response.status;
  if (status.code() == 101) return true;
  if (status.is_informational()) {
    refuse_to_write(function, "the status is an interim one; see serialize_interim_response()");
  }
  return answered.method == Method::connect && status.is_success();
}

}  // namespace

void serialize_request(std::string& out, const Request& request) {
  RequestLines lines = lines_of("serialize_request", request);
  if (!request.body.empty() && forbids_body(request.method)) {
    refuse_to_write("serialize_request", "the method has no body");
  }
  lines.body = request.body;
  append_request(out, lines, request.headers);
}

void serialize_request_head(std::string& out, const Request& request, BodyFraming body) {
  RequestLines lines = lines_of("serialize_request_head", request);
  if (body.end == BodyFraming::End::close) {
    refuse_to_write("serialize_request_head",
                    "the body of a request cannot end with the connection");
  }
  lines.is_chunked = body.end == BodyFraming::End::chunked;
  if (forbids_body(request.method) && (lines.is_chunked || body.length != 0)) {
    refuse_to_write("serialize_request_head", "the method has no body");
  }
  lines.length = body.length;
  append_request_head(out, lines, request.headers);
}

WrittenHead serialize_response(std::string& out, const Response& response,
                               const Answered& answered) {
  if (leaves_http("serialize_response", response, answered)) {
    append_takeover_head(out, response, framing_of(answered));
    return {false, true, {}};
  }
  if (response.streamed) refuse_to_write("serialize_response", "the body is a streamed one");
  WrittenHead head = append_head(out, response, framing_of(answered));
  head.framing = {BodyFraming::End::length, head.body_follows ? response.body.size() : 0};
  if (head.body_follows) out.append(response.body);
  return head;
}

WrittenHead serialize_response_head(std::string& out, const Response& response,
                                    const Answered& answered, std::optional<std::uint64_t> length) {
  if (leaves_http("serialize_response_head", response, answered)) {
    append_takeover_head(out, response, framing_of(answered));
    return {false, true, {}};
  }
  return append_streamed_head(out, response, framing_of(answered), length);
}

void serialize_interim_response(std::string& out, Status status, const Headers& headers) {
  if (!status.is_informational() || status.code() == 101) {
    refuse_to_write("serialize_interim_response", "the status is not an interim one");
  }
  append_interim(out, status, headers);
}

void serialize_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  char line[18];
  char* const end = std::to_chars(line, line + 16, data.size(), 16).ptr;
  out.append(line, static_cast<std::size_t>(end - line)).append("\r\n");
  out.append(data).append("\r\n");
}

void serialize_last_chunk(std::string& out, const Headers& trailers) {
  for (const Headers::Field field : trailers) {
    if (is_forbidden_trailer(field.name)) {
      refuse_to_write(
          "serialize_last_chunk",
          std::string("the field ").append(field.name).append(" is not allowed behind a body"));
    }
  }
  out.append("0\r\n");
  for (const Headers::Field field : trailers) {
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  out.append("\r\n");
}

}  // namespace weft::inline v0_1::http
