// Fairness: what a worker's loop is due to look at next, so that nothing runnable waits without end
// for a worker that is busy. Decisions only; Worker carries them out.
//
//   every 61 ticks    the injector, before the worker's own queues
//   every 127 ticks   the park, for timers and I/O
//   at either         a demoted task or one of low priority, in turns if both are due. Low priority
//                     is due after low_interval of these looks into the injector since the last
//                     task of low priority. Neither kind is taken before other work has had as
//                     much time as the last charged run lasted (FairShare::most_owed_ns at most).
//                     A run is charged if it lasted long and either its task comes back for more
//                     or it was of low priority. A short run of low priority ends the wait
// A tick is a run, or a round of the loop that found nothing.
//
// A pure data structure: it is told the time and reads no clock. One thread, the worker's.
#pragma once

#include <cstdint>
#include <utility>

#include "exec/slice_detector.hpp"

namespace weft::inline v0_1::detail {

class Fairness {
 public:
  static constexpr std::uint32_t injector_interval = 61;
  static constexpr std::uint32_t poll_interval = 127;
  /// After this many looks into the injector, low priority may come before normal work.
  static constexpr std::uint32_t low_interval = 8;
  /// Runs in a row that may bypass the loop, each begun by the one before it: a yield to a pinned
  /// task, for example.
  static constexpr std::uint32_t direct_limit = injector_interval;

  // Ticks
  /// The loop begins a round, after `direct_runs` that have bypassed it.
  void begin_round(std::uint32_t direct_runs) noexcept { ticks_ += 1 + direct_runs; }
  /// A run bypasses the loop, and is not in what begin_round() will be told.
  void count_direct_run() noexcept { ++ticks_; }
  [[nodiscard]] std::uint64_t ticks() const noexcept { return ticks_; }

  /// Whether take_poll_due() or take_injector_due() would return true.
  [[nodiscard]] bool anything_due() const noexcept {
    return is_due(poll_at_) || is_due(injector_at_);
  }
  /// Whether the park is to be polled now. If so, the next time is an interval away.
  [[nodiscard]] bool take_poll_due() noexcept { return take_due(poll_at_, poll_interval); }
  /// Whether the injector is to be asked now, before the own queues. As above.
  [[nodiscard]] bool take_injector_due() noexcept {
    if (!take_due(injector_at_, injector_interval)) return false;
    if (low_in_ != 0) --low_in_;
    return true;
  }
  /// How many runs may bypass the loop from here on.
  [[nodiscard]] std::uint32_t direct_runs() const noexcept { return timed() ? 0 : direct_limit; }
  /// Whether the next run may bypass the loop.
  [[nodiscard]] bool allows_direct_run() const noexcept { return !anything_due() && !timed(); }

  // Runs that last long
  /// See SliceDetector.
  void interrupted() noexcept { slices_.interrupted(); }
  void window_ended(std::int64_t now_ns) noexcept { slices_.window_ended(now_ns); }
  /// Before a run: whether the worker calls run_begins() and run_ended() around that run. Within a
  /// run: whether the worker has called run_begins() for it.
  [[nodiscard]] bool timed() const noexcept { return slices_.timed(); }
  void run_begins(std::int64_t now_ns) noexcept {
    charged_at_end_ = std::exchange(charge_next_, false);
    slices_.run_begins(now_ns);
  }
  /// Whether the end of this run is charged: charge_end() comes before run_ended().
  [[nodiscard]] bool charged_at_end() const noexcept { return charged_at_end_; }
  void charge_end(std::int64_t now_ns) noexcept {
    share_.used(now_ns, slices_.long_so_far(now_ns));
  }
  void run_ended() noexcept { slices_.run_ended(); }
  /// In a timed run that comes back for more: whether it has lasted long. If so its time is
  /// charged, and the park, whose events have waited as well, is due.
  [[nodiscard]] bool charge_long_run(std::int64_t now_ns) noexcept {
    const std::int64_t lasted_ns = slices_.long_so_far(now_ns);
    if (lasted_ns == 0) return false;
    share_.used(now_ns, lasted_ns);
    poll_at_ = static_cast<std::uint32_t>(ticks_);
    return true;
  }

  // Demoted tasks, and those of low priority
  [[nodiscard]] bool low_is_due() const noexcept { return low_in_ == 0; }
  /// Whether all other work has had as much time as the last of these has used.
  [[nodiscard]] bool share_is_due(std::int64_t now_ns) const noexcept {
    return share_.is_due(now_ns);
  }
  /// Of the two kinds, at least one of which waits: whether low priority has the turn.
  [[nodiscard]] bool low_has_turn(bool low_waits, bool demoted_waits) noexcept {
    low_had_turn_ = low_waits && (!demoted_waits || !low_had_turn_);
    return low_had_turn_;
  }
  /// Alternates. True: take_demoted() tries this worker's bound demoted tasks first. False: it
  /// tries the demoted tasks that all workers share first.
  [[nodiscard]] bool bound_demoted_has_turn() noexcept {
    bound_demoted_had_turn_ = !bound_demoted_had_turn_;
    return bound_demoted_had_turn_;
  }
  /// The next run is of a demoted task.
  void demoted_taken() noexcept { slices_.time_next(); }
  /// The next run is of low priority.
  void low_taken() noexcept {
    low_in_ = low_interval;
    slices_.time_next();
    charge_next_ = true;
  }

 private:
  // Ticks as of 32 bits; the difference of two tells which is later.
  [[nodiscard]] bool is_due(std::uint32_t at) const noexcept {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(ticks_) - at) >= 0;
  }
  [[nodiscard]] bool take_due(std::uint32_t& at, std::uint32_t interval) const noexcept {
    if (!is_due(at)) return false;
    at = static_cast<std::uint32_t>(ticks_) + interval;
    return true;
  }

  std::uint64_t ticks_ = 0;
  std::uint32_t poll_at_ = poll_interval;  // the tick at which the park is due
  std::uint32_t injector_at_ = injector_interval;
  std::uint32_t low_in_ = low_interval;  // looks into the injector until low priority is due
  SliceDetector slices_;
  FairShare share_;  // of demoted tasks, and of low priority
  bool low_had_turn_ = false;
  bool bound_demoted_had_turn_ = false;
  bool charge_next_ = false;
  bool charged_at_end_ = false;
};

}  // namespace weft::inline v0_1::detail
