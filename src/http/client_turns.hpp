// ConnectionTurns: bounds on the connections of a client, per host and in all. A request that uses
// a connection has a Turn; others wait for theirs, first come, first served. Thread-safe.
//
// Kept connections have no turn, and are within the bounds all the same. A request opens a
// connection only if none to its host is kept; so the open ones of a host are at most as many as
// have been used at once. For the bound in all, kept ones are closed when a new one is opened
// (IdlePool::keep_at_most).
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <weft/atomic.hpp>
#include <weft/http/client_options.hpp>
#include <weft/semaphore.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::http {

class ConnectionTurns : public std::enable_shared_from_this<ConnectionTurns> {
  struct Host {
    explicit Host(std::size_t most) noexcept : permits(most) {}
    Semaphore permits;
    std::size_t users = 0;  // turns that are held or waited for
  };
  using Hosts = std::map<std::string, Host>;

 public:
  /// The right to use one connection. Move-only; its end lets the next request go on. It must not
  /// end before its connection is closed or kept.
  class Turn {
   public:
    Turn() noexcept = default;
    Turn(Turn&& other) noexcept
        : turns_(std::move(other.turns_)),
          host_(other.host_),
          of_host_(std::move(other.of_host_)),
          of_all_(std::move(other.of_all_)) {}
    Turn& operator=(Turn&& other) noexcept {
      Turn moved(std::move(other));
      std::swap(turns_, moved.turns_);
      std::swap(host_, moved.host_);
      std::swap(of_host_, moved.of_host_);
      std::swap(of_all_, moved.of_all_);
      return *this;
    }
    ~Turn() {
      if (turns_ != nullptr) end();
    }

   private:
    friend class ConnectionTurns;
    void end() noexcept;

    std::shared_ptr<ConnectionTurns> turns_;
    Hosts::iterator host_;
    Permit of_host_;
    Permit of_all_;
  };

  /// Null if the options bound nothing.
  [[nodiscard]] static std::shared_ptr<ConnectionTurns> make(const ClientOptions& options);
  explicit ConnectionTurns(const ClientOptions& options);

  /// Waits for a turn to use a connection of `key`. Cancel: takes none.
  [[nodiscard]] Task<Turn> take(std::string key);
  /// How many connections may be kept beside those in use; none: any number.
  [[nodiscard]] std::optional<std::size_t> room_for_idle() const noexcept;

 private:
  [[nodiscard]] Turn enter(const std::string& key);

  const std::size_t most_per_host_;
  const std::size_t most_in_all_;
  Semaphore all_;
  ThreadMutex mutex_;
  Hosts hosts_;  // guarded by mutex_; a Host stays in place
};

}  // namespace weft::inline v0_1::http
