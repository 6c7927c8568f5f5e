// SpinBudget: for how long a worker that has nothing to run looks out for work from other threads
// before it sleeps. To be put to sleep and woken takes tens of microseconds; to be found awake,
// less than one. But looking in vain is time of a processor that others may want.
//
// So it looks only when sleeps have shown that it pays: they were ended by such work, and soon.
// What I/O or a timer ends is no sign. Who then looks in vain does so half as long the next time,
// and after some times no more, until the next signs; and each time that this happens, with nothing
// found in between, it takes twice as many of them, up to `most_signs`. (Competitive spinning:
// Karlin et al., "Empirical Studies of Competitive Spinning for a Shared-Memory Multiprocessor",
// 1991.)
//
// A pure data structure: it is told the time and asks nobody. One thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weft::detail {

class SpinBudget {
 public:
  static constexpr std::int64_t most_ns = 20'000;
  static constexpr std::int64_t least_ns = 2'500;
  /// A sleep that lasts so long is none that looking around would have saved.
  static constexpr std::int64_t short_sleep_ns = 100'000;
  static constexpr std::uint32_t most_signs = 64;

  /// `allowed`: there is a processor for the others meanwhile.
  explicit SpinBudget(bool allowed) noexcept : allowed_(allowed) {}

  /// How long to look around now; 0: not at all.
  [[nodiscard]] std::int64_t limit_ns() const noexcept { return limit_ns_; }
  [[nodiscard]] bool allowed() const noexcept { return allowed_; }

  /// It has looked around, and got something or not.
  void looked(bool found) noexcept {
    if (found) {
      limit_ns_ = most_ns;
      signs_needed_ = 1;
      return;
    }
    limit_ns_ /= 2;
    if (limit_ns_ >= least_ns) return;
    limit_ns_ = 0;
    signs_needed_ = std::min(2 * signs_needed_, most_signs);
    signs_ = 0;
  }
  /// It has slept for so long, without looking around before, and was woken by work from another
  /// thread or not.
  void slept(std::int64_t lasted_ns, bool by_work) noexcept {
    // A clock that stands still shows nothing.
    if (!by_work || lasted_ns <= 0 || lasted_ns > short_sleep_ns) {
      signs_ = 0;
    } else if (++signs_ >= signs_needed_) {
      limit_ns_ = most_ns;
    }
  }

 private:
  bool allowed_;
  std::int64_t limit_ns_ = 0;
  std::uint32_t signs_ = 0;         // in a row
  std::uint32_t signs_needed_ = 1;  // before it looks around
};

}  // namespace weft::detail
