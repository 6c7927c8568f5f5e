#include "exec/idle_set.hpp"

#include <algorithm>

namespace weft::inline v0_1::detail {

IdleSet::IdleSet(std::size_t workers, std::size_t most)
    : single_(std::max(workers, most) == 1), counts_(workers * (one_worker + one_awake)) {
  sleepers_.reserve(std::max(workers, most));
}

void IdleSet::join() noexcept {
  counts_.fetch_add(one_worker + one_awake, std::memory_order_seq_cst);
}

void IdleSet::leave() noexcept {
  counts_.fetch_sub(one_worker + one_awake, std::memory_order_seq_cst);
}

std::size_t IdleSet::worker_to_wake() noexcept {
  // The fence orders the caller's "work is visible" before the load; pairs with the RMW in sleep().
  atomic_fence(std::memory_order_seq_cst);
  return take_sleeper();
}

std::size_t IdleSet::worker_to_wake_from_outside() noexcept {
  atomic_fence(std::memory_order_seq_cst);  // as above; and pairs with end_spin()
  if (spinning_.load(std::memory_order_relaxed)) return none;
  return take_sleeper();
}

std::size_t IdleSet::take_sleeper() noexcept {
  if (!may_wake(counts_.load(std::memory_order_relaxed))) return none;
  if (single_) {
    // The thread that turns the one worker from parked to awake unparks it.
    std::uint64_t asleep = one_worker;
    return counts_.compare_exchange_strong(asleep, one_worker + one_awake,
                                           std::memory_order_relaxed, std::memory_order_relaxed)
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
  const std::uint64_t counts = counts_.load(std::memory_order_relaxed);
  if (2 * searching_in(counts) >= workers_in(counts)) return false;
  counts_.fetch_add(one_searching, std::memory_order_seq_cst);
  return true;
}

bool IdleSet::stop_search() noexcept {
  return searching_in(counts_.fetch_sub(one_searching, std::memory_order_seq_cst)) == 1;
}

void IdleSet::sleep(std::size_t index, bool searching) noexcept {
  if (single_) {
    // Relaxed: the fence before the caller's look at the queues orders it.
    counts_.store(one_worker, std::memory_order_relaxed);
    return;
  }
  std::lock_guard lock(mutex_);
  const std::uint64_t change = one_awake + (searching ? one_searching : 0);
  counts_.fetch_sub(change, std::memory_order_seq_cst);
  sleepers_.push_back(index);
}

bool IdleSet::awake(std::size_t index) noexcept {
  if (single_) {
    counts_.store(one_worker + one_awake, std::memory_order_relaxed);
    return false;  // there are no others to search among
  }
  std::lock_guard lock(mutex_);
  const auto place = std::find(sleepers_.begin(), sleepers_.end(), index);
  if (place == sleepers_.end()) return true;  // taken out, and counted, by worker_to_wake()
  sleepers_.erase(place);
  counts_.fetch_add(one_awake, std::memory_order_seq_cst);
  return false;
}

}  // namespace weft::inline v0_1::detail
