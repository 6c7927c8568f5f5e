// TaskCount: the number of an owner's tasks that have begun and not ended. Each worker counts for
// itself, without a read-modify-write. The owner (a runtime) closes the count when it is zero; a
// closed count refuses further tasks.
//
// Invariants and proof (tests/model/task_count_model_test.cpp explores the interleavings):
//  - a tally is written by its worker's thread alone, and only grows. A task may begin on one
//    worker and end on another, so only the sums mean anything;
//  - the sum of the ends is read before the sum of the beginnings. Both grow, and no task ends
//    before it has begun. So if the sums are equal, no task was living when the first sum was
//    complete;
//  - `closing_` is set from the first close_if_none() on. A beginning that does not see it is seen
//    by every later count: the light fence in begin() pairs with the heavy fence in
//    close_if_none(). A beginning that sees it takes the mutex, under which the owner closes. So no
//    task begins after the closing;
//  - in the same way, an end that does not see `closing_` is seen by the count. An end that sees it
//    returns true, and its caller wakes the thread that waits for the last end.
//
// Thread-safety: begin() and end() take the tally of the calling thread, or null on any thread. The
// other functions are for any thread.
#pragma once

#include <weft/atomic.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/asymmetric_fence.hpp"

namespace weft::inline v0_1::detail {

/// What one worker has counted.
class alignas(64) TaskTally {
 public:
  /// How many have begun, and ended, on this worker. Any thread.
  [[nodiscard]] std::uint64_t begun() const noexcept {
    return begun_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t ended() const noexcept {
    return ended_.load(std::memory_order_relaxed);
  }

 private:
  friend class TaskCount;
  Atomic<std::uint64_t> begun_{0};
  Atomic<std::uint64_t> ended_{0};
};

class TaskCount {
 public:
  using Tally = TaskTally;

  explicit TaskCount(std::size_t workers);

  [[nodiscard]] Tally& of_worker(std::size_t index) noexcept { return tallies_[index]; }

  /// Counts a beginning. If the count is closed, throws what throw_shut_down() throws, without
  /// effect.
  void begin(Tally* here) {
    if (here == nullptr) return begin_outside();
    add_one(here->begun_);
    light_fence();  // pairs with the heavy fence in close_if_none(), and orders the relaxed load
    if (closing_.load(std::memory_order_relaxed)) [[unlikely]]
      ask(*here);
  }
  /// Counts an end. True: a thread may be waiting for the last one, and the caller must wake it.
  [[nodiscard]] bool end(Tally* here) noexcept {
    if (here == nullptr) return end_outside();
    add_one(here->ended_);
    light_fence();  // as in begin()
    return closing_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t living() const noexcept;
  /// The numbers of tasks that have begun and that have ended so far.
  struct Totals {
    std::uint64_t begun;
    std::uint64_t ended;
  };
  [[nodiscard]] Totals totals() const noexcept;
  /// Closes the count for ever if it is zero. Returns whether it is closed.
  [[nodiscard]] bool close_if_none() noexcept;

 private:
  static void add_one(Atomic<std::uint64_t>& number) noexcept {
    // Release: a thread that reads this end (acquire, in sum()) also sees the task's beginning,
    // which another worker may have counted. Relaxed load: only this thread writes the number.
    number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  void ask(Tally& here);
  void begin_outside();
  [[nodiscard]] bool end_outside() noexcept;
  [[nodiscard]] Totals sum() const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept {
    const Totals totals = sum();
    return totals.begun - totals.ended;
  }

  std::size_t workers_;
  std::unique_ptr<Tally[]> tallies_;
  Atomic<bool> closing_{false};
  mutable ThreadMutex mutex_;
  std::uint64_t begun_outside_ = 0;  // these three are guarded by mutex_
  std::uint64_t ended_outside_ = 0;
  bool closed_ = false;
};

}  // namespace weft::inline v0_1::detail
