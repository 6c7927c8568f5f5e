// Url: "http://host[:port][/target]" taken apart for a client. Part of <weft/http.hpp>. A value
// type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weft/http/error.hpp>
#include <weft/result.hpp>

namespace weft::http {

struct Url {
  std::string scheme;       ///< "http" or "https", in lower case
  std::string host;         ///< a name or address, in lower case, without the brackets of IPv6
  std::uint16_t port = 80;  ///< as given, or the scheme's own
  std::string target;       ///< path and query, never empty, ready for a request line

  Url() = default;

  /// Takes a URL apart. Bytes that may not stand in a request line (spaces, control characters,
  /// "<>\^`{|}, bytes above 0x7f, a '%' without two digits) become %XX; the fragment is dropped.
  /// Errors: bad_url, userinfo_in_url, unsupported_scheme. https is parsed, though not spoken.
  [[nodiscard]] static Result<Url> parse(std::string_view text);

  /// `reference`, as found in a Location field, seen from here: a URL, "//host/…", "/…", "?…" or a
  /// relative path. Errors as parse().
  [[nodiscard]] Result<Url> resolve(std::string_view reference) const;

  /// "host" or "host:port", IPv6 in brackets; the port only when it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
  [[nodiscard]] std::string to_string() const;
};

}  // namespace weft::http
