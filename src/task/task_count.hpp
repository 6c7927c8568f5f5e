// TaskCount: how many tasks of one owner have begun and not ended, counted by each worker for
// itself, without a read-modify-write. The owner closes when there are none, and takes no more.
//
// Invariants:
//  - a tally is written by its worker's thread alone; it only grows. A task may begin on one and
//    end on another, so only the sums mean anything;
//  - the sum of the ends is read before the sum of the beginnings. Both grow, and no task ends
//    before it has begun, so if they are equal then there was none when the first was complete;
//  - from the first close_if_none() on, `closing_` is set. A beginning that does not see it is seen
//    by every count after that (a light fence here, a heavy one there); one that sees it asks for
//    the mutex, under which the owner closes. So nobody begins after the closing;
//  - in the same way an end that does not see `closing_` is seen by the count, and one that sees it
//    says so to its caller, who tells the one who waits.
//
// Thread-safety: begin() and end() with the tally of the calling thread, or null from any thread;
// the rest from any thread.
#pragma once

#include <weft/atomic.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/asymmetric_fence.hpp"

namespace weft::detail {

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

  /// One more. Throws what throw_shut_down() does, and has counted nothing, if it is closed.
  void begin(Tally* here) {
    if (here == nullptr) return begin_outside();
    add_one(here->begun_);
    light_fence();  // pairs with the heavy one in close_if_none()
    if (closing_.load(std::memory_order_relaxed)) [[unlikely]]
      ask(*here);
  }
  /// One less. Whether somebody may wait for the last one: his to be told.
  [[nodiscard]] bool end(Tally* here) noexcept {
    if (here == nullptr) return end_outside();
    add_one(here->ended_);
    light_fence();  // pairs with the heavy one in close_if_none()
    return closing_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t living() const noexcept;
  /// How many have begun, and ended, so far.
  struct Totals {
    std::uint64_t begun;
    std::uint64_t ended;
  };
  [[nodiscard]] Totals totals() const noexcept;
  /// Closes it if there are none, for ever. Whether it is closed.
  [[nodiscard]] bool close_if_none() noexcept;

 private:
  static void add_one(Atomic<std::uint64_t>& number) noexcept {
    // Release: whoever reads this end has the beginning, too, which another worker counted.
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

}  // namespace weft::detail
