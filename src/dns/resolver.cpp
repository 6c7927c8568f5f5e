#include <weft/dns/resolver.hpp>

#include <algorithm>
#include <optional>
#include <utility>

#include <weft/result.hpp>

#include "dns/names.hpp"
#include "dns/resolver_core.hpp"

namespace weft::inline v0_1::dns {
namespace {

/// A plain resolver has its sources from the options.
ResolverOptions without_nsswitch(ResolverOptions options) {
  options.nsswitch_path.clear();
  return options;
}

/// The address that `host` is; null if it is a name. Throws IoError.
std::optional<std::vector<Endpoint>> numeric(const std::string& host, std::uint16_t port) {
  const Result<std::optional<Endpoint>> address = numeric_address(host);
  if (!address) throw IoError(address.error(), "resolve", host);
  if (!*address) return std::nullopt;
  return std::vector<Endpoint>{(*address)->with_port(port)};
}

Task<std::vector<Endpoint>> resolve_by(CoreRef core, std::string host, std::uint16_t port) {
  if (auto known = numeric(host, port)) co_return std::move(*known);
  NamesRef names = co_await core->files.now_valid();
  std::vector<Endpoint> addresses =
      co_await find_addresses(core, std::move(names), core->options.sources, host, port);
  co_return addresses;
}

/// See system_or_dns().
class SystemOrDns final : public weft::Resolver {
 public:
  explicit SystemOrDns(ResolverOptions options)
      : core_(std::make_shared<ResolverCore>(std::move(options))), system_(system_resolver()) {}

  Task<std::vector<Endpoint>> resolve(std::string host, std::uint16_t port) override {
    return resolve_where_configured(core_, system_, std::move(host), port);
  }

 private:
  /// Owns what it uses: the resolver may go before it has ended.
  static Task<std::vector<Endpoint>> resolve_where_configured(
      CoreRef core, std::shared_ptr<weft::Resolver> system, std::string host, std::uint16_t port) {
    const bool is_ascii =
        std::ranges::all_of(host, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    NamesRef names;
    if (is_ascii) {
      if (auto known = numeric(host, port)) co_return std::move(*known);
      names = co_await core->files.now_valid();
    }
    std::vector<Endpoint> addresses;
    if (names == nullptr || !names->sources) {
      addresses = co_await system->resolve(std::move(host), port);
    } else {
      addresses = co_await find_addresses(core, names, *names->sources, std::move(host), port);
    }
    co_return addresses;
  }

  const CoreRef core_;
  const std::shared_ptr<weft::Resolver> system_;
};

}  // namespace

Resolver::Resolver(ResolverOptions options)
    : core_(std::make_shared<ResolverCore>(without_nsswitch(std::move(options)))) {}

Resolver::~Resolver() = default;

Task<std::vector<Endpoint>> Resolver::resolve(std::string host, std::uint16_t port) {
  return resolve_by(core_, std::move(host), port);
}
Task<std::vector<SrvRecord>> Resolver::srv(std::string name) {
  return find_services(core_, std::move(name));
}
Task<std::vector<TxtRecord>> Resolver::txt(std::string name) {
  return find_texts(core_, std::move(name));
}
Task<std::vector<std::string>> Resolver::names_of(Endpoint address) {
  return find_names(core_, std::move(address));
}

std::size_t Resolver::cached() const noexcept {
  const NamesRef names = core_->files.last_valid();
  return names != nullptr ? names->servers->cache.size() : 0;
}

void Resolver::clear_cache() noexcept {
  const NamesRef names = core_->files.last_valid();
  if (names != nullptr) names->servers->cache.clear();
}

std::shared_ptr<weft::Resolver> system_or_dns(ResolverOptions options) {
  return std::make_shared<SystemOrDns>(std::move(options));
}

}  // namespace weft::inline v0_1::dns
