// The frame pool of the model tests: plain allocation and one count. The real one keeps lists a
// thread, whose atomics would be scheduling points that are not what is modelled, and that vary
// from one execution to the next. A block that was given back is looked at once more before its
// memory goes, when the statistics are asked for: nobody may have written to it.
#include <weft/frame_pool.hpp>
#include <weft/model.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace weft {

namespace {

struct FreedBlock {
  void* memory;
  std::size_t bytes;
};

// No atomics: one thread of the model runs at a time.
std::int64_t live_blocks = 0;
std::vector<FreedBlock> freed;
constexpr unsigned char freed_byte = 0xDB;

}  // namespace

void* allocate_frame(std::size_t bytes) {
  void* const block = ::operator new(bytes, std::align_val_t{64});
  ++live_blocks;
  return block;
}

void deallocate_frame(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return;
  --live_blocks;
  std::memset(block, freed_byte, bytes);
  freed.push_back({block, bytes});
}

FramePoolStats frame_pool_stats() noexcept {
  for (const FreedBlock& block : std::exchange(freed, {})) {
    const auto* const bytes = static_cast<const unsigned char*>(block.memory);
    model::require(std::all_of(bytes, bytes + block.bytes,
                               [](unsigned char byte) { return byte == freed_byte; }),
                   "nobody writes to a block that was given back");
    ::operator delete(block.memory, block.bytes, std::align_val_t{64});
  }
  return {.live_blocks = live_blocks};
}

}  // namespace weft
