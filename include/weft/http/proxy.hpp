// http::Proxies: which HTTP proxy a client's requests go through: an option of ClientOptions. Part
// of <weft/http.hpp>. Value types.
//
//   weft::http::ClientOptions options;
//   options.proxies = weft::http::Proxies::from_environment();
//   weft::http::Client client(options);
#pragma once

#include <weft/http/connector.hpp>
#include <weft/http/error.hpp>
#include <weft/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::inline v0_1::http {

/// One HTTP proxy: its address, and what it is told about the client.
struct Proxy {
  std::string scheme = "http";  ///< "https": the way to the proxy is encrypted, too
  std::string host;             ///< a name or address, as in Url::host
  std::uint16_t port = 80;      ///< as given, or the scheme's default
  /// The value of the field Proxy-Authorization; none if empty.
  std::string authorization;

  Proxy() noexcept {}

  /// Parses "http://proxy:3128", "https://proxy" or "proxy:3128", with "user:password@" before the
  /// host for the Basic scheme (RFC 7617), in which %XX stands for a byte. Path and query are
  /// ignored. Errors: Errc::bad_url, Errc::unsupported_scheme, Errc::bad_percent_encoding.
  [[nodiscard]] static Result<Proxy> parse(std::string_view text);

  /// Returns "scheme://host:port", without the authorization, for messages.
  [[nodiscard]] std::string to_string() const;
};

/// The proxies of a client, and the hosts that it asks directly. Made without one, as by default,
/// all requests go directly. A request for http is sent to its proxy with the whole URL as its
/// target (RFC 9112, 3.2.2); for https, the client has the proxy make a tunnel (CONNECT, RFC 9110,
/// 9.3.6), so that the proxy sees host and port alone.
class Proxies {
 public:
  Proxies() noexcept {}

  /// Reads http_proxy, https_proxy, all_proxy and no_proxy, and their forms in upper case, of which
  /// the lower case comes first; all_proxy stands for the other two where they are missing. An
  /// empty value means no proxy. HTTP_PROXY is ignored if there is a REQUEST_METHOD, as in a CGI
  /// program, where a client of the server sets it by a field "Proxy". Throws IoError that names
  /// the variable; its text has no password. Not while another thread changes the environment.
  [[nodiscard]] static Proxies from_environment();

  /// Sets the proxy of requests for http.
  Proxies& for_http(Proxy proxy);
  /// Sets the proxy of requests for https.
  Proxies& for_https(Proxy proxy);
  /// Sets both.
  Proxies& for_all(const Proxy& proxy);
  /// Adds hosts that are asked directly: a list, separated by commas or spaces, in the form of
  /// no_proxy. "example.org" (or ".example.org", "*.example.org") is this name and those below it;
  /// "10.0.0.7" and "::1" are addresses; "10.0.0.0/8" and "fc00::/7" networks; each may be followed
  /// by ":port", IPv6 then in brackets; "*" is every host. What is none of these fits no host.
  Proxies& except(std::string_view hosts);

  /// Returns whether all requests go directly.
  [[nodiscard]] bool empty() const noexcept { return !http_ && !https_; }
  /// Returns the proxy for requests to `origin`; null: none. Names are not resolved for it. Valid
  /// until this object changes.
  [[nodiscard]] const Proxy* find(const Origin& origin) const;

 private:
  std::optional<Proxy> http_;
  std::optional<Proxy> https_;
  std::vector<std::string> except_;
};

}  // namespace weft::inline v0_1::http
