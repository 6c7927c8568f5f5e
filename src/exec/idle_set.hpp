// IdleSet: which workers sleep, how many are looking for work, and whom to wake. Thread-safe.
//
// The plan is that of Go's scheduler (proc.go, "worker thread parking/unparking") as restated in
// tokio's idle.rs: a waker wakes one sleeper only when nobody is searching, and whoever goes to
// sleep looks once more after it has said so. Then no work is overlooked:
//   waker:   makes work visible;          then (seq_cst) reads the counts
//   sleeper: leaves the counts (seq_cst); then looks at all queues again
// One of the two sees the other. And no wake-up is useless: with a searcher about, he will find the
// work, and when he does he calls the next one. Who was no searcher looks as well: the last
// searcher may have found other work, and called the next one, just before this worker could be
// seen asleep.
// A single worker never searches, and is asleep or awake by the counts alone: no mutex.
//
// One worker may, instead of sleeping, look around for a moment: it does not search among the
// others, but for what comes from other threads. For that nobody is called then. It is not left
// lying for the same reason:
//   thread outside: makes work visible; fence; reads looks_around_
//   looking worker: looks_around_ = false; fence; takes from that queue; if it is not empty then,
//                   calls another one; runs what it took, before it looks for anything else
#pragma once

#include <weft/atomic.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::detail {

class IdleSet {
 public:
  /// `most`: how many workers there can be; `workers` of them are there, and awake.
  explicit IdleSet(std::size_t workers, std::size_t most = 0);

  static constexpr std::size_t none = ~std::size_t{0};

  /// The word of all numbers, for TaskExecutor::IdleHint.
  [[nodiscard]] const Atomic<std::uint64_t>& counts() const noexcept { return counts_; }

  /// Any thread, after work was made visible: the worker to unpark (it counts as awake and
  /// searching from now on), or none.
  [[nodiscard]] std::size_t worker_to_wake() noexcept;

  /// The same after work from outside was made visible: none, too, while somebody looks around.
  [[nodiscard]] std::size_t worker_to_wake_from_outside() noexcept;

  /// A worker with nothing to run wants to look around, which it does from now on; false: another
  /// one does.
  [[nodiscard]] bool start_look() noexcept {
    // Relaxed: it only has to be one at a time.
    return !looks_around_.load(std::memory_order_relaxed) &&
           !looks_around_.exchange(true, std::memory_order_relaxed);
  }
  /// It has ended. The worker takes, and runs next, something of what has come from outside, and
  /// calls another one if that was not all.
  void end_look() noexcept {
    looks_around_.store(false, std::memory_order_relaxed);
    atomic_fence(std::memory_order_seq_cst);  // pairs with worker_to_wake_from_outside()
  }

  /// A worker with nothing to run wants to search; false: enough others do.
  [[nodiscard]] bool start_search() noexcept;
  /// A searcher has found work. True: he was the last, so another one should be called.
  [[nodiscard]] bool stop_search() noexcept;

  /// Worker `index` is about to sleep. He must look at every queue once more before he does, after
  /// a seq_cst fence.
  void sleep(std::size_t index, bool searching) noexcept;
  /// Whether any worker was not asleep, at this moment. A seq_cst fence before it orders it with
  /// what workers do after awake().
  [[nodiscard]] bool anyone_awake() const noexcept {
    return awake_in(counts_.load(std::memory_order_relaxed)) != 0;
  }
  /// Worker `index` is back. True: somebody woke him through worker_to_wake(), and he counts as
  /// searching; not so the only worker.
  [[nodiscard]] bool awake(std::size_t index) noexcept;

  /// One worker more, which is awake; one less, which was awake and did not search. Not if there is
  /// only one.
  void join() noexcept;
  void leave() noexcept;

 private:
  // Three numbers in one word, as they are compared with each other: 20 bits of who searches, 20 of
  // who is awake, and the rest of how many there are. (TaskExecutor::IdleHint reads it, too.)
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
  /// Whether nobody searches, and somebody sleeps.
  [[nodiscard]] static bool may_wake(std::uint64_t counts) noexcept {
    return searching_in(counts) == 0 && awake_in(counts) < workers_in(counts);
  }

  [[nodiscard]] std::size_t take_sleeper() noexcept;

  const bool single_;  // in a line that nobody writes: who wakes up would wait for the other
  alignas(64) Atomic<std::uint64_t> counts_;
  ThreadMutex mutex_;
  std::vector<std::size_t> sleepers_;  // guarded by mutex_; capacity for all, so it never allocates
  // One worker; see above. Not in the line of the counts, which every fork reads.
  alignas(64) Atomic<bool> looks_around_{false};
};

}  // namespace weft::detail
