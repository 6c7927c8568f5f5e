// Vector clocks (Colin Fidge, Friedemann Mattern, 1988): what a thread knows of the others'
// operations, as one operation count for each thread. Used by ModelMemory alone, on the checker's
// thread.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "model/chooser.hpp"

namespace weft::inline v0_1::model {

class Clock {
 public:
  [[nodiscard]] std::uint32_t& operator[](std::size_t thread) noexcept { return at_[thread]; }
  [[nodiscard]] std::uint32_t operator[](std::size_t thread) const noexcept { return at_[thread]; }

  void join(const Clock& other) noexcept {
    for (std::size_t i = 0; i < at_.size(); ++i) at_[i] = std::max(at_[i], other.at_[i]);
  }
  [[nodiscard]] bool covers(std::size_t thread, std::uint32_t time) const noexcept {
    return at_[thread] >= time;
  }
  /// The first thread of which this knows less than `other`; the number of threads if there is
  /// none.
  [[nodiscard]] std::size_t first_behind(const Clock& other) const noexcept {
    std::size_t i = 0;
    while (i < at_.size() && at_[i] >= other.at_[i]) ++i;
    return i;
  }

 private:
  std::array<std::uint32_t, Candidates::kMost> at_{};
};

/// What an acquire operation takes over from a release operation.
struct View {
  Clock happened;  ///< what happens before the thread's next operation
  /// What its loads must not miss: `happened`, and what happened before any seq_cst fence that
  /// precedes, in the order S, a seq_cst fence in `happened`.
  Clock visible;
  std::uint32_t fences = 0;  ///< the number, in the order S, of the last such fence

  void join(const View& other) noexcept {
    happened.join(other.happened);
    visible.join(other.visible);
    fences = std::max(fences, other.fences);
  }
};

[[nodiscard]] constexpr bool acquires(std::memory_order order) noexcept {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
[[nodiscard]] constexpr bool releases(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

}  // namespace weft::inline v0_1::model
