// ThreadParker: a token and a sleeper in one word. (The protocol of Rust's std futex parker.)
//
//   kEmpty   no token, the owner is awake
//   kToken   a token, the owner is awake or on its way to see it
//   kParked  no token, the owner sleeps or is about to; only the owner enters this state
//
// Why no wake-up is lost. unpark() writes kToken unconditionally, in one read-modify-write. All
// writes to the word are totally ordered, so an unpark stands on one side of the owner's step
// kEmpty -> kParked:
//   before it: that step finds kToken instead (kToken - 1 == kEmpty) and park returns with the
//   token; after it:  unpark sees kParked, so it calls futex_wake. The owner either sleeps already
//   and is woken, or
//              has yet to call futex_wait, which compares the word with kParked in the kernel under
//              the lock that futex_wake takes too, finds kToken and returns.
// Either way the owner goes on to take the token. A spurious return finds kParked and waits again.
//
// What is visible. unpark stores with release, each place that takes the token reads with acquire.
// A second unpark that overwrites the token of a first is a read-modify-write, so it continues the
// first's release sequence: the owner synchronizes with both.
#include "base/futex.hpp"

namespace weft {
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
    // Relaxed on failure: nothing is read on the strength of there being no token.
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
  // kToken -> kEmpty takes the token; kEmpty -> kParked announces the sleep. Acquire for the
  // former.
  if (state_.fetch_sub(1, std::memory_order_acquire) == kToken) return true;
  for (;;) {
    const bool in_time = detail::futex_wait(state_, kParked, deadline);
    if (!in_time) {
      // Withdraws the announcement; a token that came at the last moment is taken, not lost.
      return state_.exchange(kEmpty, std::memory_order_acquire) == kToken;
    }
    std::uint32_t expected = kToken;
    if (state_.compare_exchange_strong(expected, kEmpty, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
      return true;
    }
  }
}

void ThreadParker::unpark() noexcept {
  // After this exchange the owner may take the token and destroy *this; only the address is used
  // further. A wake that reaches a stranger at that address is a spurious return, which every
  // waiter expects.
  const Atomic<std::uint32_t>* const word = &state_;
  if (state_.exchange(kToken, std::memory_order_release) == kParked) detail::futex_wake_one(word);
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft
