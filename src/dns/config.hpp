// Config: what resolv.conf, the environment and the options say about servers and names. Pure
// functions, but for the host's name.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <weft/dns/options.hpp>
#include <weft/endpoint.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::dns {

inline constexpr std::size_t most_servers = 16;

struct Config {
  std::vector<Endpoint> servers;    // at least one once it is complete
  std::vector<std::string> search;  // without dots at their ends
  unsigned ndots = 1;
  unsigned tries = 2;
  Nanoseconds timeout = std::chrono::seconds(5);
  bool rotate = false;
  bool tcp = false;
};

/// Reads the text of a resolv.conf(5). Numbers beyond the system's bounds are lowered to these.
/// Null in place of the search list: there is no line for it.
struct ParsedResolvConf {
  Config config;
  bool has_search = false;
};
[[nodiscard]] ParsedResolvConf parse_resolv_conf(std::string_view text);

/// What the environment says: LOCALDOMAIN and RES_OPTIONS, null if not set.
void apply_environment(ParsedResolvConf& parsed, const char* local_domain, const char* options);

/// The whole configuration: `text` of resolv.conf, over it the environment, over it the options.
[[nodiscard]] Config config_of(std::string_view text, const ResolverOptions& options);

/// Which sources the line `hosts:` of an nsswitch.conf(5) names, if they are all known here. Null:
/// there are others, or actions.
[[nodiscard]] std::optional<std::vector<Source>> sources_of(std::string_view nsswitch);

}  // namespace weft::inline v0_1::dns
