#include "http/client_turns.hpp"

#include <algorithm>
#include <mutex>

namespace weft::inline v0_1::http {
namespace {

[[nodiscard]] std::size_t bound(std::size_t most) noexcept {
  return most == 0 ? Semaphore::most_permits : std::min(most, Semaphore::most_permits);
}

}  // namespace

std::shared_ptr<ConnectionTurns> ConnectionTurns::make(const ClientOptions& options) {
  if (options.max_connections == 0 && options.max_connections_per_host == 0) return nullptr;
  return std::make_shared<ConnectionTurns>(options);
}

ConnectionTurns::ConnectionTurns(const ClientOptions& options)
    : most_per_host_(bound(options.max_connections_per_host)),
      most_in_all_(bound(options.max_connections)),
      all_(most_in_all_) {}

ConnectionTurns::Turn ConnectionTurns::enter(const std::string& key) {
  Turn turn;
  const std::lock_guard lock(mutex_);
  turn.host_ = hosts_.try_emplace(key, most_per_host_).first;
  ++turn.host_->second.users;
  turn.turns_ = shared_from_this();
  return turn;
}

// The host's turn first: a request that waits for its host must not keep others from theirs.
Task<ConnectionTurns::Turn> ConnectionTurns::take(std::string key) {
  Turn turn = enter(key);
  Permit of_host = co_await turn.host_->second.permits.acquire();
  turn.of_host_ = std::move(of_host);
  Permit of_all = co_await all_.acquire();
  turn.of_all_ = std::move(of_all);
  co_return turn;
}

void ConnectionTurns::Turn::end() noexcept {
  of_all_.release();
  of_host_.release();
  const std::lock_guard lock(turns_->mutex_);
  if (--host_->second.users == 0) turns_->hosts_.erase(host_);
}

std::optional<std::size_t> ConnectionTurns::room_for_idle() const noexcept {
  if (most_in_all_ == Semaphore::most_permits) return std::nullopt;
  return all_.available();
}

}  // namespace weft::inline v0_1::http
