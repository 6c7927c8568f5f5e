#include <array>
#include <iterator>
#include <stdexcept>

#include <weft/http/message.hpp>

#include "http/char_class.hpp"

namespace weft::inline v0_1::http {
namespace {

constexpr std::array<std::string_view, 9> kMethodNames = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};

struct Phrase {
  int code;
  std::string_view text;
};

constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {511, "Network Authentication Required"},
};

/// Decodes '+' as a space and %XX as a byte.
std::optional<std::string> decode_query_part(std::string_view part) {
  std::string spaced(part);
  for (char& c : spaced) {
    if (c == '+') c = ' ';
  }
  Result<std::string> decoded = percent_decode(spaced);
  if (!decoded) return std::nullopt;
  return std::move(*decoded);
}

}  // namespace

std::string_view to_string(Method method) noexcept {
  return kMethodNames[static_cast<std::size_t>(method)];
}

std::optional<Method> method_from(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kMethodNames.size(); ++i) {
    if (kMethodNames[i] == name) return static_cast<Method>(i);
  }
  return std::nullopt;
}

bool is_idempotent(Method method) noexcept {
  return method != Method::post && method != Method::patch && method != Method::connect;
}

std::string_view Status::reason() const noexcept {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.code == code_) return phrase.text;
  }
  return {};
}

Result<std::string> percent_decode(std::string_view text) {
  if (text.find('%') == std::string_view::npos) return std::string(text);
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3 || !all(kHexDigit, text.substr(i + 1, 2))) {
      return fail(make_error_code(Errc::bad_percent_encoding));
    }
    decoded.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
    i += 2;
  }
  return decoded;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (char c : text) {
    if (is(kUnreserved, c)) {
      encoded.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded.push_back('%');
    encoded.push_back(kDigits[byte >> 4]);
    encoded.push_back(kDigits[byte & 15]);
  }
  return encoded;
}

std::string_view Request::path() const noexcept {
  std::string_view rest = target;
  if (!rest.starts_with('/') && rest != "*") {
    const std::size_t authority = rest.find("://");
    if (authority == std::string_view::npos) return "/";
    const std::size_t begin = rest.find_first_of("/?", authority + 3);
    if (begin == std::string_view::npos || rest[begin] == '?') return "/";
    rest.remove_prefix(begin);
  }
  return rest.substr(0, rest.find('?'));
}

std::string_view Request::query() const noexcept {
  const std::string_view all_of_it = target;
  const std::size_t mark = all_of_it.find('?');
  return mark == std::string_view::npos ? std::string_view() : all_of_it.substr(mark + 1);
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  std::string_view rest = query();
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(pair.size() < rest.size() ? pair.size() + 1 : rest.size());
    const std::size_t equals = pair.find('=');
    const std::optional<std::string> key = decode_query_part(pair.substr(0, equals));
    if (!key || *key != name) continue;
    if (equals == std::string_view::npos) return std::string();
    return decode_query_part(pair.substr(equals + 1));
  }
  return std::nullopt;
}

void Request::clear() noexcept {
  method = Method::get;
  version = Version::http_1_1;
  keep_alive = true;
  target.clear();
  headers.clear();
  body.clear();
  peer = nullptr;
  informer = nullptr;
  path_parameters.clear();
}

bool Request::asks_upgrade_to(std::string_view protocol) const noexcept {
  if (version == Version::http_1_0) return false;
  bool upgrades = false;
  bool to_it = false;
  for (const Headers::Field field : headers) {
    if (same_name(field.name, "connection")) upgrades |= has_token(field.value, "upgrade");
    if (same_name(field.name, "upgrade")) to_it |= has_token(field.value, protocol);
  }
  return upgrades && to_it;
}

Task<bool> Request::inform(Status status, Headers fields) {
  if (!status.is_informational() || status.code() == 101) {
    throw std::invalid_argument("http::Request::inform: status " + std::to_string(status.code()) +
                                " is none of an interim response");
  }
  if (informer == nullptr) co_return false;
  const bool sent = co_await informer->inform(status, fields);
  co_return sent;
}

Response Response::text(std::string body, Status code) {
  Response response(code);
  response.headers.put("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

Response Response::of(Status code) {
  std::string body = std::to_string(code.code());
  body.append(" ").append(code.reason()).append("\n");
  return text(std::move(body), code);
}

void Response::clear() noexcept {
  status = 200;
  version = Version::http_1_1;
  keep_alive = true;
  headers.clear();
  body.clear();
  streamed.reset();
  takeover.reset();
}

}  // namespace weft::inline v0_1::http
