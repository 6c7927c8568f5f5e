// SliceDetector: finds runs of a worker that last long, at the price of a look at the clock every
// so many runs. FairShare: when a task that has run for long may run again.
//
// A window is a fixed number of runs of the worker. After a window that took long, each of the next
// runs is timed, until none among `timed_runs` of them was long. A task that has run for long and
// comes back for more is demoted: other tasks of that worker have as much time as it has used
// before it goes on. So a task that computes in slices, and yields between them, has half of the
// time at most while there is other work; and the other work advances at its usual pace in the
// other half. (Round robin by turns would give the computing task nearly all. Shares by time used
// are the idea of fair queuing; demotion of heavy users, of the multilevel feedback queue: Corbató
// et al., "An Experimental Time-Sharing System", 1962.)
//
// Pure data structures: they are told the time and read no clock. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace weft::inline v0_1::detail {

/// Limits the heavy users of a worker's time to half of it, together, while other work waits.
class FairShare {
 public:
  /// A heavy user is made to wait no longer than this, however long it has run.
  static constexpr std::int64_t most_owed_ns = 10'000'000;

  /// A heavy user has run for `lasted_ns`.
  void used(std::int64_t now_ns, std::int64_t lasted_ns) noexcept {
    due_at_ns_ = now_ns + std::min(lasted_ns, most_owed_ns);
  }
  /// Whether other work has had as much time since.
  [[nodiscard]] bool is_due(std::int64_t now_ns) const noexcept { return now_ns >= due_at_ns_; }

 private:
  std::int64_t due_at_ns_ = std::numeric_limits<std::int64_t>::min();
};

class SliceDetector {
 public:
  /// A run, or a window, of at least that is long.
  static constexpr std::int64_t long_ns = 100'000;
  static constexpr std::int64_t long_window_ns = 2 * long_ns;
  /// How many runs are timed after a window that took long, or after a long run.
  static constexpr std::uint32_t timed_runs = 1024;
  /// If long windows follow each other without a long run in them, runs are timed after ever fewer
  /// of them: at most this many long windows in a row are ignored.
  static constexpr std::uint32_t most_ignored = 63;

  /// The worker was parked, or its thread elsewhere: the current window is void.
  void interrupted() noexcept { window_began_ns_ = never; }
  /// A window ends, and the next one begins.
  void window_ended(std::int64_t now_ns) noexcept {
    const std::int64_t began_ns = std::exchange(window_began_ns_, now_ns);
    if (timed() || began_ns == never) return;
    if (now_ns - began_ns < long_window_ns) {
      ignored_ = next_ignored_ = 0;
    } else if (ignored_ != 0) {
      --ignored_;
    } else {
      timed_left_ = timed_runs;
      ignored_ = next_ignored_;
      next_ignored_ = std::min(2 * next_ignored_ + 1, most_ignored);
    }
  }

  /// Whether the worker is to call run_begins() and run_ended() around the next run, or is in such
  /// a run.
  [[nodiscard]] bool timed() const noexcept { return timed_left_ != 0; }
  /// The next run is timed in any case.
  void time_next() noexcept { timed_left_ = std::max(timed_left_, std::uint32_t{1}); }
  void run_begins(std::int64_t now_ns) noexcept { run_began_ns_ = now_ns; }
  void run_ended() noexcept { --timed_left_; }
  /// In a timed run: how long it has lasted, if that is long; else 0.
  [[nodiscard]] std::int64_t long_so_far(std::int64_t now_ns) noexcept {
    const std::int64_t lasted_ns = now_ns - run_began_ns_;
    if (lasted_ns < long_ns) return 0;
    timed_left_ = timed_runs;
    ignored_ = next_ignored_ = 0;
    return lasted_ns;
  }

 private:
  static constexpr std::int64_t never = -1;

  std::uint32_t timed_left_ = 0;
  std::uint32_t ignored_ = 0;
  std::uint32_t next_ignored_ = 0;
  std::int64_t window_began_ns_ = never;
  std::int64_t run_began_ns_ = 0;
};

}  // namespace weft::inline v0_1::detail
