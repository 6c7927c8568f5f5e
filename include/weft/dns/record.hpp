// Records of the DNS other than addresses. Part of <weft/dns/resolver.hpp>. Value types.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace weft::inline v0_1::dns {

/// A server of a service (RFC 2782).
struct SrvRecord {
  std::string target;           ///< the server's name, without a dot at its end
  std::uint16_t port = 0;       ///< at which the server listens
  std::uint16_t priority = 0;   ///< servers with the lowest number are tried first
  std::uint16_t weight = 0;     ///< among those of one priority: its share of the clients
  std::chrono::seconds ttl{0};  ///< how long it may still be kept
};

/// A text (RFC 1035, 3.3.14).
struct TxtRecord {
  std::string text;                ///< its parts as one, which is how most uses read it
  std::vector<std::string> parts;  ///< each of at most 255 bytes, any bytes
  std::chrono::seconds ttl{0};     ///< how long it may still be kept
};

}  // namespace weft::inline v0_1::dns
