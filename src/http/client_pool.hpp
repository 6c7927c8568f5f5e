// IdlePool: connections that a client keeps open between requests, by host and port. Thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <weft/atomic.hpp>
#include <weft/net.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::http {

class IdlePool {
 public:
  IdlePool(std::size_t max_per_host, Nanoseconds max_age) noexcept
      : max_per_host_(max_per_host), max_age_(max_age) {}

  /// Returns the most recently used connection to `key`, if it is recent enough.
  [[nodiscard]] std::optional<StreamSocket> take(const std::string& key) noexcept;
  /// Keeps `stream`, or closes it if there are enough or memory is short.
  void give_back(const std::string& key, StreamSocket stream) noexcept;
  void clear() noexcept;
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  struct Idle {
    Idle(StreamSocket its_stream, TimePoint its_time) noexcept
        : stream(std::move(its_stream)), since(its_time) {}
    StreamSocket stream;
    TimePoint since;
  };

  const std::size_t max_per_host_;
  const Nanoseconds max_age_;
  mutable ThreadMutex mutex_;
  std::map<std::string, std::vector<Idle>> hosts_;  // guarded by mutex_; oldest first
  std::size_t size_ = 0;                            // guarded by mutex_
};

}  // namespace weft::inline v0_1::http
