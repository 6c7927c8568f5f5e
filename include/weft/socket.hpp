// What sockets have in common: the options of connecting and listening, and the errors that are not the system's.
#pragma once

#include <cstdint>
#include <system_error>
#include <type_traits>

namespace weft {

/// What streams report that the system has no number for.
enum class SocketErrc {
  unexpected_end = 1,  ///< the peer ended the stream within what was to be read
};
[[nodiscard]] const std::error_category& stream_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(SocketErrc code) noexcept {
  return {static_cast<int>(code), stream_category()};
}

struct ConnectOptions {
  bool no_delay = true;  ///< TCP_NODELAY: send small writes at once, instead of gathering them
};

struct ListenOptions {
  int backlog = 4096;  ///< connections that wait to be accepted; the system has a limit of its own
  bool reuse_address =
      true;                 ///< listen again while connections of an earlier run are still closing
  bool reuse_port = false;  ///< several listeners share the port; the system deals connections out
  bool ipv6_only = false;   ///< [::] does not take IPv4 connections
  bool no_delay = true;     ///< of the streams that are accepted
};

enum class Shutdown : std::uint8_t { read, write, both };

}  // namespace weft

template <>
struct std::is_error_code_enum<weft::SocketErrc> : std::true_type {};
