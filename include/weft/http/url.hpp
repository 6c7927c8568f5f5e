// Url: "http://host[:port][/target]", split into its parts for a client. Part of <weft/http.hpp>. A
// value type.
//
//   weft::http::Url url = weft::http::Url::parse("http://example.org/a?b").value();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weft/http/error.hpp>
#include <weft/result.hpp>

namespace weft::inline v0_1::http {

struct Url {
  std::string scheme;  ///< "http" or "https", in lower case
  /// A name or address in lower case, without the brackets of IPv6; with the zone of an address
  /// that has one, as the system writes it: "fe80::1%eth0" for "http://[fe80::1%25eth0]/".
  std::string host;
  std::uint16_t port = 80;  ///< as given, or the scheme's default
  std::string target;       ///< path and query, never empty, valid in a request line

  Url() = default;

  /// Splits a URL into its parts. Bytes that are not allowed in a request line (spaces, control
  /// characters, any of "<>\^`{|}, bytes above 0x7f, a '%' without two digits) become %XX; the
  /// fragment is dropped. Errors: bad_url, userinfo_in_url, unsupported_scheme.
  [[nodiscard]] static Result<Url> parse(std::string_view text);

  /// Resolves `reference`, as found in a Location field, against this URL: a URL, "//host/…", "/…",
  /// "?…" or a relative path. Errors as parse().
  [[nodiscard]] Result<Url> resolve(std::string_view reference) const;

  /// Returns "host" or "host:port", IPv6 in brackets; the port only if it is not the scheme's
  /// default.
  [[nodiscard]] std::string authority() const;
  /// Returns "scheme://" and the authority: what a connection is to.
  [[nodiscard]] std::string origin() const;
  /// Returns the authority without the zone, which means nothing to the peer: the value of Host.
  [[nodiscard]] std::string host_field() const;
  [[nodiscard]] std::string to_string() const;
};

}  // namespace weft::inline v0_1::http
