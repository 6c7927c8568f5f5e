// The memory of coroutine frames and other blocks that live as long as a task: size classes, free
// blocks a thread, slabs from the operating system. Promise types call it from their operator new
// and delete. Every function is safe from any thread, also while the thread's thread_local objects
// are destroyed. It is the one structure of weft that belongs to the process and not to a Runtime,
// because operator new has no argument to find a Runtime by; slabs stay with the process and are
// used again. In AddressSanitizer builds, and with WEFT_FRAME_POOL=malloc in the environment, every
// block comes from operator new and goes straight back, so that a use after free is seen; it is
// counted all the same.
#pragma once

#include <weft/detail/frame_size_class.hpp>

#include <cstddef>
#include <cstdint>

namespace weft {

// A block of a size class, and one that is too large for them all; what follows chooses.
[[nodiscard]] void* allocate_frame_of_class(std::size_t index);
[[nodiscard]] void* allocate_large_frame(std::size_t bytes);
void deallocate_frame_of_class(void* block, std::size_t index) noexcept;
void deallocate_large_frame(void* block, std::size_t bytes) noexcept;

/// A block of at least `bytes`, aligned to 64 up to 16 KiB and as operator new does above.
/// Throws std::bad_alloc if there is no memory; nothing has changed then.
[[nodiscard]] inline void* allocate_frame(std::size_t bytes) {
  if (bytes > detail::kLargestPooledFrame) [[unlikely]]
    return allocate_large_frame(bytes);
  return allocate_frame_of_class(detail::frame_class_of(bytes));
}

/// Gives back a block with the size that it was asked for; any thread may. Null is ignored.
inline void deallocate_frame(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) [[unlikely]]
    return;
  if (bytes > detail::kLargestPooledFrame) [[unlikely]]
    return deallocate_large_frame(block, bytes);
  deallocate_frame_of_class(block, detail::frame_class_of(bytes));
}

/// What is in use. Exact while no other thread allocates or frees, else approximate.
struct FramePoolStats {
  std::int64_t live_blocks = 0;  ///< Allocated and not given back.
  std::int64_t live_bytes = 0;   ///< Their sizes, each rounded up to its size class.
  std::int64_t slab_bytes =
      0;  ///< Address space taken for slabs; memory is only used once touched.
};
[[nodiscard]] FramePoolStats frame_pool_stats() noexcept;

/// For tests of what happens out of memory: on this thread, the next `successes` calls of
/// allocate_frame go on as usual, the one after them throws std::bad_alloc, and later ones work
/// again. Negative disarms. An armed thread allocates slowly; a thread that is not armed pays
/// nothing.
void set_frame_failure_after(std::int64_t successes) noexcept;

}  // namespace weft
