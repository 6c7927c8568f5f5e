// Names: which are valid, which are not looked up, and what a search list makes of one. Pure
// functions.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <weft/endpoint.hpp>
#include <weft/result.hpp>

namespace weft::inline v0_1::dns {

inline constexpr std::size_t longest_name = 253;  // without the dot at its end
inline constexpr std::size_t longest_label = 63;

[[nodiscard]] constexpr char lower_case(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
[[nodiscard]] std::string lower_case(std::string_view text);

/// Whether `name`, in which a dot may be the last character, can be asked for: labels of 1 to 63
/// visible ASCII characters but '\\', 253 in all.
[[nodiscard]] bool is_valid_name(std::string_view name) noexcept;

/// Returns whether `name` is `domain` or lies below it. Both in lower case.
[[nodiscard]] bool is_within(std::string_view name, std::string_view domain) noexcept;

/// Returns the address that `host` is, if it is a numeric one: IPv4 in all forms of inet_aton(3),
/// IPv6 with or without a scope. Null: it may be a name. Errors: EndpointErrc::bad_scope;
/// Errc::bad_name if it is neither.
[[nodiscard]] Result<std::optional<Endpoint>> numeric_address(const std::string& host);

/// Returns the names to ask for, in their order, in lower case and without a dot at the end, as
/// resolv.conf(5) says under `ndots` and `search`. Those that would be too long are left out.
[[nodiscard]] std::vector<std::string> candidates_of(std::string_view name, unsigned ndots,
                                                     std::span<const std::string> search);

/// Returns the name whose PTR records are the names of `address`: "1.0.0.127.in-addr.arpa".
/// Precondition: it is an IP address.
[[nodiscard]] std::string reverse_name(const Endpoint& address);

}  // namespace weft::inline v0_1::dns
