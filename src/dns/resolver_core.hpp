// ResolverCore: what the look-ups of a resolver share, and the look-ups themselves. A look-up keeps
// the core, so that the resolver may go before it. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <weft/dns/options.hpp>
#include <weft/dns/record.hpp>
#include <weft/endpoint.hpp>
#include <weft/result.hpp>
#include <weft/semaphore.hpp>
#include <weft/task.hpp>

#include "dns/answer.hpp"
#include "dns/query.hpp"
#include "dns/system_files.hpp"

namespace weft::inline v0_1::dns {

class ResolverCore;
using CoreRef = std::shared_ptr<ResolverCore>;

class ResolverCore {
 public:
  /// Throws std::invalid_argument; see Resolver.
  explicit ResolverCore(ResolverOptions options);

  const ResolverOptions options;
  SystemFiles files;
  Semaphore places;  // of look-ups that ask servers

  [[nodiscard]] QueryLimits limits() noexcept { return {places, options.family_delay}; }
};

// The look-ups; see Resolver. `names`: what holds; `sources`: where to look, in their order.
[[nodiscard]] Task<std::vector<Endpoint>> find_addresses(CoreRef core, NamesRef names,
                                                         std::vector<Source> sources,
                                                         std::string host, std::uint16_t port);
[[nodiscard]] Task<std::vector<SrvRecord>> find_services(CoreRef core, std::string name);
[[nodiscard]] Task<std::vector<TxtRecord>> find_texts(CoreRef core, std::string name);
[[nodiscard]] Task<std::vector<std::string>> find_names(CoreRef core, Endpoint address);

/// Puts the servers of a service into an order in which to try them, RFC 2782. `random(n)` gives a
/// number from 0 to n.
void order_services(std::vector<SrvRecord>& services,
                    const std::function<std::uint32_t(std::uint32_t)>& random);

}  // namespace weft::inline v0_1::dns
