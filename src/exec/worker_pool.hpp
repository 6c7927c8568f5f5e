// WorkerPool: what the workers of one scheduler share: the queues that each of them may take from,
// which of them are idle, and how to wake one. It calls nothing of a worker but its park's
// unpark(): worker.hpp includes this file, and not the other way round.
// Thread-safe, but for construction, add() and watched_by().
#pragma once

#include <weft/extend/runnable.hpp>

#include <cstddef>
#include <vector>

#include "base/intrusive_queue.hpp"
#include "exec/idle_set.hpp"
#include "exec/injector.hpp"
#include "exec/park.hpp"
#include "exec/watchdog_parker.hpp"

namespace weft::inline v0_1::detail {

class Worker;

class WorkerPool {
 public:
  /// `workers` of `most` are there when the threads start, awake; the others come later.
  WorkerPool(std::size_t workers, std::size_t most)
      : members_(most), idle_(workers, most), single_(most == 1) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // The workers
  /// The next index is `worker`'s. One thread at a time.
  void add(Worker& worker, Park& park) noexcept;
  /// How many there are, spares included.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_.load(std::memory_order_acquire);  // pairs with add()
  }
  [[nodiscard]] std::size_t most() const noexcept { return members_.size(); }
  /// Whether there is one, and will never be another: then there are no thieves.
  [[nodiscard]] bool single() const noexcept { return single_; }
  [[nodiscard]] Worker& worker(std::size_t index) noexcept { return *members_[index].worker; }
  [[nodiscard]] IdleSet& idle() noexcept { return idle_; }

  // The queues
  /// What comes from outside, and what overflows a worker's own queue.
  [[nodiscard]] Injector<Runnable>& injector() noexcept { return injector_; }
  [[nodiscard]] Injector<Runnable>& high() noexcept { return high_; }
  [[nodiscard]] Injector<Runnable>& low() noexcept { return low_; }
  /// Tasks that have run for long and let others go first: see SliceDetector.
  [[nodiscard]] Injector<Runnable>& demoted() noexcept { return demoted_; }
  /// Puts all of `batch` into the injector, and wakes no worker.
  void inject(IntrusiveQueue<Runnable>& batch) noexcept;
  /// Puts `work` among the demoted tasks.
  void demote(Runnable& work) noexcept;
  /// How much there is of what a spinning worker looks for: in the injector, and of high priority.
  /// A hint.
  [[nodiscard]] std::size_t arrivals() const noexcept { return injector_.size() + high_.size(); }
  /// How much there is in all queues. A hint.
  [[nodiscard]] std::size_t queued() const noexcept {
    return arrivals() + demoted_.size() + low_.size();
  }

  // Waking
  /// After work was made visible: wakes a parked worker, if there is one and no other searches.
  void wake_one() noexcept { wake(idle_.worker_to_wake()); }
  /// The same after work was put where a spinning worker looks: none if one spins.
  void wake_one_from_outside() noexcept { wake(idle_.worker_to_wake_from_outside()); }
  void unpark_all() noexcept;
  /// A worker is awake that was parked a moment ago.
  void worker_woke() noexcept {
    if (watchdog_ != nullptr) watchdog_->wake();
  }
  /// Before the workers run: what worker_woke() wakes.
  void watched_by(WatchdogParker& watchdog) noexcept { watchdog_ = &watchdog; }

 private:
  struct Member {
    Worker* worker = nullptr;
    Park* park = nullptr;
  };

  void wake(std::size_t index) noexcept {
    if (index != IdleSet::none) members_[index].park->unpark();
  }

  std::vector<Member> members_;  // as many as there can be; the first size_ are
  Atomic<std::size_t> size_{0};
  Injector<Runnable> injector_;
  Injector<Runnable> demoted_;
  Injector<Runnable> high_;
  Injector<Runnable> low_;
  IdleSet idle_;
  WatchdogParker* watchdog_ = nullptr;
  const bool single_;
};

}  // namespace weft::inline v0_1::detail
