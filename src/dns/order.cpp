#include "dns/order.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "net/native_address.hpp"
#include "os/fd.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::dns {
namespace {

using Bytes = Endpoint::Ipv6;

constexpr std::size_t most_sorted = 32;

/// As an address of IPv6: IPv4 is mapped (RFC 6724, 3.2).
Bytes bytes_of_address(const Endpoint& endpoint) noexcept {
  if (!endpoint.is_ipv4()) return endpoint.ip_bytes();
  Bytes bytes{};
  bytes[10] = bytes[11] = 0xff;
  std::copy_n(endpoint.ip_bytes().begin(), 4, bytes.begin() + 12);
  return bytes;
}

std::size_t common_prefix(const Bytes& a, const Bytes& b) noexcept {
  std::size_t bits = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto difference = static_cast<std::uint8_t>(a[i] ^ b[i]);
    bits += static_cast<std::size_t>(std::countl_zero(difference));
    if (difference != 0) break;
  }
  return bits;
}

/// A row of the policy table, RFC 6724, 2.1.
struct Policy {
  Bytes prefix;
  std::size_t bits;
  int precedence;
  int label;
};
constexpr Policy policies[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},  // ::1
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},         // IPv4
    {{}, 96, 1, 3},                                                  // ::/96
    {{0x20, 0x01}, 32, 5, 5},                                        // Teredo
    {{0x20, 0x02}, 16, 30, 2},                                       // 6to4
    {{0x3f, 0xfe}, 16, 1, 12},                                       // 6bone
    {{0xfe, 0xc0}, 10, 1, 11},                                       // site-local
    {{0xfc}, 7, 3, 13},                                              // unique local
    {{}, 0, 40, 1},                                                  // all others
};

const Policy& policy_of(const Bytes& address) noexcept {
  return *std::ranges::find_if(policies, [&](const Policy& policy) {
    return common_prefix(address, policy.prefix) >= policy.bits;
  });
}

/// RFC 6724, 3.1 and 3.2.
int scope_of(const Bytes& address) noexcept {
  constexpr int link_local = 2;
  constexpr int site_local = 5;
  constexpr int global = 14;
  const bool is_ipv4 = common_prefix(address, policies[1].prefix) >= 96;
  if (is_ipv4) {
    const bool is_local = address[12] == 127 || (address[12] == 169 && address[13] == 254);
    return is_local ? link_local : global;
  }
  if (address[0] == 0xff) return address[1] & 0xf;
  if (address == policies[0].prefix) return link_local;
  if (address[0] == 0xfe && (address[1] & 0xc0U) == 0x80) return link_local;
  if (address[0] == 0xfe && (address[1] & 0xc0U) == 0xc0) return site_local;
  return global;
}

/// A destination, and what the rules need to know of it.
struct Candidate {
  Candidate(Endpoint its_address, const SourceOf& source_of) : address(std::move(its_address)) {
    const Bytes to = bytes_of_address(address);
    scope = scope_of(to);
    precedence = policy_of(to).precedence;
    const std::optional<Endpoint> source = source_of(address);
    if (!source) return;
    const Bytes from = bytes_of_address(*source);
    is_reachable = true;
    same_scope = scope == scope_of(from);
    same_label = policy_of(to).label == policy_of(from).label;
    // Rule 9 is of use with IPv6 alone, whose prefixes follow the network.
    if (address.is_ipv6()) prefix = std::min<std::size_t>(common_prefix(to, from), 64);
  }

  Endpoint address;
  bool is_reachable = false;
  bool same_scope = false;
  bool same_label = false;
  int precedence = 0;
  int scope = 0;
  std::size_t prefix = 0;
};

/// Whether `a` comes before `b`.
bool is_better(const Candidate& a, const Candidate& b) noexcept {
  if (a.is_reachable != b.is_reachable) return a.is_reachable;           // rule 1
  if (a.same_scope != b.same_scope) return a.same_scope;                 // rule 2
  if (a.same_label != b.same_label) return a.same_label;                 // rule 5
  if (a.precedence != b.precedence) return a.precedence > b.precedence;  // rule 6
  if (a.scope != b.scope) return a.scope < b.scope;                      // rule 8
  const bool both_ipv6 = a.address.is_ipv6() && b.address.is_ipv6();
  return both_ipv6 && a.prefix > b.prefix;  // rule 9
}

}  // namespace

std::optional<Endpoint> system_source_of(const Endpoint& to) noexcept {
  const detail::NativeAddress native(to.port() == 0 ? to.with_port(53) : to);
  const std::int64_t handle =
      detail::Syscalls::socket(native.family(), SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (handle < 0) return std::nullopt;
  const detail::Fd socket(static_cast<int>(handle));
  if (detail::Syscalls::connect(socket.get(), native.get(), native.size) < 0) return std::nullopt;
  detail::NativeAddress own;
  own.size = sizeof own.storage;
  if (detail::Syscalls::getsockname(socket.get(), own.get(), &own.size) < 0) return std::nullopt;
  return detail::endpoint_from_native(&own.storage, own.size);
}

void order_addresses(std::vector<Endpoint>& addresses, const SourceOf& source_of) {
  const auto is_ipv6 = [](const Endpoint& each) { return each.is_ipv6(); };
  if (addresses.size() < 2 || std::ranges::none_of(addresses, is_ipv6)) return;
  std::vector<Candidate> candidates;
  const std::size_t count = std::min(addresses.size(), most_sorted);
  for (std::size_t i = 0; i < count; ++i) candidates.emplace_back(addresses[i], source_of);
  sort_stably(candidates, is_better);
  for (std::size_t i = 0; i < count; ++i) addresses[i] = std::move(candidates[i].address);
}

}  // namespace weft::inline v0_1::dns
