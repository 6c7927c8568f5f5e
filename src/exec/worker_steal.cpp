// How a worker takes work from other workers' queues.
#include <utility>

#include "exec/worker.hpp"

namespace weft::inline v0_1::detail {

/// Steals, if not too many other workers search already.
Runnable* Worker::search() noexcept {
  if (single_) return nullptr;
  if (!searching_) searching_ = pool_.idle().start_search();
  if (!searching_) return nullptr;
  Runnable* const work = steal();
  if (work != nullptr) counts_.steals.add();
  return work;
}

/// For a worker that searches. True: it was the last that did.
bool Worker::stop_search() noexcept {
  searching_ = false;
  return pool_.idle().stop_search();
}

Runnable* Worker::steal() noexcept {
  if (Runnable* const work = steal_queued()) return work;
  LifoPatience patience;
  bool tried = false;
  const std::size_t workers = pool_.size();
  for (std::size_t step = 1; step < workers; ++step) {
    Worker& victim = pool_.worker((index_ + step) % workers);
    if (!victim.has_any_work()) continue;
    tried = true;
    if (Runnable* const work = victim.steal_lifo(*this, patience)) return work;
  }
  // What came meanwhile has woken no worker, as this one searches.
  return tried ? steal_queued() : nullptr;
}

/// From another worker's run queue, or the injector.
Runnable* Worker::steal_queued() noexcept {
  const std::size_t workers = pool_.size();
  // From the neighbour on, so that not all thieves begin with the same victim.
  for (std::size_t step = 1; step < workers; ++step) {
    Worker& victim = pool_.worker((index_ + step) % workers);
    if (Runnable* const work = victim.steal_half(*this)) return work;
  }
  return pool_.injector().pop();
}

Runnable* Worker::steal_lifo(Worker& thief, LifoPatience& patience) noexcept {
  std::uint64_t seen = ticks();
  // A thief that shares the owner's processor keeps the owner from coming.
  if (!idle_policy_.may_spin()) return steal_lifo(seen);
  int advances = 0;
  for (int pauses = 0; pauses < LifoPatience::pauses_an_owner; ++pauses) {
    if (queues_.lifo_empty() || has_stealable() || thief.arrivals() != 0 || !patience.spend()) {
      return nullptr;
    }
    spin_hint();
    if (const std::uint64_t now = ticks(); now != seen) {
      // One advance does not show that the owner will come back soon: the run that began then may
      // last long. So the thief counts its pauses anew, and gives up at the second advance.
      if (++advances == LifoPatience::advances_of_a_lively_owner) return nullptr;
      seen = now;
      pauses = 0;
    }
  }
  return steal_lifo(seen);
}

/// Work of the watched worker, if its loop has not advanced since the last call; else null, and the
/// next worker is watched.
Runnable* Worker::steal_from_stalled() noexcept {
  Worker& watched = pool_.worker(watched_.index);
  const std::uint64_t ticks = watched.ticks();
  if (&watched != this && ticks == watched_.ticks) {
    Runnable* work = watched.steal_half(*this);
    if (work == nullptr) work = watched.steal_lifo(ticks);
    if (work != nullptr) {
      counts_.steals.add();
      return work;
    }
  }
  watch_next();
  return nullptr;
}

void Worker::watch_next() noexcept {
  const auto after = [this](std::size_t index) { return index + 1 < pool_.size() ? index + 1 : 0; };
  watched_.index = after(watched_.index);
  if (watched_.index == index_) watched_.index = after(watched_.index);
  watched_.ticks = pool_.worker(watched_.index).ticks();
}

}  // namespace weft::inline v0_1::detail
