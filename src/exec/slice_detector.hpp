// SliceDetector: which of a worker's runs last long, for the price of a look at the clock every so many
// runs. FairShare: when the task that made one may have its next turn.
//
// The worker's runs are taken in windows. If one of them took long, then each of the next runs is
// timed, until a long one is found among them, and for a while after that. Who has run for long and
// comes back for more is set back: the others of that worker have as much time as it has had before
// it goes on. So a task that computes in slices, and lets the others run between them, has half of
// the time at most as long as there is other work; what waits beside it runs at its usual pace in
// the other half. (Round robin by turns would give it nearly all. Shares by time used are the idea
// of fair queuing; demoting who uses much, of the multilevel feedback queue: Corbató et al., "An
// Experimental Time-Sharing System", 1962.)
//
// Pure data structures: they are told the time and ask nobody. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace weft::detail {

/// Of those who use much of a worker's time: not more than half, while others wait.
class FairShare {
 public:
  /// The others never wait their turn for longer.
  static constexpr std::int64_t most_owed_ns = 10'000'000;

  /// One of them has run for so long.
  void used(std::int64_t now_ns, std::int64_t lasted_ns) noexcept {
    due_at_ns_ = now_ns + std::min(lasted_ns, most_owed_ns);
  }
  /// Whether all others have had as much time as the last of them.
  [[nodiscard]] bool is_due(std::int64_t now_ns) const noexcept { return now_ns >= due_at_ns_; }

 private:
  std::int64_t due_at_ns_ = std::numeric_limits<std::int64_t>::min();
};

class SliceDetector {
 public:
  /// A run that lasts so long is long; so is a window.
  static constexpr std::int64_t long_ns = 100'000;
  static constexpr std::int64_t long_window_ns = 2 * long_ns;
  /// How many runs are timed after a window that took long, or after a long run.
  static constexpr std::uint32_t timed_runs = 1024;
  /// If one window after the other takes long without a long run in it, ever fewer of them have
  /// their consequences; at most so many in a row have none.
  static constexpr std::uint32_t most_ignored = 63;

  /// The worker has slept, or been elsewhere: the window is void.
  void interrupted() noexcept { window_began_ns_ = never; }
  /// The next window begins.
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

  /// Whether the worker is to call run_begins() and run_ended() around the next run, or has done
  /// so.
  [[nodiscard]] bool timed() const noexcept { return timed_left_ != 0; }
  /// The next run is to be timed in any case.
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

}  // namespace weft::detail
