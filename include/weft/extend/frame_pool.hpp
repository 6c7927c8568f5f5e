// The memory of coroutine frames, and of other blocks that live as long as a task: size classes, a
// cache of free blocks for each thread, slabs from the operating system (decision 006). Promise
// types call it from their operator new and delete. Every function may be called from any thread,
// also while the thread's thread_local objects are destroyed.
//
// The pool belongs to the process and not to a Runtime, because operator new has no argument by
// which to find a Runtime. Slabs stay with the process and are reused. In AddressSanitizer builds,
// and with WEFT_FRAME_POOL=malloc in the environment, every block comes from operator new and goes
// back to it at once, so that a use after free is found; the blocks are counted all the same.
#pragma once

#include <weft/detail/frame_size_class.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::inline v0_1 {

// A block of a size class, and a block larger than all classes; allocate_frame() chooses.
[[nodiscard]] void* allocate_frame_of_class(std::size_t index);
[[nodiscard]] void* allocate_large_frame(std::size_t bytes);
void deallocate_frame_of_class(void* block, std::size_t index) noexcept;
void deallocate_large_frame(void* block, std::size_t bytes) noexcept;

/// Returns a block of at least `bytes`, aligned to 64 bytes. Throws std::bad_alloc if there is no
/// memory; then nothing has changed.
[[nodiscard]] inline void* allocate_frame(std::size_t bytes) {
  if (bytes > detail::kLargestPooledFrame) [[unlikely]]
    return allocate_large_frame(bytes);
  return allocate_frame_of_class(detail::frame_class_of(bytes));
}

/// Gives back a block, with the size that was asked for. Any thread. Null is ignored.
inline void deallocate_frame(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) [[unlikely]]
    return;
  if (bytes > detail::kLargestPooledFrame) [[unlikely]]
    return deallocate_large_frame(block, bytes);
  deallocate_frame_of_class(block, detail::frame_class_of(bytes));
}

/// What is in use. Exact while no other thread allocates or frees; otherwise approximate.
struct FramePoolStats {
  std::int64_t live_blocks = 0;  ///< Allocated and not given back.
  std::int64_t live_bytes = 0;   ///< Their sizes, each rounded up to its size class.
  /// Address space taken for slabs; a page uses memory from its first access on.
  std::int64_t slab_bytes = 0;
};
[[nodiscard]] FramePoolStats frame_pool_stats() noexcept;

/// For tests of allocation failures. On this thread the next `successes` calls of allocate_frame()
/// succeed as usual, the one after them throws std::bad_alloc, and later ones work again. Negative:
/// disarms. An armed thread allocates slowly; an unarmed thread pays nothing.
void set_frame_failure_after(std::int64_t successes) noexcept;

}  // namespace weft::inline v0_1
