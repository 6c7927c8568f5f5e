// Endpoint: values, parsing and formatting. inet_pton and inet_ntop handle the addresses themselves
// (strict dotted decimal, RFC 5952); this file handles the text around them.
#include <weft/endpoint.hpp>

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <tuple>
#include <utility>

namespace weft::inline v0_1 {
namespace {

static_assert(sizeof(Endpoint) <= 32);

constexpr std::string_view unix_prefix = "unix:";

class EndpointCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.endpoint"; }
  std::string message(int code) const override {
    switch (static_cast<EndpointErrc>(code)) {
      case EndpointErrc::empty:
        return "it is empty";
      case EndpointErrc::no_port:
        return "the port is missing";
      case EndpointErrc::bad_port:
        return "the port must be 0..65535";
      case EndpointErrc::bad_host:
        return "the host must be an IPv4 address or an IPv6 address in brackets";
      case EndpointErrc::bad_brackets:
        return "the closing bracket is missing";
      case EndpointErrc::bare_ipv6:
        return "an IPv6 address must stand in brackets";
      case EndpointErrc::bad_scope:
        return "the scope must be a network interface or its number";
      case EndpointErrc::empty_path:
        return "the path is missing";
      case EndpointErrc::path_too_long:
        return "the path is longer than " + std::to_string(Endpoint::longest_path) + " bytes";
      case EndpointErrc::nul_in_path:
        return "the path contains a zero byte";
    }
    return "unknown error " + std::to_string(code);
  }
};

/// inet_pton and if_nametoindex need a terminated string.
template <std::size_t Room>
struct Terminated {
  explicit Terminated(std::string_view text) noexcept : fits(text.size() < Room) {
    if (fits) std::memcpy(chars, text.data(), text.size());
  }
  bool fits;
  char chars[Room]{};
};

template <std::size_t Size>
bool read_ip(int family, std::string_view text, std::array<std::uint8_t, Size>& bytes) noexcept {
  const Terminated<INET6_ADDRSTRLEN> terminated(text);
  // A zero byte inside would end the text early and hide invalid bytes behind it.
  return terminated.fits && text.find('\0') == std::string_view::npos &&
         inet_pton(family, terminated.chars, bytes.data()) == 1;
}

template <class Number>
bool read_number(std::string_view text, Number& number) noexcept {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

bool read_scope(std::string_view text, std::uint32_t& scope) noexcept {
  if (read_number(text, scope)) return scope != 0;
  const Terminated<IF_NAMESIZE> terminated(text);
  scope = terminated.fits ? if_nametoindex(terminated.chars) : 0;
  return scope != 0;
}

/// The two parts of "host:port", as views of the text.
struct Halves {
  std::string_view host;
  std::uint16_t port = 0;
  bool in_brackets = false;
};

Result<Halves> split(std::string_view text) noexcept {
  if (text.empty()) return fail(EndpointErrc::empty);
  Halves halves;
  std::string_view rest;
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return fail(EndpointErrc::bad_brackets);
    halves.host = text.substr(1, close - 1);
    halves.in_brackets = true;
    rest = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
      return fail(EndpointErrc::bare_ipv6);
    }
    halves.host = text.substr(0, colon);
    rest = text.substr(halves.host.size());
  }
  if (!rest.starts_with(':')) return fail(EndpointErrc::no_port);
  if (!read_number(rest.substr(1), halves.port)) return fail(EndpointErrc::bad_port);
  return halves;
}

std::string printed_ip(int family, const void* bytes) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family, bytes, text,
                   sizeof text);  // cannot fail: family and room fit
}

}  // namespace

const std::error_category& endpoint_category() noexcept {
  static const EndpointCategory category;
  return category;
}

Endpoint Endpoint::ipv4(const Ipv4& address, std::uint16_t port) noexcept {
  Endpoint endpoint;
  endpoint.kind_ = Kind::ipv4;
  endpoint.port_ = port;
  std::memcpy(endpoint.ip_.data(), address.data(), address.size());
  return endpoint;
}

Endpoint Endpoint::ipv6(const Ipv6& address, std::uint16_t port, std::uint32_t scope) noexcept {
  Endpoint endpoint;
  endpoint.kind_ = Kind::ipv6;
  endpoint.port_ = port;
  endpoint.scope_ = scope;
  endpoint.ip_ = address;
  return endpoint;
}

Result<Endpoint> Endpoint::unix_path(std::string_view path) {
  const bool is_abstract = path.starts_with('@');
  if (path.size() > (is_abstract ? longest_abstract : longest_path)) {
    return fail(EndpointErrc::path_too_long);
  }
  // A zero byte ends a path, and is a byte of an abstract name like any other.
  if (!is_abstract && path.find('\0') != std::string_view::npos) {
    return fail(EndpointErrc::nul_in_path);
  }
  Endpoint endpoint;
  endpoint.kind_ = Kind::unix_socket;
  if (!path.empty()) endpoint.path_ = std::make_unique<const std::string>(path);
  return endpoint;
}

Endpoint Endpoint::loopback(std::uint16_t port) noexcept { return ipv4({127, 0, 0, 1}, port); }
Endpoint Endpoint::any(std::uint16_t port) noexcept { return ipv4({0, 0, 0, 0}, port); }

Result<Endpoint> Endpoint::parse(std::string_view text) {
  if (text.starts_with(unix_prefix)) {
    const std::string_view path = text.substr(unix_prefix.size());
    if (path.empty() || path == "@") return fail(EndpointErrc::empty_path);
    return unix_path(path);
  }
  const Result<Halves> halves = split(text);
  if (!halves) return fail(halves.error());
  if (!halves->in_brackets) {
    Ipv4 bytes;
    if (!read_ip(AF_INET, halves->host, bytes)) return fail(EndpointErrc::bad_host);
    return ipv4(bytes, halves->port);
  }
  const std::size_t percent = halves->host.find('%');
  std::uint32_t scope = 0;
  if (percent != std::string_view::npos && !read_scope(halves->host.substr(percent + 1), scope)) {
    return fail(EndpointErrc::bad_scope);
  }
  Ipv6 bytes;
  if (!read_ip(AF_INET6, halves->host.substr(0, percent), bytes))
    return fail(EndpointErrc::bad_host);
  return ipv6(bytes, halves->port, scope);
}

std::string Endpoint::explain(std::string_view text, std::error_code why) {
  std::string line = "'";
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return line.append("' is not an address: ").append(why.message());
}

Endpoint::Endpoint(const Endpoint& other)
    : ip_(other.ip_),
      scope_(other.scope_),
      port_(other.port_),
      kind_(other.kind_),
      path_(other.path_ ? std::make_unique<const std::string>(*other.path_) : nullptr) {}

void Endpoint::swap(Endpoint& other) noexcept {
  std::swap(ip_, other.ip_);
  std::swap(scope_, other.scope_);
  std::swap(port_, other.port_);
  std::swap(kind_, other.kind_);
  path_.swap(other.path_);
}

Endpoint Endpoint::with_port(std::uint16_t port) const {
  Endpoint copy(*this);
  if (is_ip()) copy.port_ = port;
  return copy;
}

Endpoint Endpoint::unmapped() const {
  constexpr Ipv4 mark{0, 0, 0xff, 0xff};  // the four bytes before the IPv4 address
  const bool is_mapped =
      is_ipv6() && std::all_of(ip_.begin(), ip_.begin() + 8, [](auto byte) { return byte == 0; }) &&
      std::equal(mark.begin(), mark.end(), ip_.begin() + 8);
  if (!is_mapped) return *this;
  Ipv4 bytes;
  std::copy(ip_.begin() + 12, ip_.end(), bytes.begin());
  return ipv4(bytes, port_);
}

std::string Endpoint::to_string() const {
  switch (kind_) {
    case Kind::none:
      return "-";
    case Kind::ipv4:
      return printed_ip(AF_INET, ip_.data()).append(":").append(std::to_string(port_));
    case Kind::ipv6: {
      std::string text = "[" + printed_ip(AF_INET6, ip_.data());
      if (scope_ != 0) text.append("%").append(std::to_string(scope_));
      return text.append("]:").append(std::to_string(port_));
    }
    case Kind::unix_socket:
      return std::string(unix_prefix).append(path());
  }
  return {};
}

std::strong_ordering operator<=>(const Endpoint& a, const Endpoint& b) noexcept {
  const auto key = [](const Endpoint& e) noexcept {
    return std::make_tuple(e.kind_, e.ip_, e.port_, e.scope_, e.path());
  };
  return key(a) <=> key(b);
}

std::size_t Endpoint::hash() const noexcept {
  const std::string_view ip(reinterpret_cast<const char*>(ip_.data()), ip_.size());
  const std::hash<std::string_view> hash_of;
  const std::size_t numbers =
      (std::size_t{scope_} << 24) ^ (std::size_t{port_} << 8) ^ static_cast<std::size_t>(kind_);
  constexpr std::size_t spread = 0x9E3779B97F4A7C15U;  // 2^64 divided by the golden ratio
  return ((hash_of(ip) * spread) ^ hash_of(path())) * spread + numbers * spread;
}

Result<HostPort> parse_host_port(std::string_view text) {
  const Result<Halves> halves = split(text);
  if (!halves) return fail(halves.error());
  if (halves->host.empty()) return fail(EndpointErrc::bad_host);
  return HostPort{std::string(halves->host), halves->port};
}

}  // namespace weft::inline v0_1
