// What workers do for each other: taking work from one another's queues, and standing in for one
// that is in block_in_place().
#include <utility>

#include "exec/scheduler.hpp"
#include "exec/worker.hpp"

namespace weft::detail {

/// What waits behind a run of another worker that has lasted since the last look; else null.
Runnable* Worker::rescue() noexcept {
  Worker& watched = scheduler_.worker(watched_);
  const std::uint64_t turns = watched.turns();
  if (&watched != this && turns == watched_turns_) {
    Runnable* work = watched.steal_for(*this);
    if (work == nullptr) work = watched.steal_lifo(turns);
    if (work != nullptr) {
      counts_.steals.add();
      return work;
    }
  }
  watched_ = watched_ + 1 < scheduler_.size() ? watched_ + 1 : 0;
  if (watched_ == index_) watched_ = watched_ + 1 < scheduler_.size() ? watched_ + 1 : 0;
  watched_turns_ = scheduler_.worker(watched_).turns();
  return nullptr;
}

Runnable* Worker::steal_for(Worker& thief) noexcept { return stealer_.steal_into(thief.local_); }

Runnable* Worker::steal_lifo(std::uint64_t turns) noexcept {
  return this->turns() == turns ? lifo_.steal() : nullptr;
}

Runnable* Worker::steal_lifo(Worker& thief, int& patience) noexcept {
  std::uint64_t seen = turns();
  // Who shares its processor with the owner waits in vain.
  if (!spin_.allowed()) return steal_lifo(seen);
  int comings = 0;
  for (int pauses = 0; pauses < lifo_grace; ++pauses) {
    if (lifo_.empty() || has_work() || thief.arrivals() != 0 || patience == 0) return nullptr;
    --patience;
    spin_hint();
    if (const std::uint64_t now = turns(); now != seen) {
      // Who comes again and again will take it; who has come once may run something else now, and
      // for long.
      if (++comings == lively) return nullptr;
      seen = now;
      pauses = 0;
    }
  }
  return steal_lifo(seen);
}

// Standing in, and being stood in for

void Worker::hand_over() noexcept {
  IntrusiveQueue<Runnable> all;
  if (Runnable* const next = lifo_.take()) all.push_back(next);
  while (Runnable* const work = pop()) all.push_back(work);
  if (all.empty()) return;
  scheduler_.inject(all);
  scheduler_.wake_one();
}

/// From now on it neither counts as awake nor can it be called for others' work.
void Worker::retire() noexcept {
  if (std::exchange(searching_, false) && scheduler_.idle().stop_search()) scheduler_.wake_one();
  scheduler_.idle().leave();
  hand_over();
}

void Worker::come_back() noexcept { scheduler_.idle().join(); }

void Worker::serve() noexcept {
  tick_ += 1 + pinned_.take_direct_runs();
  turns_.store(tick_, std::memory_order_relaxed);
  Runnable* work = pinned_.pop(0);
  if (work == nullptr) work = demoted_.pop_front();
  if (work != nullptr) {
    come_back();  // a task may compute for long: the watchdog must not sleep meanwhile
    scheduler_.worker_woke();
    run(*work);
    scheduler_.idle().leave();
    // A system call a run: fibers that stay behind are few. It may take an unpark; so the stop
    // condition is asked before this worker parks.
    static_cast<void>(park_.poll_now());
    return hand_over();
  }
  hand_over();
  if (!pinned_.prepare_sleep()) return;
  counts_.parks.add();
  park_.park();
  pinned_.awake();
  hand_over();
}

}  // namespace weft::detail
