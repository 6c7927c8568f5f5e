// TaskCount: the rare paths, and the sums. The proof is in task_count.hpp.
#include "task/task_count.hpp"

#include <weft/spawn.hpp>

#include <mutex>

namespace weft::inline v0_1::detail {

TaskCount::TaskCount(std::size_t workers)
    : workers_(workers), tallies_(std::make_unique<Tally[]>(workers)) {
  prepare_light_fences();
}

/// A task was counted as begun while the owner is closing: takes it back, and throws, if it is
/// closed.
void TaskCount::ask(Tally& here) {
  const std::lock_guard lock(mutex_);
  if (!closed_) return;
  add_one(here.ended_);
  throw_shut_down();
}

void TaskCount::begin_outside() {
  const std::lock_guard lock(mutex_);
  if (closed_) throw_shut_down();
  ++begun_outside_;
}

bool TaskCount::end_outside() noexcept {
  const std::lock_guard lock(mutex_);
  ++ended_outside_;
  return true;
}

/// With the mutex held.
TaskCount::Totals TaskCount::sum() const noexcept {
  std::uint64_t ended = ended_outside_;
  for (std::size_t i = 0; i < workers_; ++i) {
    // Acquire: pairs with add_one(). The beginnings of the tasks that ended are then seen below.
    ended += tallies_[i].ended_.load(std::memory_order_acquire);
  }
  std::uint64_t begun = begun_outside_;
  for (std::size_t i = 0; i < workers_; ++i) {
    begun += tallies_[i].begun_.load(std::memory_order_acquire);
  }
  return {begun, ended};
}

TaskCount::Totals TaskCount::totals() const noexcept {
  const std::lock_guard lock(mutex_);
  return sum();
}

std::size_t TaskCount::living() const noexcept {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(count());
}

bool TaskCount::close_if_none() noexcept {
  if (!closing_.load(std::memory_order_relaxed)) {
    closing_.store(true, std::memory_order_relaxed);
    heavy_fence();  // once is enough: later beginnings and ends see closing_
  }
  const std::lock_guard lock(mutex_);
  closed_ = closed_ || count() == 0;
  return closed_;
}

}  // namespace weft::inline v0_1::detail
