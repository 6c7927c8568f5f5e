// IdlePolicy: what a worker does that has nothing to run. It spins for work from other threads, for
// some microseconds, or parks at once. To park and be woken takes tens of microseconds; to be found
// spinning takes less than one. But spinning in vain uses a processor that others may want.
//
// So a worker spins only after parks have shown that spinning pays: they were ended soon, by work
// from another thread. (A park that I/O or a timer ends starts the count again.)
//   a spin that finds work      the next one may last most_spin_ns
//   a spin in vain              the next one may last half as long; below least_spin_ns there is
//                               none, until parks have shown again that it pays
//   spinning has stopped        twice as many short parks in a row as before must show that it
//                               pays, at most most_signs
// (Competitive spinning: Karlin et al., "Empirical Studies of Competitive Spinning for a
// Shared-Memory Multiprocessor", 1991.)
//
// Spin: one spin, as told the time. LifoPatience: how long a thief waits for the owners of LIFO
// slots.
//
// Pure data structures: they are told the time and read no clock. One thread, the worker's.
#pragma once

#include <weft/atomic.hpp>

#include <algorithm>
#include <cstdint>

namespace weft::inline v0_1::detail {

class IdlePolicy {
 public:
  static constexpr std::int64_t most_spin_ns = 20'000;
  static constexpr std::int64_t least_spin_ns = 2'500;
  /// Spinning could not have avoided parks longer than this.
  static constexpr std::int64_t short_park_ns = 100'000;
  static constexpr std::uint32_t most_signs = 64;

  /// `may_spin`: there is a processor for the other threads meanwhile.
  explicit IdlePolicy(bool may_spin) noexcept : may_spin_(may_spin) {}

  [[nodiscard]] bool may_spin() const noexcept { return may_spin_; }
  /// How long to spin now, before parking; 0: park at once.
  [[nodiscard]] std::int64_t spin_ns() const noexcept { return spin_ns_; }
  /// Whether the next park is to be timed, for parked().
  [[nodiscard]] bool times_parks() const noexcept { return may_spin_ && spin_ns_ == 0; }

  /// The worker has spun, and has got work or not.
  void spun(bool found) noexcept {
    if (found) {
      spin_ns_ = most_spin_ns;
      signs_needed_ = 1;
      return;
    }
    spin_ns_ /= 2;
    if (spin_ns_ >= least_spin_ns) return;
    spin_ns_ = 0;
    signs_needed_ = std::min(2 * signs_needed_, most_signs);
    signs_ = 0;
  }
  /// The worker was parked for that long, without a spin before. `by_work`: work from another
  /// thread has ended it.
  void parked(std::int64_t lasted_ns, bool by_work) noexcept {
    // A clock that stands still starts the count again, too.
    if (!by_work || lasted_ns <= 0 || lasted_ns > short_park_ns) {
      signs_ = 0;
    } else if (++signs_ >= signs_needed_) {
      spin_ns_ = most_spin_ns;
    }
  }

 private:
  bool may_spin_;
  std::int64_t spin_ns_ = 0;
  std::uint32_t signs_ = 0;         // short parks in a row that work has ended
  std::uint32_t signs_needed_ = 1;  // before it spins
};

/// One spin: rounds of looks, with a look at the clock after each round.
class Spin {
 public:
  static constexpr int looks_a_round = WEFT_ATOMIC_MODE == 2 ? 1 : 16;

  Spin(std::int64_t now_ns, std::int64_t limit_ns) noexcept
      : until_ns_(now_ns + limit_ns), rounds_left_(limit_ns / least_round_ns) {}

  /// Before a round: whether it may begin. The clock may stand still, so rounds are counted too.
  [[nodiscard]] bool begin_round() noexcept { return rounds_left_-- > 0; }
  /// After a round: whether the time is over.
  [[nodiscard]] bool over(std::int64_t now_ns) const noexcept { return now_ns >= until_ns_; }

 private:
  static constexpr std::int64_t least_round_ns = 50;  // no round is shorter

  std::int64_t until_ns_;
  std::int64_t rounds_left_;
};

/// How many pauses a thief has, in one search, for the owners of all LIFO slots together. The owner
/// of a slot mostly comes back for it soon: it is the other half of an exchange, which is best left
/// where it is. (Go's thieves sleep for 3 us before that: runtime/proc.go, runqgrab.)
class LifoPatience {
 public:
  static constexpr int pauses = WEFT_ATOMIC_MODE == 2 ? 4 : 400;
  /// For one owner that does not come: some microseconds, about as long as the theft takes.
  static constexpr int pauses_an_owner = pauses / 2;
  /// An owner whose loop has been seen to advance this often takes its slot itself.
  static constexpr int advances_of_a_lively_owner = 2;

  explicit LifoPatience(int left = pauses) noexcept : left_(left) {}

  /// One pause is spent. False: there is none left.
  [[nodiscard]] bool spend() noexcept {
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  int left_;
};

}  // namespace weft::inline v0_1::detail
