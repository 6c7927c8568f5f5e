// The frame pool of the model tests: plain allocation and one count. The real one keeps lists a
// thread, whose atomics would be scheduling points that are not what is modelled, and that vary
// from one execution to the next.
#include <weft/frame_pool.hpp>

#include <new>

namespace weft {

namespace {
std::int64_t live_blocks = 0;  // no atomic: one thread of the model runs at a time
}  // namespace

void* allocate_frame(std::size_t bytes) {
  void* const block = ::operator new(bytes, std::align_val_t{64});
  ++live_blocks;
  return block;
}

void deallocate_frame(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return;
  --live_blocks;
  ::operator delete(block, bytes, std::align_val_t{64});
}

FramePoolStats frame_pool_stats() noexcept { return {.live_blocks = live_blocks}; }

}  // namespace weft
