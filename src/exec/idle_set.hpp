// IdleSet: which workers are parked, how many search for work, and which one to wake. Thread-safe.
//
// The plan is that of Go's scheduler (proc.go, "worker thread parking/unparking") as restated in
// tokio's idle.rs. To make work runnable wakes a parked worker only if no other searches, and a
// worker that is about to park looks at all queues once more. Why no work is overlooked:
//   waker:   makes work visible;          then (seq_cst) reads the counts
//   sleeper: leaves the counts (seq_cst); then looks at all queues again
// One of the two sees the other. Why no wake-up is needed while a worker searches: the searcher
// finds the work, and when it does it wakes the next one. A worker that has not searched looks at
// the queues again as well: the last searcher may have found other work, and woken the next one,
// just before this worker counted as parked.
// With a single worker there are no searchers and no list of the parked: the counts alone say
// whether it is parked, so there is no mutex.
//
// One worker may spin instead of parking: for work from other threads alone, so it does not count
// as a searcher. For such work no worker is woken meanwhile. Why none is overlooked:
//   thread outside:  makes work visible; fence; reads spinning_
//   spinning worker: spinning_ = false;  fence; takes from that queue; if it is not empty then,
//                    wakes another one; runs what it took before it looks for anything else
// One of the two sees the other.
#pragma once

#include <weft/atomic.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::inline v0_1::detail {

class IdleSet {
 public:
  /// Of at most `most` workers; `workers` of them are there, and awake.
  explicit IdleSet(std::size_t workers, std::size_t most = 0);

  static constexpr std::size_t none = ~std::size_t{0};

  /// The word of all counts, for TaskExecutor::IdleHint.
  [[nodiscard]] const Atomic<std::uint64_t>& counts() const noexcept { return counts_; }

  /// Any thread, after work was made visible: returns the worker to unpark, which counts as awake
  /// and searching from now on, or none.
  [[nodiscard]] std::size_t worker_to_wake() noexcept;

  /// The same after work from outside was made visible: none, too, while a worker spins.
  [[nodiscard]] std::size_t worker_to_wake_from_outside() noexcept;

  /// The calling worker spins from now on. False: another one does.
  [[nodiscard]] bool start_spin() noexcept {
    // Relaxed: it only has to be one at a time.
    return !spinning_.load(std::memory_order_relaxed) &&
           !spinning_.exchange(true, std::memory_order_relaxed);
  }
  /// The calling worker spins no more. It must then take work that has come from outside, run that
  /// next, and wake another worker if there was more.
  void end_spin() noexcept {
    spinning_.store(false, std::memory_order_relaxed);
    atomic_fence(std::memory_order_seq_cst);  // pairs with worker_to_wake_from_outside()
  }

  /// The calling worker searches from now on. False: enough others do.
  [[nodiscard]] bool start_search() noexcept;
  /// The calling worker searches no more. True: it was the last searcher. If it has found work it
  /// must wake another worker then.
  [[nodiscard]] bool stop_search() noexcept;

  /// Worker `index` counts as parked. Before it parks it must look at every queue once more, after
  /// a seq_cst fence.
  void sleep(std::size_t index, bool searching) noexcept;
  /// Whether any worker was awake at this moment. A seq_cst fence before the call orders it with
  /// what workers do after awake().
  [[nodiscard]] bool anyone_awake() const noexcept {
    return awake_in(counts_.load(std::memory_order_relaxed)) != 0;
  }
  /// Worker `index` counts as awake. True: worker_to_wake() has returned it, so it counts as
  /// searching. A single worker never does.
  [[nodiscard]] bool awake(std::size_t index) noexcept;

  /// One worker more, which is awake; one less, which was awake and did not search. Not with a
  /// single worker.
  void join() noexcept;
  void leave() noexcept;

 private:
  // Three numbers in one word, as they are compared with each other:
  //   bits 0–19   workers that search
  //   bits 20–39  workers that are awake
  //   bits 40–63  workers
  // (TaskExecutor::IdleHint reads it, too.)
  static constexpr std::uint64_t one_searching = 1;
  static constexpr std::uint64_t one_awake = std::uint64_t{1} << 20;
  static constexpr std::uint64_t one_worker = std::uint64_t{1} << 40;
  [[nodiscard]] static std::uint64_t searching_in(std::uint64_t counts) noexcept {
    return counts % one_awake;
  }
  [[nodiscard]] static std::uint64_t awake_in(std::uint64_t counts) noexcept {
    return counts % one_worker / one_awake;
  }
  [[nodiscard]] static std::uint64_t workers_in(std::uint64_t counts) noexcept {
    return counts / one_worker;
  }
  /// Whether no worker searches, and one at least is parked.
  [[nodiscard]] static bool may_wake(std::uint64_t counts) noexcept {
    return searching_in(counts) == 0 && awake_in(counts) < workers_in(counts);
  }

  [[nodiscard]] std::size_t take_sleeper() noexcept;

  const bool single_;  // in a cache line that is never written
  alignas(64) Atomic<std::uint64_t> counts_;
  ThreadMutex mutex_;
  std::vector<std::size_t> sleepers_;  // guarded by mutex_; capacity for all, so it never allocates
  // Written by one worker at a time. Not in the cache line of counts_, which every fork reads.
  alignas(64) Atomic<bool> spinning_{false};
};

}  // namespace weft::inline v0_1::detail
