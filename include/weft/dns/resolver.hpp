// weft::dns: asks name servers by itself, on the runtime's reactor and without threads. A component
// of its own, on c-ares: find_package(weft COMPONENTS dns), weft::dns.
//
//   auto resolver = std::make_shared<weft::dns::Resolver>();
//   weft::ConnectOptions options;
//   options.resolver = resolver;
//   weft::StreamSocket stream = co_await weft::StreamSocket::connect("example.org:80", options);
//
//   std::vector<weft::dns::SrvRecord> servers = co_await resolver->srv("_ldap._tcp.example.org");
//
// A look-up reads the hosts file, asks the servers of resolv.conf with its search list, keeps
// answers for their time to live, and notices when these files change. It differs from the system's
// resolver, getaddrinfo(3): a cancel ends it at once and leaves nothing behind, any number may be
// under way, and the answers for IPv4 and IPv6 do not wait for each other. Other sources of names
// (mDNS, LDAP, NIS …) it does not have: see system_or_dns().
//
// Errors are IoErrors that name the name, the type of the records, the servers that were asked and
// what they have answered: "resolve no-such.example.org (A, AAAA): no such name (NXDOMAIN)". Codes:
// dns::Errc; EndpointErrc::bad_scope for an IPv6 address with an unknown scope; the system's, if
// there are no handles (errc::too_many_files_open).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>
#include <weft/dns/error.hpp>
#include <weft/dns/options.hpp>
#include <weft/dns/record.hpp>
#include <weft/endpoint.hpp>
#include <weft/resolve.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::dns {

class ResolverCore;

/// See the top of this header. Any number of tasks of any runtimes use it at the same time, and it
/// may be destroyed before its look-ups have ended, which keep what they use. It runs no task and
/// no thread of its own: a look-up is part of the task that awaits it. Make one for a program, not
/// one for each connection: the cache is the resolver's.
///
/// Cancel of a look-up: it ends at once, its sockets are closed, and what it has asked is
/// forgotten. An answer that has come by then is kept in the cache.
class Resolver final : public weft::Resolver {
 public:
  /// Reads no file yet. Throws std::invalid_argument if an option is out of range: more than 16
  /// servers, a server that is no IP address, a timeout, number of tries or of look-ups that is
  /// zero.
  explicit Resolver(ResolverOptions options);
  Resolver() : Resolver(ResolverOptions()) {}
  ~Resolver() override;

  /// Returns the addresses of `host`, best first (RFC 6724), with `port`. Answers in place: numeric
  /// addresses, those of IPv4 in all forms of inet_aton(3), of IPv6 with a scope; "localhost" and
  /// the names below it, unless the hosts file has them; "invalid" and "onion", which do not exist
  /// (RFC 6761, RFC 7686). Several addresses of IPv4 alone stay in the server's order, in which
  /// servers spread the load.
  [[nodiscard]] Task<std::vector<Endpoint>> resolve(std::string host, std::uint16_t port) override;

  /// Returns the servers of a service, "_service._proto.domain", in the order in which to try them:
  /// by priority, and at random by weight within one (RFC 2782). One record with the target "."
  /// means that there is no such service; it is no_data here.
  [[nodiscard]] Task<std::vector<SrvRecord>> srv(std::string name);
  /// Returns the texts of a name, in the server's order.
  [[nodiscard]] Task<std::vector<TxtRecord>> txt(std::string name);
  /// Returns the names of an address: those of the hosts file, or its PTR records. Throws IoError
  /// (errc::invalid_argument) for an endpoint without an IP address. What it returns is claimed by
  /// the address's owner: look the names up again before trusting them.
  [[nodiscard]] Task<std::vector<std::string>> names_of(Endpoint address);

  /// Returns the number of answers that are kept. Some of them may be too old to be used.
  [[nodiscard]] std::size_t cached() const noexcept;
  /// Forgets all answers.
  void clear_cache() noexcept;

 private:
  const std::shared_ptr<ResolverCore> core_;
};

/// Returns a resolver that does what the system is configured to do: a Resolver where that can, the
/// system's otherwise. It can if the line `hosts:` of nsswitch.conf has nothing but `files` and
/// `dns`, which count in their order; without such a line these two do. Other sources
/// (mdns4_minimal, resolve, myhostname, ldap, nis …) and actions ([NOTFOUND=return] …) are the
/// system's, and so are names with characters that are not ASCII. The file is checked for changes
/// as resolv.conf is. Throws as the constructor of Resolver.
[[nodiscard]] std::shared_ptr<weft::Resolver> system_or_dns(ResolverOptions options = {});

}  // namespace weft::inline v0_1::dns
