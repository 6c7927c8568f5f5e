// IdlePool: connections that a client keeps open between requests, by scheme, host and port.
// Thread-safe.
//
// While there are connections, a task of the runtime looks at all of them once in a period. It
// closes those that are too old, and those with something to read: the peer has closed it, or has
// sent bytes that were not asked for. So a host that is asked once does not cost a handle for ever.
// A stream that cannot tell is looked at when it is about to be used. The task ends with the last
// connection, or with the runtime; then the next connection spawns it. It shares the pool, so that
// the client need not wait for it. A read that waits on each connection would notice at once, but
// it would have to be cancelled, often on another worker, before each request.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weft/atomic.hpp>
#include <weft/http/client_options.hpp>
#include <weft/http/transport.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::http {

/// Whether `transport` is open and has nothing to read, or cannot tell. Otherwise it is of no use
/// any more: a byte may have been taken from it.
[[nodiscard]] bool is_quiet(Transport& transport) noexcept;

class IdlePool : public std::enable_shared_from_this<IdlePool> {
 public:
  /// Uses the options about idle connections.
  explicit IdlePool(const ClientOptions& options);

  /// Returns the most recently used connection to `key` that is recent enough and quiet.
  [[nodiscard]] std::optional<Transport> take(const std::string& key) noexcept;
  /// Keeps `transport` and returns true, or closes it if none may be kept or memory is short.
  /// Closes the connections that have been idle for longest if there are too many. A task calls it.
  bool give_back(const std::string& key, Transport transport) noexcept;
  /// Closes those that have been idle for longest, until at most `count` are left.
  void keep_at_most(std::size_t count) noexcept;
  /// Closes all, and returns how many they were.
  std::size_t clear() noexcept;
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  struct Idle;
  using ByAge = std::list<Idle>;
  using Hosts = std::map<std::string, std::vector<ByAge::iterator>>;
  struct Idle {
    Idle(Transport its_transport, TimePoint its_time, Hosts::iterator its_host) noexcept
        : transport(std::move(its_transport)), since(its_time), host(its_host) {}
    Transport transport;
    TimePoint since;
    Hosts::iterator host;
  };

  class Watch;

  [[nodiscard]] std::optional<Transport> take_latest(const std::string& key) noexcept;
  [[nodiscard]] bool add(const std::string& key, Transport transport);
  void remove(ByAge::iterator connection, ByAge& closing) noexcept;
  void spawn_watch();
  [[nodiscard]] static Task<void> watch(Watch watch);
  [[nodiscard]] bool sweep() noexcept;

  const std::size_t most_in_all_;
  const std::size_t most_per_host_;
  const Nanoseconds max_age_;
  const Nanoseconds period_;
  mutable ThreadMutex mutex_;
  // Guarded by mutex_; oldest first, the connections of a host, too.
  ByAge by_age_;
  Hosts hosts_;
  bool watched_ = false;
};

}  // namespace weft::inline v0_1::http
