// Options for connecting and listening, and the socket errors that are not the system's.
//
//   weft::ListenOptions options;
//   options.reuse_port = true;
#pragma once

#include <chrono>
#include <cstdint>
#include <system_error>
#include <type_traits>

namespace weft::inline v0_1 {

/// Errors of streams that have no errno value.
enum class SocketErrc {
  unexpected_end = 1,  ///< the stream ended before the requested bytes were read
};
[[nodiscard]] const std::error_category& stream_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(SocketErrc code) noexcept {
  return {static_cast<int>(code), stream_category()};
}

struct ConnectOptions {
  bool no_delay = true;  ///< TCP_NODELAY: send small writes immediately instead of gathering them
  /// Of a host with several addresses: try the next one beside an attempt that has not succeeded
  /// after attempt_delay. False: one after the other, each until it has failed.
  bool happy_eyeballs = true;
  std::chrono::milliseconds attempt_delay{250};  ///< at least 10 ms (RFC 8305, 8)
};

struct ListenOptions {
  int backlog = 4096;         ///< connections that wait to be accepted; the system also has a limit
  bool reuse_address = true;  ///< listen even while connections of an earlier run are still closing
  bool reuse_port =
      false;               ///< several listeners share the port; the system distributes connections
  bool ipv6_only = false;  ///< [::] does not accept IPv4 connections
  bool no_delay = true;    ///< of the accepted streams
};

enum class Shutdown : std::uint8_t { read, write, both };

}  // namespace weft::inline v0_1

template <>
struct std::is_error_code_enum<weft::SocketErrc> : std::true_type {};
