#include "fetch_client.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>
#include <weft/http/error.hpp>
#include <weft/http/url.hpp>
#include <weft/resolve.hpp>
#include <weft/retry.hpp>

#ifdef WEFT_WITH_TLS
#include <weft/tls.hpp>
#include <weft/tls/http.hpp>
#endif

namespace weft::tool {

namespace {

bool breaks_connection(std::error_code code) noexcept {
  return code == std::errc::connection_reset || code == std::errc::broken_pipe ||
         code == std::errc::connection_aborted;
}

#ifdef WEFT_WITH_TLS
// Reading what the system trusts takes longer than a request without TLS.
bool may_need_tls(const http::ClientOptions& client, const FetchOptions& options) {
  const auto is_https = [](const std::string& url) {
    return http::Url::parse(url)->scheme == "https";
  };
  return options.location || options.proxy || !client.proxies.empty() ||
         std::ranges::any_of(options.urls, is_https);
}

void add_tls(http::ClientOptions& client, const FetchOptions& options) {
  if (!may_need_tls(client, options)) return;
  tls::ClientOptions how;
  how.insecure = options.insecure;
  how.alpn = {"http/1.1"};
  if (!options.tls_authorities.empty()) how.trust.files.push_back(options.tls_authorities);
  if (!options.tls_certificate.empty()) {
    how.identities.emplace_back(options.tls_certificate, options.tls_key);
  }
  try {
    client.secure = tls::secure(tls::ClientContext(std::move(how)));
  } catch (const IoError& error) {
    throw FetchError(exit_failed, error.what());  // a file of the options
  }
}

bool is_refused_by_tls(std::error_code code) noexcept {
  return code.category() == tls::tls_category() && code != tls::Errc::truncated;
}
#else
void add_tls(http::ClientOptions&, const FetchOptions&) {}
bool is_refused_by_tls(std::error_code) noexcept { return false; }
#endif

}  // namespace

http::ClientOptions client_options(const FetchOptions& options) {
  http::ClientOptions client;
  client.unix_socket = options.unix_socket;
  if (options.proxy) {
    client.proxies.for_all(*options.proxy);
  } else if (!options.no_proxy) {
    client.proxies = http::Proxies::from_environment();
  }
  if (options.location) client.follow_redirects = options.max_redirects;
  if (options.retries > 0) {
    client.retry = RetryPolicy().attempts(options.retries + std::size_t{1});
    client.retry->pauses(first_pause, longest_pause);
  }
  add_tls(client, options);
  return client;
}

int exit_code_of(const std::exception& error) noexcept {
  if (const auto* ours = dynamic_cast<const FetchError*>(&error)) return ours->exit_code;
  const auto* system = dynamic_cast<const std::system_error*>(&error);
  if (system == nullptr) return exit_failed;
  const std::error_code code = system->code();
  if (code == std::errc::timed_out) return exit_timed_out;
  if (code.category() == resolve_category() || code == http::Errc::proxy_refused) {
    return exit_unreachable;
  }
  if (is_refused_by_tls(code)) return exit_tls;
  if (breaks_connection(code)) return exit_bad_response;
  // All that is left to the system are the connections: files throw a FetchError.
  const bool is_system =
      code.category() == std::generic_category() || code.category() == std::system_category();
  return is_system ? exit_unreachable : exit_bad_response;
}

}  // namespace weft::tool
