// ForkCount: tells what the child of a fork() has inherited: of the threads of its parent only the
// one that forked is there; handles are shared with the parent; locks may be held for ever. What
// has threads or an event queue notes the count when it is made, and in a process with another
// count lets all that alone. Any thread.
#pragma once

#include <weft/atomic.hpp>

#include <cstdint>

namespace weft::inline v0_1::detail {

class ForkCount {
 public:
  /// Begins to count, and to keep the frame pool usable in children (pthread_atfork(3)). Called by
  /// all that is told apart by it, and by the frame pool. Idempotent. False: there is no memory.
  [[nodiscard]] static bool begin() noexcept;
  /// Another one in each child than in its parent. Relaxed: written while the process has one
  /// thread.
  [[nodiscard]] static std::uint32_t now() noexcept {
    return count_.load(std::memory_order_relaxed);
  }

 private:
  static void in_child() noexcept;

  static inline constinit Atomic<std::uint32_t> count_{0};
};

// The frame pool's part: with its locks held across a fork(), and without the threads of the parent
// after it.
void hold_frame_pool() noexcept;
void release_frame_pool() noexcept;
void release_frame_pool_in_child() noexcept;

}  // namespace weft::inline v0_1::detail
