// Cookies (RFC 6265): those of a request, and those that a response sets. Part of <weft/http.hpp>.
// For a client's store see <weft/http/cookie_jar.hpp>. Values; any thread.
//
//   if (auto session = http::find_cookie(request.headers, "session")) use(*session);
//   http::SetCookie("session", id).secure().http_only().path("/").add_to(response.headers);
#pragma once

#include <weft/http/date.hpp>
#include <weft/http/headers.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::inline v0_1::http {

/// Returns the value of the first cookie of that name, without quotes around it. Valid until the
/// headers change.
[[nodiscard]] std::optional<std::string_view> find_cookie(const Headers& headers,
                                                          std::string_view name) noexcept;
/// Returns the cookies of all fields Cookie, names and values, at most `most`: in order, with those
/// whose names repeat. Pairs without a name or a '=' are left out.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_cookies(
    const Headers& headers, std::size_t most = 200);

enum class SameSite : std::uint8_t {
  unspecified,  ///< browsers then mostly take lax
  none,         ///< sent by all sites; needs secure()
  lax,          ///< sent when a link of another site is followed
  strict        ///< sent by this site alone
};

/// A cookie that a response sets.
class SetCookie {
 public:
  SetCookie() = default;
  SetCookie(std::string its_name, std::string its_value)
      : name_(std::move(its_name)), value_(std::move(its_value)) {}
  /// Removes the cookie of that name: it has expired. Domain and path must be those it was set
  /// with.
  [[nodiscard]] static SetCookie removal(std::string name);

  /// It is sent to this domain and all below it; without it, to this host alone.
  SetCookie& domain(std::string its_domain);
  /// It is sent for this path and those below it; without it, for the directory of the request's.
  SetCookie& path(std::string its_path);
  /// It ends so long from now, with Max-Age; without this and expires(), with the browser.
  SetCookie& max_age(std::chrono::seconds age);
  SetCookie& expires(HttpTime time);
  /// It is sent over TLS alone.
  SetCookie& secure(bool on = true);
  /// Scripts cannot read it.
  SetCookie& http_only(bool on = true);
  SetCookie& same_site(SameSite policy);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& value() const noexcept { return value_; }
  [[nodiscard]] const std::string& domain() const noexcept { return domain_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::optional<std::chrono::seconds> max_age() const noexcept { return max_age_; }
  [[nodiscard]] std::optional<HttpTime> expires() const noexcept { return expires_; }
  [[nodiscard]] bool is_secure() const noexcept { return secure_; }
  [[nodiscard]] bool is_http_only() const noexcept { return http_only_; }
  [[nodiscard]] SameSite same_site() const noexcept { return same_site_; }

  /// Returns the value of the field. Throws std::invalid_argument for what a browser would not take
  /// as it is meant: a name that is no token; a value with a space, quote, comma, semicolon,
  /// backslash, control character or byte above 0x7f (percent_encode() makes any text one); a
  /// domain or path with such a character; a SameSite of none, or a name that begins with
  /// "__Secure-", without secure(); "__Host-" without secure() and path("/"), or with a domain;
  /// more than 4096 bytes of name and value.
  [[nodiscard]] std::string to_string() const;
  /// Adds a field Set-Cookie. Throws as to_string().
  void add_to(Headers& headers) const { headers.add("Set-Cookie", to_string()); }

  /// Parses a field as a client has to (RFC 6265, 5.2): what it does not know is left out. Null: no
  /// name, a control character, or more than 4096 bytes of name and value.
  [[nodiscard]] static std::optional<SetCookie> parse(std::string_view field);

 private:
  void check() const;
  void take_attribute(std::string_view name, std::string_view value);

  std::string name_;
  std::string value_;
  std::string domain_;
  std::string path_;
  std::optional<std::chrono::seconds> max_age_;
  std::optional<HttpTime> expires_;
  bool secure_ = false;
  bool http_only_ = false;
  SameSite same_site_ = SameSite::unspecified;
};

/// Parses the date of a cookie, in whatever form servers write it (RFC 6265, 5.1.1).
[[nodiscard]] std::optional<HttpTime> parse_cookie_date(std::string_view text);

}  // namespace weft::inline v0_1::http
