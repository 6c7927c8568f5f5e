// The slow path of AdaptiveLock: it is held by another thread.
#include <chrono>

#include "base/futex.hpp"

namespace weft {
inline namespace WEFT_ATOMIC_NAMESPACE {

namespace {

/// How long a thread looks away between two looks, in pauses, at first and at most. Each look takes
/// the line from the holder, who is then slower to let go, and to lock again. With pauses two
/// threads that both lock all the time have the lock, and what it guards, for some turns each,
/// instead of passing them on at each turn. (Go's runtime/lock_futex.go pauses for 30; Anderson,
/// "The Performance of Spin Lock Alternatives for Shared-Memory Multiprocessors", 1990.)
constexpr int first_pause = WEFT_ATOMIC_MODE == 2 ? 1 : 32;
/// In all twice as many: some microseconds, longer than what is done under a lock, and no more than
/// to sleep and be woken.
constexpr int longest_pause = WEFT_ATOMIC_MODE == 2 ? 1 : 256;
constexpr std::chrono::milliseconds longest_sleep(1);

}  // namespace

void AdaptiveLock::lock_slowly() noexcept {
  for (int pause = first_pause; pause <= longest_pause; pause *= 2) {
    // Relaxed: only a look, before the try that takes the line from whoever holds it.
    const std::uint32_t word = word_.load(std::memory_order_relaxed);
    if (word == free_word && try_lock()) return;
    if (word == awaited_word) break;  // others sleep already
    for (int i = 0; i < pause; ++i) spin_hint();
  }
  if (try_lock()) return;
  // From here on it is only ever taken as awaited: whether somebody else sleeps is not known, and
  // an unlock() that wakes nobody costs less than one that forgets somebody.
  while (word_.exchange(awaited_word, std::memory_order_acquire) != free_word) {
    const auto deadline = std::chrono::steady_clock::now() + longest_sleep;
    static_cast<void>(detail::futex_wait(word_, awaited_word, &deadline));
  }
}

void AdaptiveLock::wake_one(const Atomic<std::uint32_t>* word) noexcept {
  detail::futex_wake_one(word);
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft
