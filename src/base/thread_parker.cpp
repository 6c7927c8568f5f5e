// ThreadParker: a token and a sleeping thread in one word. (The protocol of Rust's std futex
// parker.)
//
//   kEmpty   no token; the owner is awake
//   kToken   a token; the owner is awake, or about to see it
//   kParked  no token; the owner sleeps or is about to. Only the owner enters this state
//
// Why no wake-up is lost. unpark() stores kToken unconditionally, in one read-modify-write. All
// writes to the word are totally ordered, so an unpark() is before or after the owner's step kEmpty
// → kParked:
//   before:  the step finds kToken instead (kToken - 1 == kEmpty); park() returns with the token.
//   after:   unpark() finds kParked and calls futex_wake. The owner sleeps already and is woken; or
//            it has yet to call futex_wait, which compares the word with kParked in the kernel,
//            under the lock that futex_wake takes too, finds kToken and returns.
// In both cases the owner goes on to take the token. After a spurious return it finds kParked and
// waits again.
//
// What is visible. unpark() stores with release; each place that takes the token reads with
// acquire. A second unpark() that overwrites the token of a first is a read-modify-write and so
// continues the first one's release sequence: the owner synchronizes with both.
#include "base/futex.hpp"

namespace weft::inline v0_1 {
inline namespace WEFT_ATOMIC_NAMESPACE {
namespace {

constexpr std::uint32_t kEmpty = 0;
constexpr std::uint32_t kToken = 1;
constexpr std::uint32_t kParked = kEmpty - 1;

}  // namespace

void ThreadParker::park() noexcept { static_cast<void>(park_until(nullptr)); }

bool ThreadParker::park_for(std::chrono::nanoseconds timeout) noexcept {
  using Clock = std::chrono::steady_clock;
  if (timeout <= std::chrono::nanoseconds::zero()) {
    std::uint32_t expected = kToken;
    // Relaxed on failure: nothing is read because of a missing token.
    return state_.compare_exchange_strong(expected, kEmpty, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  const Clock::time_point now = Clock::now();
  if (timeout > Clock::time_point::max() - now) {
    park();
    return true;
  }
  const Clock::time_point deadline = now + timeout;
  return park_until(&deadline);
}

bool ThreadParker::park_until(const std::chrono::steady_clock::time_point* deadline) noexcept {
  // kToken → kEmpty takes the token, hence acquire. kEmpty → kParked announces the sleep.
  if (state_.fetch_sub(1, std::memory_order_acquire) == kToken) return true;
  for (;;) {
    const bool in_time = detail::futex_wait(state_, kParked, deadline);
    if (!in_time) {
      // Withdraws the announcement. A token that came at the last moment is taken, not lost.
      return state_.exchange(kEmpty, std::memory_order_acquire) == kToken;
    }
    // Relaxed on failure: no token was taken.
    std::uint32_t expected = kToken;
    if (state_.compare_exchange_strong(expected, kEmpty, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
      return true;
    }
  }
}

void ThreadParker::unpark() noexcept {
  // After this exchange the owner may take the token and destroy *this; only the address is used
  // from here on. A wake that reaches another object at that address is a spurious return, which
  // every futex waiter expects.
  const Atomic<std::uint32_t>* const word = &state_;
  if (state_.exchange(kToken, std::memory_order_release) == kParked) detail::futex_wake_one(word);
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1
