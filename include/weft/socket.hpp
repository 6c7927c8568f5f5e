// Options for connecting and listening.
//
//   weft::ListenOptions options;
//   options.reuse_port = true;
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <weft/endpoint.hpp>

namespace weft::inline v0_1 {

class Resolver;

/// Set its members in a statement of its own:
///
///   weft::ConnectOptions options;
///   options.local = weft::Endpoint::parse("192.0.2.7:0").value();
///   weft::StreamSocket stream = co_await weft::StreamSocket::connect("example.org:80", options);
struct ConnectOptions {
  /// Has a constructor: it is passed to functions that are awaited (decision 002).
  ConnectOptions() noexcept {}

  bool no_delay = true;  ///< TCP_NODELAY: send small writes immediately instead of gathering them
  /// Of a host with several addresses: try the next one beside an attempt that has not succeeded
  /// after attempt_delay. False: one after the other, each until it has failed.
  bool happy_eyeballs = true;
  std::chrono::milliseconds attempt_delay{250};  ///< at least 10 ms (RFC 8305, 8)
  /// The address to connect from, unless it is empty. Port 0: the system chooses one when it knows
  /// the peer, so that connections to different peers may share it. Another port may serve several
  /// connections, to different peers. A local address that the machine does not have is an error
  /// (errc::address_not_available), and so is one of another family than the peer's
  /// (errc::invalid_argument or address_family_not_supported).
  Endpoint local;
  /// What looks up a host's name (<weft/resolve.hpp>). Null: the system's resolver.
  std::shared_ptr<Resolver> resolver;
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
