// ClientCore: what a client's options come to. LimitedResolver: ClientOptions::resolve_timeout.
#include <string>
#include <utility>
#include <vector>

#include <weft/timeout.hpp>

#include "http/exchange.hpp"

namespace weft::inline v0_1::http {
namespace {

/// A resolver that gives up.
class LimitedResolver final : public Resolver {
 public:
  LimitedResolver(std::shared_ptr<Resolver> inner, Nanoseconds limit) noexcept
      : inner_(std::move(inner)), limit_(limit) {}

  [[nodiscard]] Task<std::vector<Endpoint>> resolve(std::string host, std::uint16_t port) override {
    try {
      auto found = co_await timeout(inner_->resolve(host, port), limit_);
      co_return found;
    } catch (const IoError& error) {
      if (error.code() != IoErrc::timed_out) throw;
    }
    throw IoError(make_error_code(Errc::timed_out_resolving), "resolve", host);
  }

 private:
  const std::shared_ptr<Resolver> inner_;
  const Nanoseconds limit_;
};

[[nodiscard]] std::shared_ptr<Resolver> resolver_for(const ClientOptions& options) {
  std::shared_ptr<Resolver> resolver = options.resolver;
  if (!options.resolve.empty()) resolver = resolver_with(options.resolve, std::move(resolver));
  if (options.resolve_timeout == Nanoseconds::max()) return resolver;
  if (resolver == nullptr) resolver = system_resolver();
  return std::make_shared<LimitedResolver>(std::move(resolver), options.resolve_timeout);
}

}  // namespace

ClientCore::ClientCore(ClientOptions client_options)
    : options(std::move(client_options)),
      idle_pool(std::make_shared<IdlePool>(options)),
      turns(ConnectionTurns::make(options)),
      slots(options.limits) {
  connect_options.resolver = resolver_for(options);
}

}  // namespace weft::inline v0_1::http
