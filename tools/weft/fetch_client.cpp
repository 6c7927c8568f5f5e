#include "fetch_client.hpp"

#include <system_error>
#include <weft/http/error.hpp>
#include <weft/resolve.hpp>
#include <weft/retry.hpp>

namespace weft::tool {

namespace {

constexpr std::chrono::milliseconds first_pause{200};
constexpr std::chrono::seconds longest_pause{10};

bool breaks_connection(std::error_code code) noexcept {
  return code == std::errc::connection_reset || code == std::errc::broken_pipe ||
         code == std::errc::connection_aborted;
}

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
  if (breaks_connection(code)) return exit_bad_response;
  // All that is left to the system are the connections: files throw a FetchError.
  const bool is_system =
      code.category() == std::generic_category() || code.category() == std::system_category();
  return is_system ? exit_unreachable : exit_bad_response;
}

}  // namespace weft::tool
