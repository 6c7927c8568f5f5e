#include "tls/session_cache.hpp"

#include <mutex>
#include <utility>

namespace weft::inline v0_1::tls {

void SessionCache::keep(const std::string& host, SessionOwner session) {
  const std::lock_guard lock(mutex_);
  auto found = hosts_.find(host);
  if (found == hosts_.end()) {
    std::list<std::string> key{host};  // what may throw comes before what changes
    found = hosts_.try_emplace(host).first;
    found->second.age = key.begin();
    by_age_.splice(by_age_.begin(), key);
  } else {
    by_age_.splice(by_age_.begin(), by_age_, found->second.age);
  }
  std::deque<SessionOwner>& sessions = found->second.sessions;
  sessions.push_front(std::move(session));
  ++size_;
  if (sessions.size() > per_host_) {
    sessions.pop_back();
    --size_;
  }
  if (hosts_.size() > most_hosts_) {
    const auto oldest = hosts_.find(by_age_.back());
    size_ -= oldest->second.sessions.size();
    hosts_.erase(oldest);
    by_age_.pop_back();
  }
}

SessionOwner SessionCache::take(const std::string& host) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return nullptr;
  std::deque<SessionOwner>& sessions = found->second.sessions;
  while (!sessions.empty()) {
    SSL_SESSION* const newest = sessions.front().get();
    const bool usable = SSL_SESSION_is_resumable(newest) == 1;
    const bool again = usable && SSL_SESSION_get_protocol_version(newest) < TLS1_3_VERSION;
    if (again) {
      SSL_SESSION_up_ref(newest);
      return SessionOwner(newest);
    }
    SessionOwner taken = std::move(sessions.front());
    sessions.pop_front();
    --size_;
    if (usable) return taken;
  }
  return nullptr;
}

void SessionCache::clear() noexcept {
  const std::lock_guard lock(mutex_);
  hosts_.clear();
  by_age_.clear();
  size_ = 0;
}

std::size_t SessionCache::size() const noexcept {
  const std::lock_guard lock(mutex_);
  return size_;
}

}  // namespace weft::inline v0_1::tls
