#include "dns/names.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <weft/dns/error.hpp>

namespace weft::inline v0_1::dns {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Whether the last label is a number, decimal or hexadecimal. No name in the DNS ends so.
bool ends_with_number(std::string_view host) noexcept {
  const std::size_t dot = host.rfind('.');
  const std::string_view label = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (label.empty()) return false;
  if (std::ranges::all_of(label, is_digit)) return true;
  const auto is_hex = [](char c) {
    return is_digit(c) || (lower_case(c) >= 'a' && lower_case(c) <= 'f');
  };
  return label.size() > 2 && label[0] == '0' && lower_case(label[1]) == 'x' &&
         std::ranges::all_of(label.substr(2), is_hex);
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = lower_case(c);
  return lower;
}

bool is_valid_name(std::string_view name) noexcept {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > longest_name) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    if (c <= ' ' || c > '~' || c == '\\' || ++label > longest_label) return false;
  }
  return label != 0;
}

bool is_within(std::string_view name, std::string_view domain) noexcept {
  if (!name.ends_with(domain)) return false;
  return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

Result<std::optional<Endpoint>> numeric_address(const std::string& host) {
  if (host.find(':') != std::string::npos) {
    const Result<Endpoint> address = Endpoint::parse("[" + host + "]:0");
    if (address) return *address;
    if (address.error() == EndpointErrc::bad_scope) return fail(address.error());
    return fail(make_error_code(Errc::bad_name));
  }
  if (!ends_with_number(host)) return std::optional<Endpoint>();
  in_addr address{};
  // inet_aton() would ignore what follows a space.
  const bool is_text = std::ranges::all_of(host, [](char c) { return c > ' ' && c <= '~'; });
  if (!is_text || inet_aton(host.c_str(), &address) == 0) {
    return fail(make_error_code(Errc::bad_name));
  }
  Endpoint::Ipv4 bytes{};
  std::memcpy(bytes.data(), &address.s_addr, bytes.size());
  return Endpoint::ipv4(bytes, 0);
}

std::vector<std::string> candidates_of(std::string_view name, unsigned ndots,
                                       std::span<const std::string> search) {
  std::string as_it_is = lower_case(name);
  if (as_it_is.ends_with('.')) {
    as_it_is.pop_back();
    return {as_it_is};
  }
  std::vector<std::string> names;
  for (const std::string& domain : search) {
    std::string longer = as_it_is + "." + lower_case(domain);
    if (longer.size() <= longest_name) names.push_back(std::move(longer));
  }
  const auto dots = static_cast<unsigned>(std::ranges::count(as_it_is, '.'));
  names.insert(dots >= ndots ? names.begin() : names.end(), std::move(as_it_is));
  return names;
}

std::string reverse_name(const Endpoint& address) {
  constexpr char digits[] = "0123456789abcdef";
  const Endpoint::Ipv6& bytes = address.ip_bytes();
  std::string name;
  if (address.is_ipv4()) {
    for (std::size_t i = 4; i-- > 0;) name.append(std::to_string(bytes[i])).push_back('.');
    return name.append("in-addr.arpa");
  }
  for (std::size_t i = 16; i-- > 0;) {
    name.push_back(digits[bytes[i] & 0xfU]);
    name.push_back('.');
    name.push_back(digits[bytes[i] >> 4U]);
    name.push_back('.');
  }
  return name.append("ip6.arpa");
}

}  // namespace weft::inline v0_1::dns
