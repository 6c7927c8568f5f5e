// ResolverOptions: how weft::dns::Resolver finds names. Part of <weft/dns/resolver.hpp>.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include <weft/endpoint.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::dns {

/// Which addresses of a name are asked for.
enum class Families : std::uint8_t { both, ipv4, ipv6 };

/// Where a name is looked for.
enum class Source : std::uint8_t {
  hosts_file,    ///< ResolverOptions::hosts_path
  name_servers,  ///< queries to ResolverOptions::servers
};

/// What is set here replaces what the files say, whose values are those that the system uses. A
/// file that is missing or that cannot be read is as an empty one. Lines that are not understood
/// are skipped.
struct ResolverOptions {
  /// Has a constructor: decision 002.
  ResolverOptions() {}

  /// The name servers, in the order in which they are asked, at most 16. Port 0: port 53. Empty:
  /// those of resolv.conf; if it names none, 127.0.0.1.
  std::vector<Endpoint> servers;
  /// How long a server has for an answer before the next one is asked. Unset: `timeout` of
  /// resolv.conf, or 5 s. An answer that comes later is not used.
  std::optional<Nanoseconds> timeout;
  /// How often each server is asked. Unset: `attempts` of resolv.conf, or 2.
  std::optional<unsigned> tries;
  /// A name with fewer dots is looked for with the names of `search` behind it first, a name with
  /// this many or more as it is first. Unset: `ndots` of resolv.conf, or 1. A name that ends with a
  /// dot is looked for as it is alone.
  std::optional<unsigned> ndots;
  /// The names that are put behind a name. Unset: `search` or `domain` of resolv.conf.
  std::optional<std::vector<std::string>> search;
  /// Each look-up begins with the next server, not with the first one. Unset: `rotate` of
  /// resolv.conf.
  std::optional<bool> rotate;
  /// Queries use TCP alone. Unset: `use-vc` of resolv.conf. Answers that are too long for a
  /// datagram are asked for by TCP in any case.
  std::optional<bool> tcp;

  /// In which order a name is looked for. system_or_dns() sets it as nsswitch.conf says.
  std::vector<Source> sources{Source::hosts_file, Source::name_servers};
  Families families = Families::both;
  /// When a name's addresses of one family are known, the answer about the other family is waited
  /// for this long (RFC 8305, 3): some servers never answer queries for IPv6.
  Nanoseconds family_delay = std::chrono::milliseconds(50);

  std::string hosts_path = "/etc/hosts";              ///< see hosts(5)
  std::string resolv_conf_path = "/etc/resolv.conf";  ///< see resolv.conf(5)
  std::string nsswitch_path = "/etc/nsswitch.conf";   ///< for system_or_dns(); see nsswitch.conf(5)
  /// Whether LOCALDOMAIN and RES_OPTIONS of the environment count, as resolv.conf(5) says.
  bool environment = true;
  /// A look-up checks whether the files have changed (modification time, size, inode), unless one
  /// has in this time. If resolv.conf has, the cache is emptied. Zero: each look-up.
  Nanoseconds check_interval = std::chrono::seconds(1);

  /// Maximum number of answers that are kept, a name's A and AAAA being two. The one that was not
  /// used for longest makes room. 0: none is kept.
  std::size_t max_cached = 4096;
  /// Maximum time for which an answer is kept. Otherwise its time to live counts.
  Nanoseconds max_ttl = std::chrono::hours(24);
  /// The same for an answer that there is no such name or no such record (RFC 2308).
  Nanoseconds max_negative_ttl = std::chrono::minutes(5);

  /// Maximum number of look-ups that ask servers at once; further ones wait for a place. A look-up
  /// for what another one asks at that moment waits for its answer, without a place. Each place
  /// takes 80 kB while it is used; some are kept.
  std::size_t max_lookups = 256;
};

}  // namespace weft::inline v0_1::dns
