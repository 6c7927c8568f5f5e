// The order of a name's addresses for its caller, RFC 6724.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>
#include <weft/endpoint.hpp>

namespace weft::inline v0_1::dns {

/// Sorts a few elements; those that are equal keep their order. In place: std::stable_sort of
/// libstdc++ 12 gets memory in a way that clang reports as deprecated.
template <class T, class Less>
void sort_stably(std::vector<T>& elements, Less less) {
  for (auto next = elements.begin(); next != elements.end(); ++next) {
    std::rotate(std::upper_bound(elements.begin(), next, *next, less), next, next + 1);
  }
}

/// Returns the address from which the system would send to one; null if it has no route.
using SourceOf = std::function<std::optional<Endpoint>(const Endpoint&)>;

/// Asks the system, by a socket that sends nothing.
[[nodiscard]] std::optional<Endpoint> system_source_of(const Endpoint& to) noexcept;

/// Sorts `addresses` by RFC 6724, 6, rules 1 to 9 but those that need to know of deprecated, home
/// and tunnelled addresses (3, 4, 7). Equal ones keep their order; so do addresses of IPv4 alone.
/// Of more than 32 the rest stays behind. Throws std::bad_alloc.
void order_addresses(std::vector<Endpoint>& addresses, const SourceOf& source_of);

}  // namespace weft::inline v0_1::dns
