// WatchdogParker: the sleep of somebody who is needed while any worker is awake, and must not cost
// anything while none is. Used by Watchdog.
//
// Why it is not overslept:
//   sleeper: asleep_ = true;      seq_cst fence; asks whether anybody is awake
//   worker:  counts as awake;     seq_cst fence; reads asleep_
// One of the two sees the other.
// Thread-safety: wait() by one thread, wake() by any.
#pragma once

#include <weft/atomic.hpp>

#include <chrono>

namespace weft::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

class WatchdogParker {
 public:
  /// Waits for `period`, or until wake_for_good(); or, if nobody is awake, until wake().
  template <class AnyoneAwake>
  void wait(std::chrono::nanoseconds period, AnyoneAwake anyone_awake) noexcept {
    asleep_.store(true, std::memory_order_relaxed);
    atomic_fence(std::memory_order_seq_cst);
    if (anyone_awake()) {
      asleep_.store(false, std::memory_order_relaxed);
      nap(period);
    } else {
      parker_.park();
      asleep_.store(false, std::memory_order_relaxed);
    }
  }
  /// Waits for `period`, or until wake_for_good().
  void nap(std::chrono::nanoseconds period) noexcept {
    static_cast<void>(parker_.park_for(period));
  }
  /// Who has just woken up, and counts as awake.
  void wake() noexcept {
    atomic_fence(std::memory_order_seq_cst);
    // Relaxed: nothing is handed over. The exchange makes it one call for each sleep.
    if (asleep_.load(std::memory_order_relaxed) &&
        asleep_.exchange(false, std::memory_order_relaxed)) {
      parker_.unpark();
    }
  }
  void wake_for_good() noexcept { parker_.unpark(); }

 private:
  Atomic<bool> asleep_{false};
  ThreadParker parker_;
};

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::detail
