// tls::Peers: the connections of a tls::Listener by their peers' addresses, for what knows of a
// connection no more than that: an HTTP handler. Part of <weft/tls.hpp>.
#pragma once

#include <weft/atomic.hpp>
#include <weft/endpoint.hpp>
#include <weft/tls/engine.hpp>

#include <map>
#include <optional>

namespace weft::inline v0_1::tls {

/// Thread-safe.
class Peers {
 public:
  /// `at`, the object and not its value, stands for the connection of `engine` until remove().
  /// Throws std::bad_alloc.
  void add(const Endpoint& at, const Engine& engine);
  void remove(const Endpoint& at) noexcept;
  /// Returns what was agreed with the connection whose peer_endpoint() is the object `at`; nothing
  /// if there is none, or before its handshake has ended. Null is allowed. Throws std::bad_alloc.
  [[nodiscard]] std::optional<Session> session(const Endpoint* at) const;

 private:
  mutable ThreadMutex mutex_;
  std::map<const Endpoint*, const Engine*> engines_;  // guarded by mutex_
};

}  // namespace weft::inline v0_1::tls
