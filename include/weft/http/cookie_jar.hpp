// http::CookieJar: the cookies of a client (RFC 6265, 5.3 and 5.4). Part of <weft/http.hpp>.
//
//   http::CookieJar jar;
//   http::ClientRequest request(http::Method::get, "http://example.org/account");
//   jar.add_to(request);
//   http::Response response = co_await client.request(request);
//   jar.take_from(request.url, response.headers);
#pragma once

#include <weft/atomic.hpp>
#include <weft/http/client.hpp>
#include <weft/http/cookie.hpp>
#include <weft/http/date.hpp>
#include <weft/http/headers.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::inline v0_1::http {

/// A cookie as a client keeps it.
struct StoredCookie {
  StoredCookie() = default;

  std::string name;
  std::string value;
  std::string domain;  ///< in lower case, without a dot before it
  std::string path;
  std::optional<HttpTime> expires;  ///< null: it ends with the jar
  bool host_only = true;            ///< sent to `domain` alone, not below it
  bool secure = false;              ///< sent by https alone
  bool http_only = false;
  SameSite same_site = SameSite::unspecified;  ///< kept, and not used: a client has no site
};

struct CookieJarOptions {
  std::size_t max_cookies = 3000;
  std::size_t max_per_domain = 50;
};

/// Keeps cookies, and adds them to requests. Thread-safe.
///
/// Refused are cookies of another site (a Domain that is not the host or above it), of a domain of
/// one label ("com") unless it is the host itself, of a domain for a host that is an address,
/// Secure ones over http, those that would replace a Secure one over http, and names that begin
/// with "__Secure-" or "__Host-" without what these promise. There is no list of public suffixes,
/// so a server at "a.co.uk" can set cookies for "co.uk": use a jar for each site where that
/// matters. Beyond a limit the cookie that was used least recently is dropped.
class CookieJar {
 public:
  explicit CookieJar(CookieJarOptions options = {}) noexcept : options_(options) {}
  CookieJar(const CookieJar&) = delete;
  CookieJar& operator=(const CookieJar&) = delete;

  /// Sets the request's field Cookie, behind the cookies that it has already, by its URL. A URL
  /// that is malformed gets none.
  void add_to(ClientRequest& request);
  /// Returns the value of the field Cookie for a URL; empty: there is no cookie. Cookies of longer
  /// paths come first, then older ones.
  [[nodiscard]] std::string field_for(std::string_view url);
  /// Keeps what the fields Set-Cookie of a response to that URL say. Cookies that have expired are
  /// removed.
  void take_from(std::string_view url, const Headers& response);

  /// Keeps a cookie as it is, for one that was saved. An empty name is ignored.
  void put(StoredCookie cookie);
  /// Returns all that have not expired, the oldest first.
  [[nodiscard]] std::vector<StoredCookie> all() const;
  void clear() noexcept;

 private:
  struct Entry {
    StoredCookie cookie;
    std::uint64_t created;
    std::uint64_t used;
  };

  void store(StoredCookie cookie, bool over_tls);
  void make_room(std::string_view domain);
  void remove_expired(HttpTime present);

  CookieJarOptions options_;
  mutable ThreadMutex mutex_;
  std::vector<Entry> entries_;  // guarded by mutex_; in the order of their creation
  std::uint64_t clock_ = 0;     // guarded by mutex_; counts uses
};

}  // namespace weft::inline v0_1::http
