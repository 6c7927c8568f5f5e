#include <weft/http/cookie.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "http/field_cursor.hpp"

namespace weft::inline v0_1::http {
namespace {

constexpr std::size_t kMostBytes = 4096;  // of name and value (RFC 6265bis, 5.6)
constexpr std::size_t kMostAttribute = 1024;

/// RFC 6265, 4.1.1: cookie-octet.
[[nodiscard]] bool is_value_char(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}
[[nodiscard]] bool is_attribute_char(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != ';';
}

[[nodiscard]] bool is_letter(char c) noexcept { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }

[[nodiscard]] std::string_view unquoted(std::string_view value) noexcept {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    return value.substr(1, value.size() - 2);
  }
  return value;
}

/// Calls `take(name, value)` with each pair of a field until it returns false.
template <class F>
bool for_each_pair(std::string_view field, F take) {
  FieldCursor cursor(field);
  while (!cursor.at_end()) {
    const std::string_view pair = cursor.take_until(';');
    cursor.take(';');
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = trim(pair.substr(0, equals));
    if (name.empty()) continue;
    if (!take(name, unquoted(trim(pair.substr(equals + 1))))) return false;
  }
  return true;
}

[[noreturn]] void refuse(const std::string& name, std::string_view why) {
  throw std::invalid_argument("weft::http::SetCookie '" + name + "': " + std::string(why));
}

[[nodiscard]] std::optional<std::int64_t> seconds_in(std::string_view text) noexcept {
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  constexpr std::int64_t most = 400LL * 24 * 3600;  // RFC 6265bis, 5.5: 400 days
  std::int64_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (negative) return 0;
  return parsed.ec == std::errc() ? std::min(value, most) : most;
}

}  // namespace

std::optional<std::string_view> find_cookie(const Headers& headers,
                                            std::string_view name) noexcept {
  std::optional<std::string_view> found;
  for (const Headers::Field field : headers) {
    if (!same_name(field.name, "Cookie")) continue;
    const bool searched =
        for_each_pair(field.value, [&](std::string_view its, std::string_view value) {
          if (its == name) found = value;
          return !found;
        });
    if (!searched) break;
  }
  return found;
}

std::vector<std::pair<std::string, std::string>> parse_cookies(const Headers& headers,
                                                               std::size_t most) {
  std::vector<std::pair<std::string, std::string>> cookies;
  for (const std::string_view field : headers.find_all("Cookie")) {
    for_each_pair(field, [&](std::string_view name, std::string_view value) {
      if (cookies.size() < most) cookies.emplace_back(name, value);
      return cookies.size() < most;
    });
  }
  return cookies;
}

SetCookie SetCookie::removal(std::string name) {
  SetCookie cookie(std::move(name), "");
  cookie.max_age(std::chrono::seconds(0)).expires(HttpTime());
  return cookie;
}

SetCookie& SetCookie::domain(std::string its_domain) {
  domain_ = std::move(its_domain);
  return *this;
}
SetCookie& SetCookie::path(std::string its_path) {
  path_ = std::move(its_path);
  return *this;
}
SetCookie& SetCookie::max_age(std::chrono::seconds age) {
  max_age_ = age;
  return *this;
}
SetCookie& SetCookie::expires(HttpTime time) {
  expires_ = time;
  return *this;
}
SetCookie& SetCookie::secure(bool on) {
  secure_ = on;
  return *this;
}
SetCookie& SetCookie::http_only(bool on) {
  http_only_ = on;
  return *this;
}
SetCookie& SetCookie::same_site(SameSite policy) {
  same_site_ = policy;
  return *this;
}

void SetCookie::check() const {
  if (name_.empty() || !all(kToken, name_)) refuse(name_, "the name is no token");
  if (!std::ranges::all_of(value_, is_value_char)) {
    refuse(name_, "the value has a character that must be encoded");
  }
  if (name_.size() + value_.size() > kMostBytes) refuse(name_, "more than 4096 bytes");
  if (!std::ranges::all_of(path_, is_attribute_char)) refuse(name_, "a bad path");
  if (!path_.empty() && path_.front() != '/') refuse(name_, "a path that does not begin with '/'");
  const auto in_domain = [](char c) {
    return c == '.' || c == '-' || (c >= '0' && c <= '9') || is_letter(c);
  };
  if (!std::ranges::all_of(domain_, in_domain)) refuse(name_, "a bad domain");
  if (same_site_ == SameSite::none && !secure_) refuse(name_, "SameSite=None needs secure()");
  if (name_.starts_with("__Secure-") && !secure_) refuse(name_, "__Secure- needs secure()");
  if (name_.starts_with("__Host-") && (!secure_ || path_ != "/" || !domain_.empty())) {
    refuse(name_, "__Host- needs secure(), path(\"/\") and no domain");
  }
}

std::string SetCookie::to_string() const {
  check();
  std::string text = name_ + "=" + value_;
  if (!domain_.empty()) text.append("; Domain=").append(domain_);
  if (!path_.empty()) text.append("; Path=").append(path_);
  if (max_age_) text.append("; Max-Age=").append(std::to_string(max_age_->count()));
  if (expires_) text.append("; Expires=").append(to_http_date(*expires_));
  if (secure_) text.append("; Secure");
  if (http_only_) text.append("; HttpOnly");
  switch (same_site_) {
    case SameSite::unspecified:
      break;
    case SameSite::none:
      text.append("; SameSite=None");
      break;
    case SameSite::lax:
      text.append("; SameSite=Lax");
      break;
    case SameSite::strict:
      text.append("; SameSite=Strict");
      break;
  }
  return text;
}

void SetCookie::take_attribute(std::string_view name, std::string_view value) {
  if (value.size() > kMostAttribute) return;
  if (same_name(name, "Domain")) {
    if (value.starts_with('.')) value.remove_prefix(1);
    domain_ = lower_case(value);
  } else if (same_name(name, "Path")) {
    path_ = value.starts_with('/') ? value : std::string_view();
  } else if (same_name(name, "Max-Age")) {
    if (const auto age = seconds_in(value)) max_age_ = std::chrono::seconds(*age);
  } else if (same_name(name, "Expires")) {
    if (const auto time = parse_cookie_date(value)) expires_ = *time;
  } else if (same_name(name, "Secure")) {
    secure_ = true;
  } else if (same_name(name, "HttpOnly")) {
    http_only_ = true;
  } else if (same_name(name, "SameSite")) {
    same_site_ = same_name(value, "None")     ? SameSite::none
                 : same_name(value, "Strict") ? SameSite::strict
                 : same_name(value, "Lax")    ? SameSite::lax
                                              : SameSite::unspecified;
  }
}

std::optional<SetCookie> SetCookie::parse(std::string_view field) {
  if (!all(kFieldText, field)) return std::nullopt;
  FieldCursor cursor(field);
  const std::string_view pair = cursor.take_until(';');
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  SetCookie cookie;
  cookie.name_ = trim(pair.substr(0, equals));
  cookie.value_ =
      trim(pair.substr(equals + 1));  // with its quotes: the server gets back what it sent
  if (cookie.name_.empty() || cookie.name_.size() + cookie.value_.size() > kMostBytes) {
    return std::nullopt;
  }
  while (cursor.take(';')) {
    const std::string_view attribute = cursor.take_until(';');
    const std::size_t mark = std::min(attribute.find('='), attribute.size());
    const std::string_view value = attribute.substr(std::min(mark + 1, attribute.size()));
    cookie.take_attribute(trim(attribute.substr(0, mark)), trim(value));
  }
  return cookie;
}

}  // namespace weft::inline v0_1::http
