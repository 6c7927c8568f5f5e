#include "http/client_pool.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <mutex>
#include <span>
#include <utility>

#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

namespace weft::inline v0_1::http {
namespace {

/// A connection that its peer has closed is closed within this time.
constexpr Nanoseconds kLongestPeriod = std::chrono::seconds(1);
constexpr Nanoseconds kShortestPeriod = std::chrono::milliseconds(1);

}  // namespace

bool is_quiet(Transport& transport) noexcept {
  std::byte one{};
  const std::optional<Result<std::size_t>> got = transport.try_read(std::span(&one, 1));
  return !got || (!*got && got->error() == std::errc::operation_would_block);
}

IdlePool::IdlePool(const ClientOptions& options)
    : most_in_all_(options.idle_timeout > Nanoseconds::zero() ? options.max_idle : 0),
      most_per_host_(options.max_idle_per_host),
      max_age_(options.idle_timeout),
      period_(std::clamp(max_age_, kShortestPeriod, kLongestPeriod)) {}

std::optional<Transport> IdlePool::take(const std::string& key) noexcept {
  std::optional<Transport> transport = take_latest(key);
  while (transport && !is_quiet(*transport)) transport = take_latest(key);
  return transport;
}

std::optional<Transport> IdlePool::take_latest(const std::string& key) noexcept {
  ByAge taken;  // closed after unlocking
  const std::lock_guard lock(mutex_);
  const TimePoint time = now();
  for (;;) {
    const auto host = hosts_.find(key);
    if (host == hosts_.end()) return std::nullopt;
    remove(host->second.back(), taken);
    if (time - taken.back().since <= max_age_) return std::move(taken.back().transport);
  }
}

bool IdlePool::give_back(const std::string& key, Transport transport) noexcept try {
  if (most_in_all_ == 0 || most_per_host_ == 0) return false;
  if (add(key, std::move(transport))) spawn_watch();
  return true;
} catch (const std::exception&) {
  // No memory, or the runtime is about to end.
  static_cast<void>(clear());
  return false;
}

/// Returns whether a task has to be spawned that watches.
bool IdlePool::add(const std::string& key, Transport transport) {
  ByAge closing;  // closed after unlocking
  const std::lock_guard lock(mutex_);
  const auto host = hosts_.try_emplace(key).first;
  closing.emplace_back(std::move(transport), now(), host);
  host->second.push_back(closing.begin());
  by_age_.splice(by_age_.end(), closing);
  if (host->second.size() > most_per_host_) remove(host->second.front(), closing);
  if (by_age_.size() > most_in_all_) remove(by_age_.begin(), closing);
  return !std::exchange(watched_, true);
}

void IdlePool::keep_at_most(std::size_t count) noexcept {
  ByAge closing;  // closed after unlocking
  const std::lock_guard lock(mutex_);
  while (by_age_.size() > count) remove(by_age_.begin(), closing);
}

std::size_t IdlePool::clear() noexcept {
  ByAge closing;
  const std::lock_guard lock(mutex_);
  closing.swap(by_age_);
  hosts_.clear();
  return closing.size();
}

std::size_t IdlePool::size() const noexcept {
  const std::lock_guard lock(mutex_);
  return by_age_.size();
}

/// Moves `connection` to `closing`.
void IdlePool::remove(ByAge::iterator connection, ByAge& closing) noexcept {
  const auto host = connection->host;
  std::erase(host->second, connection);
  if (host->second.empty()) hosts_.erase(host);
  closing.splice(closing.end(), by_age_, connection);
}

/// Held by the task that watches. If it is cancelled, or was never begun, that makes room for
/// another one.
class IdlePool::Watch {
 public:
  explicit Watch(std::shared_ptr<IdlePool> pool) noexcept : pool_(std::move(pool)) {}
  Watch(Watch&&) noexcept = default;
  Watch& operator=(Watch&&) = delete;
  ~Watch() {
    if (pool_ == nullptr) return;
    const std::lock_guard lock(pool_->mutex_);
    pool_->watched_ = false;
  }
  [[nodiscard]] IdlePool& pool() const noexcept { return *pool_; }
  /// After a sweep that has made room.
  void end() noexcept { pool_.reset(); }

 private:
  std::shared_ptr<IdlePool> pool_;
};

void IdlePool::spawn_watch() {
  Watch watching(shared_from_this());
  spawn(&IdlePool::watch, std::move(watching)).detach();
}

Task<void> IdlePool::watch(Watch watch) {
  do {
    co_await sleep_for(watch.pool().period_);
  } while (watch.pool().sweep());
  watch.end();
}

/// Closes what is of no use any more. Returns whether connections are left; otherwise none is
/// watched from now on.
bool IdlePool::sweep() noexcept {
  ByAge closing;  // closed after unlocking
  const std::lock_guard lock(mutex_);
  const TimePoint time = now();
  for (auto next = by_age_.begin(); next != by_age_.end();) {
    const auto connection = next++;
    const bool is_too_old = time - connection->since > max_age_;
    if (is_too_old || !is_quiet(connection->transport)) remove(connection, closing);
  }
  watched_ = !by_age_.empty();
  return watched_;
}

}  // namespace weft::inline v0_1::http
