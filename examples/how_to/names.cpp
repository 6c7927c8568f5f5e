// Looks names up by name servers of one's choice, with the addresses of some hosts known:
//   names [HOST …]
#include <weft/dns/resolver.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

// [make]
std::shared_ptr<weft::Resolver> make_resolver() {
  weft::dns::ResolverOptions options;
  options.timeout = 2s;  // for each server, each time
  options.tries = 2;
  auto servers = std::make_shared<weft::dns::Resolver>(std::move(options));
  std::vector<weft::HostAddresses> known;
  known.emplace_back("backend.test", std::vector{weft::Endpoint::loopback(8080)});
  return weft::resolver_with(std::move(known), std::move(servers));
}
// [/make]

// [ask]
weft::Task<void> print_addresses(std::shared_ptr<weft::Resolver> resolver, std::string host) {
  try {
    const std::vector<weft::Endpoint> found = co_await resolver->resolve(host, 80);
    for (const weft::Endpoint& each : found) {
      std::printf("%s: %s\n", host.c_str(), each.to_string().c_str());
    }
  } catch (const weft::IoError& error) {
    std::printf("%s\n", error.what());
  }
}
// [/ask]

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> hosts(argv + 1, argv + argc);
  if (hosts.empty()) hosts = {"backend.test", "192.0.2.7", "no-such.invalid"};
  const std::shared_ptr<weft::Resolver> resolver = make_resolver();
  weft::Runtime runtime;
  for (const std::string& each : hosts) runtime.block_on(print_addresses(resolver, each));
}
