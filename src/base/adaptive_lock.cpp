// The slow path of AdaptiveLock: the lock is held by another thread.
#include <chrono>

#include "base/futex.hpp"

namespace weft::inline v0_1 {
inline namespace WEFT_ATOMIC_NAMESPACE {

namespace {

/// Pauses between two reads of the word: at first, and at most. Each read takes the cache line from
/// the holder, which then unlocks, and locks again, more slowly. With pauses, two threads that both
/// lock in a loop keep the lock, and the data it guards, for several turns each, instead of handing
/// them over at each turn. (Go's runtime/lock_futex.go pauses for 30; Anderson, "The Performance of
/// Spin Lock Alternatives for Shared-Memory Multiprocessors", 1990.)
constexpr int first_pause = WEFT_ATOMIC_MODE == 2 ? 1 : 32;
/// In total about twice as many pauses: some microseconds, which is longer than a typical critical
/// section, and no longer than a sleep and a wake.
constexpr int longest_pause = WEFT_ATOMIC_MODE == 2 ? 1 : 256;
constexpr std::chrono::milliseconds longest_sleep(1);

}  // namespace

void AdaptiveLock::lock_slowly() noexcept {
  for (int pause = first_pause; pause <= longest_pause; pause *= 2) {
    // Relaxed: only a hint, before the try_lock() that takes the line from the holder.
    const std::uint32_t word = word_.load(std::memory_order_relaxed);
    if (word == free_word && try_lock()) return;
    if (word == awaited_word) break;  // other threads sleep already
    for (int i = 0; i < pause; ++i) spin_hint();
  }
  if (try_lock()) return;
  // From here on the lock is only taken as awaited. Whether another thread sleeps is not known, and
  // an unlock() that wakes no thread costs less than one that misses a sleeper.
  while (word_.exchange(awaited_word, std::memory_order_acquire) != free_word) {
    const auto deadline = std::chrono::steady_clock::now() + longest_sleep;
    static_cast<void>(detail::futex_wait(word_, awaited_word, &deadline));
  }
}

void AdaptiveLock::wake_one(const Atomic<std::uint32_t>* word) noexcept {
  detail::futex_wake_one(word);
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1
