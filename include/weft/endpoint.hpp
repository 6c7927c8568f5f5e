// Endpoint: the address at which a stream socket listens or connects: IPv4, IPv6, or the path of a
// Unix socket. A value of 32 bytes; only Unix paths allocate.
//
//   weft::Endpoint at = weft::Endpoint::parse("127.0.0.1:8080").value();
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <weft/result.hpp>

namespace weft::inline v0_1 {

/// Why a text is not an endpoint. The messages complete the sentence "'…' is not an address: …".
enum class EndpointErrc {
  empty = 1,      ///< there is no text
  no_port,        ///< there is no ":port"
  bad_port,       ///< the port is not a number, or is above 65535
  bad_host,       ///< the host is neither an IPv4 address nor an IPv6 address in brackets
  bad_brackets,   ///< "[" without "]"
  bare_ipv6,      ///< an IPv6 address without brackets
  bad_scope,      ///< the scope after "%" names no network interface
  empty_path,     ///< "unix:" without a path
  path_too_long,  ///< a Unix path of more than Endpoint::longest_path bytes, or too long a name
  nul_in_path,    ///< a Unix path, not an abstract name, with a NUL byte
};
[[nodiscard]] const std::error_category& endpoint_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(EndpointErrc code) noexcept {
  return {static_cast<int>(code), endpoint_category()};
}

class Endpoint {
 public:
  using Ipv4 = std::array<std::uint8_t, 4>;
  using Ipv6 = std::array<std::uint8_t, 16>;
  static constexpr std::size_t longest_path = 107;      ///< bytes
  static constexpr std::size_t longest_abstract = 108;  ///< bytes, '@' among them

  /// Makes an endpoint without an address; to_string() returns "-".
  Endpoint() noexcept = default;
  [[nodiscard]] static Endpoint ipv4(const Ipv4& address, std::uint16_t port) noexcept;
  /// `scope` is the number of the network interface that a link-local address belongs to, or 0.
  [[nodiscard]] static Endpoint ipv6(const Ipv6& address, std::uint16_t port,
                                     std::uint32_t scope = 0) noexcept;
  /// Returns the endpoint of a Unix socket in the file system or, if `path` starts with '@', with
  /// an abstract name (Linux), which its length ends: it may contain zero bytes. Errors:
  /// EndpointErrc. Throws std::bad_alloc.
  [[nodiscard]] static Result<Endpoint> unix_path(std::string_view path);
  /// Returns 127.0.0.1.
  [[nodiscard]] static Endpoint loopback(std::uint16_t port) noexcept;
  /// Returns 0.0.0.0, which means every IPv4 address of this machine, to listen on.
  [[nodiscard]] static Endpoint any(std::uint16_t port) noexcept;

  /// Parses "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80" (or a scope's number), "unix:/path" or
  /// "unix:@abstract". Resolves no names except that of the scope; see resolve(). Errors:
  /// EndpointErrc, for explain(). Throws std::bad_alloc.
  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
  /// Returns a line for the user: "'127.0.0.1:99999' is not an address: the port must be 0..65535".
  [[nodiscard]] static std::string explain(std::string_view text, std::error_code why);

  Endpoint(const Endpoint& other);
  Endpoint(Endpoint&& other) noexcept { swap(other); }
  Endpoint& operator=(Endpoint other) noexcept {
    swap(other);
    return *this;
  }
  ~Endpoint() = default;
  void swap(Endpoint& other) noexcept;

  [[nodiscard]] bool is_ipv4() const noexcept { return kind_ == Kind::ipv4; }
  [[nodiscard]] bool is_ipv6() const noexcept { return kind_ == Kind::ipv6; }
  [[nodiscard]] bool is_ip() const noexcept { return is_ipv4() || is_ipv6(); }
  [[nodiscard]] bool is_unix() const noexcept { return kind_ == Kind::unix_socket; }

  /// Returns the port; 0 for an endpoint without one.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Returns the same address with another port; a Unix path is unchanged.
  [[nodiscard]] Endpoint with_port(std::uint16_t port) const;
  /// Returns the IPv4 endpoint that an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) stands for,
  /// and any other endpoint unchanged. So a listener on [::] has its IPv4 peers told as IPv4.
  [[nodiscard]] Endpoint unmapped() const;
  /// Returns the scope of an IPv6 address, otherwise 0.
  [[nodiscard]] std::uint32_t scope() const noexcept { return scope_; }
  /// Returns the bytes of an IPv4 address (the first four) or IPv6 address, in network order.
  [[nodiscard]] const Ipv6& ip_bytes() const noexcept { return ip_; }
  /// Returns a Unix socket's path or "@name"; empty for a socket without a name, and for IP.
  [[nodiscard]] std::string_view path() const noexcept {
    return path_ != nullptr ? std::string_view(*path_) : std::string_view();
  }

  /// Returns a text that parse() accepts: "127.0.0.1:80", "[fe80::1%2]:80", "unix:/run/x". Throws
  /// std::bad_alloc.
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] friend bool operator==(const Endpoint& a, const Endpoint& b) noexcept {
    return (a <=> b) == 0;
  }
  /// A total order: IPv4, then IPv6, then Unix; by address, port, scope.
  friend std::strong_ordering operator<=>(const Endpoint& a, const Endpoint& b) noexcept;
  [[nodiscard]] std::size_t hash() const noexcept;

 private:
  enum class Kind : std::uint8_t { none, ipv4, ipv6, unix_socket };

  Ipv6 ip_{};
  std::uint32_t scope_ = 0;
  std::uint16_t port_ = 0;
  Kind kind_ = Kind::none;
  std::unique_ptr<const std::string> path_;  // only of a Unix socket with a name
};

/// A host's name or address, and a port: for connect() and resolve().
struct HostPort {
  std::string host = {};  ///< without brackets
  std::uint16_t port = 0;
};
/// Parses "example.org:80", "127.0.0.1:80" or "[::1]:80". Errors: EndpointErrc. Throws
/// std::bad_alloc.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);

}  // namespace weft::inline v0_1

template <>
struct std::is_error_code_enum<weft::EndpointErrc> : std::true_type {};

template <>
struct std::hash<weft::Endpoint> {
  std::size_t operator()(const weft::Endpoint& endpoint) const noexcept { return endpoint.hash(); }
};
