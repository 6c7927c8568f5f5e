// The servers behind a balancer: which there are, which are up, and how busy each one is.
// Thread-safe: connections, checks and reloads use it on any worker.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

namespace balancer {

/// A server. Lives until the last connection to it has ended, also after a reload without it.
class Backend {
 public:
  Backend(std::string address, std::size_t most) : address_(std::move(address)), places_(most) {}

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] bool is_up() const { return up_.load(); }
  /// Notes what was found out. Returns whether it was different before.
  bool set_up(bool up) { return up_.exchange(up) != up; }
  [[nodiscard]] const weft::ConcurrencyLimit& places() const { return places_; }

 private:
  const std::string address_;
  std::atomic<bool> up_{true};
  weft::ConcurrencyLimit places_;
};

using BackendRef = std::shared_ptr<Backend>;

/// A line of the file of backends is wrong; the text says which, and why.
class BadBackends : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads addresses, one a line: HOST:PORT or unix:/path. A '#' begins a comment. Throws
/// BadBackends, with `file` and the number of the line in its text.
std::vector<std::string> parse_backends(std::string_view file, std::string_view text);

/// A place for one connection at a backend.
struct Place {
  Place() = default;
  Place(BackendRef at, weft::OwnedPermit one) : backend(std::move(at)), permit(std::move(one)) {}
  BackendRef backend;
  weft::OwnedPermit permit;
};

class Backends {
 public:
  /// At most `most_each` connections at a time go to one backend.
  explicit Backends(std::size_t most_each) : most_each_(most_each) {}

  /// Takes these instead of the ones before. Those that were there keep their state.
  void replace(const std::vector<std::string>& addresses);
  [[nodiscard]] std::vector<BackendRef> all() const;
  /// Returns a place at the least busy backend that is up, has one, and is not among `tried`; if
  /// none is up, at one that is down: the checks may be wrong. Returns an empty one without any.
  [[nodiscard]] Place choose(const std::set<BackendRef>& tried) const;

 private:
  [[nodiscard]] Place choose_if(const std::set<BackendRef>& tried, bool up) const;

  const std::size_t most_each_;
  mutable std::mutex mutex_;
  std::vector<BackendRef> backends_;  // guarded by mutex_
};

}  // namespace balancer
