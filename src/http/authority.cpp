#include "http/authority.hpp"

#include <algorithm>
#include <string>

#include <weft/endpoint.hpp>

#include "http/char_class.hpp"

namespace weft::inline v0_1::http {
namespace {

[[nodiscard]] bool is_port(std::string_view text) noexcept {
  unsigned port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    port = std::min(port * 10 + static_cast<unsigned>(c - '0'), 65536U);
  }
  return port <= 65535;
}

/// With escaped bytes.
[[nodiscard]] bool is_escaped_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is(kName, text[i])) continue;
    if (text[i] != '%' || text.size() - i < 3) return false;
    if (!all(kHexDigit, text.substr(i + 1, 2))) return false;
    i += 2;
  }
  return !text.empty();
}

[[nodiscard]] bool is_ipv6(std::string_view text) {
  // A zone has a meaning on the client's machine alone.
  if (text.find('%') != std::string_view::npos) return false;
  const Result<Endpoint> parsed = Endpoint::parse(std::string("[").append(text).append("]:0"));
  return parsed && parsed->is_ipv6();
}

/// A host that is no plain name.
[[nodiscard]] bool is_rare_host(std::string_view text) {
  const bool in_brackets = text.starts_with('[');
  const std::size_t end = in_brackets ? text.find(']') : text.find(':');
  if (in_brackets && end == std::string_view::npos) return false;
  std::string_view rest;
  if (end != std::string_view::npos) rest = text.substr(in_brackets ? end + 1 : end);
  if (!rest.empty() && (!rest.starts_with(':') || !is_port(rest.substr(1)))) return false;
  return in_brackets ? is_ipv6(text.substr(1, end - 1)) : is_escaped_name(text.substr(0, end));
}

}  // namespace

bool is_host(std::string_view text) {
  const auto* const end =
      std::find_if(text.begin(), text.end(), [](char c) { return !is(kName, c); });
  if (end == text.end()) return true;
  if (*end == ':' && end != text.begin()) return is_port({end + 1, text.end()});
  return is_rare_host(text);
}

std::optional<std::string_view> authority_of(std::string_view target) noexcept {
  const std::size_t separator = target.find("://");
  // A separator after a slash or a question mark is a part of a path or of a query.
  if (separator == std::string_view::npos || target.find_first_of("/?") != separator + 1) {
    return std::nullopt;
  }
  const std::string_view rest = target.substr(separator + 3);
  return rest.substr(0, rest.find_first_of("/?"));
}

}  // namespace weft::inline v0_1::http
