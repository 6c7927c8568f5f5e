// WatchdogParker: how a thread sleeps that is needed while any worker is awake, and must cost
// nothing while none is. Used by Watchdog; workers wake it.
//
// Why no wake is missed:
//   sleeper: asleep_ = true;      seq_cst fence; asks whether any worker is awake
//   worker:  counts as awake;     seq_cst fence; reads asleep_
// One of the two sees the other.
// Thread-safety: wait() and nap() by one thread, the rest by any.
#pragma once

#include <weft/atomic.hpp>

#include <chrono>

namespace weft::inline v0_1::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

class WatchdogParker {
 public:
  /// Waits for `period`, or until wake_for_good(). If no worker is awake: until wake(), however
  /// long that takes.
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
  /// By a worker that was parked, and counts as awake by now.
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
}  // namespace weft::inline v0_1::detail
