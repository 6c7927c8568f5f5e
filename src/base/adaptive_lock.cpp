// The slow path of AdaptiveLock: it is held by another thread.
#include <chrono>

#include "base/futex.hpp"

namespace weft {
inline namespace WEFT_ATOMIC_NAMESPACE {

namespace {

/// Some microseconds: longer than what is done under a lock, shorter than to sleep and be woken.
constexpr int most_spins = WEFT_ATOMIC_MODE == 2 ? 1 : 200;
constexpr std::chrono::milliseconds longest_sleep(1);

}  // namespace

void AdaptiveLock::lock_slowly() noexcept {
  for (int spins = 0; spins < most_spins; ++spins) {
    // Relaxed: only a look, before the try that takes the line from whoever holds it.
    const std::uint32_t word = word_.load(std::memory_order_relaxed);
    if (word == free_word && try_lock()) return;
    if (word == awaited_word) break;  // others sleep already
    spin_hint();
  }
  // From here on it is only ever taken as awaited: whether somebody else sleeps is not known, and
  // an unlock() that wakes nobody costs less than one that forgets somebody.
  while (word_.exchange(awaited_word, std::memory_order_acquire) != free_word) {
    const auto deadline = std::chrono::steady_clock::now() + longest_sleep;
    static_cast<void>(futex_wait(word_, awaited_word, &deadline));
  }
}

void AdaptiveLock::wake_one(const Atomic<std::uint32_t>* word) noexcept { futex_wake_one(word); }

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft
