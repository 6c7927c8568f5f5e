#include <weft/http/message.hpp>
#include <weft/http/url.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

#include "http/char_class.hpp"

namespace weft::inline v0_1::http {
namespace {

constexpr std::size_t kMaxUrl = 64 * 1024;

[[nodiscard]] std::unexpected<std::error_code> refuse(Errc error) noexcept {
  return fail(make_error_code(error));
}

[[nodiscard]] std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = to_lower(c);
  return result;
}

[[nodiscard]] std::uint16_t default_port(std::string_view scheme) noexcept {
  return scheme == "https" ? 443 : 80;
}

/// The scheme of "scheme:…"; none if the text does not begin with one.
[[nodiscard]] std::optional<std::string_view> scheme_of(std::string_view text) noexcept {
  const std::size_t end = text.find_first_of(":/?#");
  if (end == 0 || end == std::string_view::npos || text[end] != ':') return std::nullopt;
  return text.substr(0, end);
}

/// Percent-encodes the bytes not permitted in a target, and drops the fragment.
[[nodiscard]] std::string clean_target(std::string_view raw) {
  raw = raw.substr(0, raw.find('#'));
  std::string target;
  target.reserve(raw.size() + 1);
  if (!raw.starts_with('/')) target.push_back('/');
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const std::string_view one = raw.substr(i, 1);
    const bool is_escape = raw.size() - i >= 3 && all(kHexDigit, raw.substr(i + 1, 2));
    const bool stays = raw[i] == '%'
                           ? is_escape
                           : is(kTarget, raw[i]) && std::string_view("\"<>\\^`{|}").find(raw[i]) ==
                                                        std::string_view::npos;
    target.append(stays ? std::string(one) : percent_encode(one));
  }
  return target;
}

/// The path without "." and ".." segments (RFC 3986, 5.2.4). Precondition: it begins with '/'.
[[nodiscard]] std::string without_dot_segments(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);  // with its leading '/'
    path.remove_prefix(end);
    const bool is_up = segment == "/..";
    if (is_up) result.resize(std::min(result.rfind('/'), result.size()));
    if (!is_up && segment != "/.") {
      result.append(segment);
    } else if (path.empty()) {
      result.push_back('/');
    }
  }
  return result;
}

[[nodiscard]] bool parse_port(std::string_view text, std::uint16_t& port) noexcept {
  if (text.empty()) return true;  // "host:" means the default (RFC 3986, 6.2.3)
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

/// The zone of an IPv6 address, which is written "%25zone" (RFC 6874); "%zone" is understood, too.
/// None if it is empty or has a byte that no zone has.
[[nodiscard]] std::optional<std::string> zone_of(std::string_view after_address) {
  after_address.remove_prefix(after_address.starts_with("%25") ? 3 : 1);
  const Result<std::string> zone = percent_decode(after_address);
  if (!zone || zone->empty() || !all(kUnreserved, *zone)) return std::nullopt;
  return *zone;
}

/// What stands in the brackets of an authority.
[[nodiscard]] bool parse_ipv6(std::string_view text, Url& url) {
  const std::size_t percent = std::min(text.find('%'), text.size());
  const std::string_view address = text.substr(0, percent);
  if (address.find(':') == std::string_view::npos) return false;
  if (address.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
  url.host = lower(address);
  if (percent == text.size()) return true;
  const std::optional<std::string> zone = zone_of(text.substr(percent));
  if (zone) url.host.append("%").append(*zone);
  return zone.has_value();
}

[[nodiscard]] bool parse_authority(std::string_view text, Url& url) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(1, end - 1);
    const std::string_view after = text.substr(end + 1);
    if (!after.empty() && !after.starts_with(':')) return false;
    port = after.substr(after.empty() ? 0 : 1);
    if (!parse_ipv6(host, url)) return false;
  } else {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
    // Names as the resolver accepts them; other bytes are mistakes or attempts at injection.
    if (!all(kUnreserved, host)) return false;
    url.host = lower(host);
  }
  if (host.empty() || host.size() > 255) return false;
  return parse_port(port, url.port);
}

/// `host` with the URL's port.
[[nodiscard]] std::string with_port(const Url& url, const std::string& host) {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (url.port != default_port(url.scheme)) text.append(":").append(std::to_string(url.port));
  return text;
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  if (text.size() > kMaxUrl) return refuse(Errc::bad_url);
  const std::size_t separator = text.find("://");
  const std::optional<std::string_view> scheme = scheme_of(text);
  if (!scheme || separator != scheme->size()) return refuse(Errc::bad_url);
  Url url;
  url.scheme = lower(*scheme);
  if (url.scheme != "http" && url.scheme != "https") return refuse(Errc::unsupported_scheme);
  url.port = default_port(url.scheme);
  const std::string_view rest = text.substr(separator + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) return refuse(Errc::userinfo_in_url);
  if (!parse_authority(authority, url)) return refuse(Errc::bad_url);
  url.target = clean_target(rest.substr(end));
  return url;
}

Result<Url> Url::resolve(std::string_view reference) const {
  if (scheme_of(reference)) return parse(reference);
  if (reference.starts_with("//")) return parse(scheme + ":" + std::string(reference));
  Url url = *this;
  if (reference.empty() || reference.starts_with('#')) return url;
  const std::string_view path = std::string_view(target).substr(0, target.find('?'));
  if (reference.starts_with('?')) {
    url.target = clean_target(std::string(path).append(reference));
    return url;
  }
  std::string joined;
  if (!reference.starts_with('/')) joined = path.substr(0, path.rfind('/') + 1);
  joined = clean_target(joined.append(reference));
  const std::size_t query = std::min(joined.find('?'), joined.size());
  url.target = without_dot_segments(joined.substr(0, query)) + joined.substr(query);
  return url;
}

std::string Url::authority() const {
  const std::size_t zone = host.find('%');
  if (zone == std::string::npos) return with_port(*this, host);
  return with_port(*this, std::string(host).insert(zone + 1, "25"));
}

std::string Url::origin() const { return scheme + "://" + authority(); }

std::string Url::host_field() const { return with_port(*this, host.substr(0, host.find('%'))); }

std::string Url::to_string() const { return scheme + "://" + authority() + target; }

}  // namespace weft::inline v0_1::http
