#include "exec/idle_set.hpp"

#include <algorithm>

namespace weft {

IdleSet::IdleSet(std::size_t workers, std::size_t most)
    : counts_(workers * one_awake), workers_(workers) {
  sleepers_.reserve(std::max(workers, most));
}

void IdleSet::join() noexcept {
  const std::lock_guard lock(mutex_);
  workers_.store(size() + 1, std::memory_order_relaxed);
  counts_.fetch_add(one_awake, std::memory_order_seq_cst);
}

void IdleSet::leave() noexcept {
  const std::lock_guard lock(mutex_);
  counts_.fetch_sub(one_awake, std::memory_order_seq_cst);
  workers_.store(size() - 1, std::memory_order_relaxed);
}

bool IdleSet::may_wake(std::uint64_t counts) const noexcept {
  const std::uint64_t searching = counts & (one_awake - 1);
  return searching == 0 && counts / one_awake < size();
}

std::size_t IdleSet::worker_to_wake() noexcept {
  // The fence orders the caller's "work is visible" before the load; pairs with the RMW in sleep().
  atomic_fence(std::memory_order_seq_cst);
  if (!may_wake(counts_.load(std::memory_order_relaxed))) return none;
  if (size() == 1) {
    // Whoever takes the one worker from asleep to awake calls it.
    std::uint64_t asleep = 0;
    return counts_.compare_exchange_strong(asleep, one_awake, std::memory_order_relaxed,
                                           std::memory_order_relaxed)
               ? 0
               : none;
  }
  std::lock_guard lock(mutex_);
  if (sleepers_.empty() || !may_wake(counts_.load(std::memory_order_relaxed))) return none;
  counts_.fetch_add(one_awake + one_searching, std::memory_order_seq_cst);
  const std::size_t index = sleepers_.back();
  sleepers_.pop_back();
  return index;
}

bool IdleSet::start_search() noexcept {
  // Not exact: two may pass at once. It only bounds how many thieves disturb the others.
  const std::uint64_t searching = counts_.load(std::memory_order_relaxed) & (one_awake - 1);
  if (2 * searching >= size()) return false;
  counts_.fetch_add(one_searching, std::memory_order_seq_cst);
  return true;
}

bool IdleSet::stop_search() noexcept {
  return (counts_.fetch_sub(one_searching, std::memory_order_seq_cst) & (one_awake - 1)) == 1;
}

void IdleSet::sleep(std::size_t index, bool searching) noexcept {
  if (size() == 1) {
    // Relaxed: the fence before the caller's look at the queues orders it.
    counts_.store(0, std::memory_order_relaxed);
    return;
  }
  std::lock_guard lock(mutex_);
  const std::uint64_t change = one_awake + (searching ? one_searching : 0);
  counts_.fetch_sub(change, std::memory_order_seq_cst);
  sleepers_.push_back(index);
}

bool IdleSet::awake(std::size_t index) noexcept {
  if (size() == 1) {
    counts_.store(one_awake, std::memory_order_relaxed);
    return false;  // there is nobody to search among
  }
  std::lock_guard lock(mutex_);
  const auto place = std::find(sleepers_.begin(), sleepers_.end(), index);
  if (place == sleepers_.end()) return true;  // taken out, and counted, by worker_to_wake()
  sleepers_.erase(place);
  counts_.fetch_add(one_awake, std::memory_order_seq_cst);
  return false;
}

}  // namespace weft
