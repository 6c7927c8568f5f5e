#include "dns/cache.hpp"

#include <algorithm>
#include <memory>
#include <mutex>

namespace weft::inline v0_1::dns {

Cache::Cache(const ResolverOptions& options)
    : most_(options.max_cached),
      longest_(options.max_ttl),
      longest_negative_(options.max_negative_ttl) {}

AnswerRef Cache::find(const std::string& name, RecordType type, TimePoint time) {
  const Key key(type, name);
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  const Entries::iterator entry = found->second;
  if (entry->answer->expires <= time) {
    entries_.erase(entry);
    index_.erase(found);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->answer;
}

AnswerRef Cache::keep(const std::string& name, RecordType type, Answer answer, TimePoint time) {
  const Nanoseconds ttl = std::min(answer.ttl, limit_of(answer));
  answer.expires = time + std::max(ttl, Nanoseconds::zero());
  const AnswerRef kept = std::make_shared<const Answer>(std::move(answer));
  if (most_ == 0 || kept->expires <= time) return kept;
  Entries fresh;
  fresh.emplace_back(Key(type, name), kept);
  Entries dropped;  // destroyed after unlocking
  const std::lock_guard lock(mutex_);
  const auto [place, is_new] = index_.try_emplace(fresh.front().key, fresh.begin());
  if (!is_new) {
    dropped.splice(dropped.begin(), entries_, place->second);
    place->second = fresh.begin();
  }
  entries_.splice(entries_.begin(), fresh);
  if (entries_.size() > most_) {
    index_.erase(entries_.back().key);
    dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
  }
  return kept;
}

void Cache::clear() noexcept {
  const std::lock_guard lock(mutex_);
  index_.clear();
  entries_.clear();
}

std::size_t Cache::size() const noexcept {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

Nanoseconds Cache::limit_of(const Answer& answer) const noexcept {
  return answer.error ? longest_negative_ : longest_;
}

}  // namespace weft::inline v0_1::dns
