#include "http/client_pool.hpp"

#include <mutex>
#include <new>
#include <utility>

namespace weft::inline v0_1::http {

std::optional<StreamSocket> IdlePool::take(const std::string& key) noexcept {
  std::vector<Idle> too_old;  // closed after unlocking
  const std::lock_guard lock(mutex_);
  const auto host = hosts_.find(key);
  if (host == hosts_.end()) return std::nullopt;
  std::vector<Idle>& idle = host->second;
  std::optional<StreamSocket> stream;
  if (now() - idle.back().since <= max_age_) {
    stream = std::move(idle.back().stream);
    idle.pop_back();
    --size_;
  } else {  // even the most recent one is too old
    size_ -= idle.size();
    too_old.swap(idle);
  }
  if (idle.empty()) hosts_.erase(host);
  return stream;
}

void IdlePool::give_back(const std::string& key, StreamSocket stream) noexcept try {
  if (max_per_host_ == 0) return;
  std::optional<StreamSocket> oldest;  // closed after unlocking
  const std::lock_guard lock(mutex_);
  std::vector<Idle>& idle = hosts_[key];
  if (idle.size() >= max_per_host_) {
    oldest = std::move(idle.front().stream);
    idle.erase(idle.begin());
    --size_;
  }
  idle.emplace_back(std::move(stream), now());
  ++size_;
} catch (const std::bad_alloc&) {
  // hosts_ may have an empty vector now, which take() does not expect.
  const std::lock_guard lock(mutex_);
  std::erase_if(hosts_, [](const auto& host) { return host.second.empty(); });
}

void IdlePool::clear() noexcept {
  std::map<std::string, std::vector<Idle>> closing;
  const std::lock_guard lock(mutex_);
  closing.swap(hosts_);
  size_ = 0;
}

std::size_t IdlePool::size() const noexcept {
  const std::lock_guard lock(mutex_);
  return size_;
}

}  // namespace weft::inline v0_1::http
