// SessionCache: a client's sessions, kept for resumption by host and port. Thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <weft/atomic.hpp>

#include "tls/openssl.hpp"

namespace weft::inline v0_1::tls {

/// Of a host the newest sessions stay; of hosts those to which a session came last.
class SessionCache {
 public:
  SessionCache(std::size_t per_host, std::size_t hosts) noexcept
      : per_host_(per_host), most_hosts_(hosts) {}

  [[nodiscard]] bool is_on() const noexcept { return per_host_ != 0 && most_hosts_ != 0; }
  /// Throws std::bad_alloc.
  void keep(const std::string& host, SessionOwner session);
  /// Returns the newest usable one; null if there is none. One of TLS 1.3 leaves the cache: used
  /// twice, it would let an observer connect the two connections (RFC 8446, C.4).
  [[nodiscard]] SessionOwner take(const std::string& host) noexcept;
  void clear() noexcept;
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  struct Host {
    std::deque<SessionOwner> sessions;  // the newest first
    std::list<std::string>::iterator age;
  };

  const std::size_t per_host_;
  const std::size_t most_hosts_;
  mutable ThreadMutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, Host, std::less<>> hosts_;
  std::list<std::string> by_age_;  // the keys of hosts_, the latest first
  std::size_t size_ = 0;
};

}  // namespace weft::inline v0_1::tls
