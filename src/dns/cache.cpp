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

Answers Cache::keep(const std::string& name, TypedAnswers answers, TimePoint time) {
  Answers kept;
  Entries fresh;
  Index places;  // of the fresh ones: what can fail is done before anything changes
  for (auto& [type, answer] : answers) {
    const Nanoseconds ttl = std::min(answer.ttl, limit_of(answer));
    answer.expires = time + std::max(ttl, Nanoseconds::zero());
    kept.push_back(std::make_shared<const Answer>(std::move(answer)));
    if (most_ == 0 || kept.back()->expires <= time) continue;
    fresh.emplace_back(Key(type, name), kept.back());
    places.emplace(fresh.back().key, std::prev(fresh.end()));
  }
  Entries dropped;  // destroyed after unlocking
  const std::lock_guard lock(mutex_);
  while (!places.empty()) insert(places.extract(places.begin()), fresh, dropped);
  return kept;
}

void Cache::insert(Index::node_type place, Entries& fresh, Entries& dropped) noexcept {
  const Entries::iterator entry = place.mapped();
  const auto inserted = index_.insert(std::move(place));
  if (!inserted.inserted) {
    dropped.splice(dropped.begin(), entries_, inserted.position->second);
    inserted.position->second = entry;
  }
  entries_.splice(entries_.begin(), fresh, entry);
  if (entries_.size() <= most_) return;
  index_.erase(entries_.back().key);
  dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
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
