// The system benchmarks' weft: names.
#include <cstdlib>
#include <vector>
#include <weft/dns/resolver.hpp>
#include <weft/weft.hpp>

#include "core/weft_run.hpp"
#include "system/system.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Meter;

weft::Task<void> look_up(weft::dns::Resolver& resolver, std::size_t& next, std::size_t count) {
  while (next < count) {
    const std::size_t i = next++;
    const std::vector<weft::Endpoint> found =
        co_await resolver.resolve(bench::name_to_resolve(i), 80);
    bool right = false;
    for (const weft::Endpoint& each : found) {
      right =
          right || (each.is_ipv4() && bench::ipv4_of(each.ip_bytes()) == bench::address_of_name(i));
    }
    bench::require(right && found.size() == 2, "a name's addresses");
  }
}

template <std::size_t at_once>
weft::Task<Figures> resolve_all(Job job) {
  weft::dns::ResolverOptions options;
  options.servers.push_back(weft::Endpoint::parse(bench::name_server()).value());
  options.family_delay = std::chrono::seconds(5);  // the others wait for both families, too
  weft::dns::Resolver resolver(options);
  std::size_t next = 0;
  const Meter meter;
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    for (std::size_t i = 0; i < at_once; ++i) scope.spawn(look_up(resolver, next, job.count));
    co_return;
  };
  co_await weft::scope(body);
  co_return meter.each(job.count, 1e3);
}

}  // namespace

bench::Cells bench::dns_cells() {
  return {{"dns", on_runtime(resolve_all<1>)},
          {"dns-32", on_runtime(resolve_all<lookups_at_once>)}};
}
