// BeforeDefault: what is called before a signal does what it does by default, which mostly ends the
// process. One hook a process; the restoration of terminals sets it, the handlers of signals call
// it.
#pragma once

#include <weft/atomic.hpp>

namespace weft::inline v0_1::detail {

class BeforeDefault {
 public:
  /// Async-signal-safe. True: it has done all that the signal was to do.
  using Hook = bool (*)(int signal) noexcept;

  static void set(Hook hook) noexcept { hook_.store(hook, std::memory_order_release); }
  /// For handlers.
  [[nodiscard]] static bool call(int signal) noexcept {
    const Hook hook = hook_.load(std::memory_order_acquire);
    return hook != nullptr && hook(signal);
  }

 private:
  static inline constinit Atomic<Hook> hook_{nullptr};
};

}  // namespace weft::inline v0_1::detail
