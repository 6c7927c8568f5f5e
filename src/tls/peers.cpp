#include <weft/tls/peers.hpp>

#include <mutex>

namespace weft::inline v0_1::tls {

void Peers::add(const Endpoint& at, const Engine& engine) {
  const std::lock_guard lock(mutex_);
  engines_.insert_or_assign(&at, &engine);
}

void Peers::remove(const Endpoint& at) noexcept {
  const std::lock_guard lock(mutex_);
  engines_.erase(&at);
}

std::optional<Session> Peers::session(const Endpoint* at) const {
  const std::lock_guard lock(mutex_);
  const auto found = engines_.find(at);
  if (found == engines_.end() || !found->second->is_established()) return std::nullopt;
  return found->second->session();
}

}  // namespace weft::inline v0_1::tls
