// Resolvers that need no name server: the system's, and known addresses before another one.
#include <algorithm>
#include <string_view>
#include <utility>
#include <weft/resolve.hpp>

#include "net/resolver.hpp"

namespace weft::inline v0_1 {

namespace {

class SystemResolver final : public Resolver {
 public:
  Task<std::vector<Endpoint>> resolve(std::string host, std::uint16_t port) override {
    std::vector<Endpoint> found = co_await weft::resolve(std::move(host), port);
    co_return found;
  }
};

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_same_host(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

class KnownResolver final : public Resolver {
 public:
  KnownResolver(std::vector<HostAddresses> known, std::shared_ptr<Resolver> otherwise)
      : known_(std::move(known)), otherwise_(std::move(otherwise)) {}

  Task<std::vector<Endpoint>> resolve(std::string host, std::uint16_t port) override {
    const auto fits = [&](const HostAddresses& entry) {
      return (entry.port == 0 || entry.port == port) &&
             (entry.host == "*" || is_same_host(entry.host, host));
    };
    const auto entry = std::ranges::find_if(known_, fits);
    if (entry == known_.end()) {
      std::vector<Endpoint> found = co_await otherwise_->resolve(std::move(host), port);
      co_return found;
    }
    if (entry->addresses.empty()) {
      throw IoError(std::make_error_code(std::errc::address_not_available), "resolve", host);
    }
    std::vector<Endpoint> found;
    for (const Endpoint& each : entry->addresses) {
      found.push_back(each.port() == 0 ? each.with_port(port) : each);
    }
    co_return found;
  }

 private:
  const std::vector<HostAddresses> known_;
  const std::shared_ptr<Resolver> otherwise_;
};

}  // namespace

Task<std::vector<Endpoint>> detail::addresses_of(std::shared_ptr<Resolver> resolver,
                                                 std::string host, std::uint16_t port) {
  if (resolver == nullptr) resolver = system_resolver();
  std::vector<Endpoint> found = co_await resolver->resolve(std::move(host), port);
  co_return found;
}

std::shared_ptr<Resolver> system_resolver() { return std::make_shared<SystemResolver>(); }

std::shared_ptr<Resolver> resolver_with(std::vector<HostAddresses> known,
                                        std::shared_ptr<Resolver> otherwise) {
  if (otherwise == nullptr) otherwise = system_resolver();
  return std::make_shared<KnownResolver>(std::move(known), std::move(otherwise));
}

}  // namespace weft::inline v0_1
