// The frame pool of the model tests: plain allocation and one count. The real pool keeps a list per
// thread. Its atomics would be scheduling points that are not under test, and they differ from one
// execution to the next. A released block is checked once more before its memory is freed, when the
// statistics are read: no thread may have written to it.
#include <weft/extend/frame_pool.hpp>
#include <weft/model.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "base/fork.hpp"

namespace weft::inline v0_1 {

namespace {

constexpr unsigned char freed_byte = 0xDB;

/// The memory of a released block.
class FreedBlock {
 public:
  FreedBlock(void* memory, std::size_t bytes) noexcept : memory_(memory), bytes_(bytes) {
    std::memset(memory_, freed_byte, bytes_);
  }
  FreedBlock(FreedBlock&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_) {}
  FreedBlock& operator=(FreedBlock&&) = delete;
  ~FreedBlock() { ::operator delete(memory_, std::align_val_t{64}); }

  [[nodiscard]] bool untouched() const noexcept {
    const auto* const bytes = static_cast<const unsigned char*>(memory_);
    return std::all_of(bytes, bytes + bytes_,
                       [](unsigned char byte) { return byte == freed_byte; });
  }

 private:
  void* memory_;
  std::size_t bytes_;
};

// No atomics: one thread of the model runs at a time.
std::int64_t live_blocks = 0;
std::vector<FreedBlock> freed;
}  // namespace

void* allocate_frame_of_class(std::size_t index) {
  return allocate_large_frame(detail::frame_class_bytes(index));
}
void* allocate_large_frame(std::size_t bytes) {
  void* const block = ::operator new(bytes, std::align_val_t{64});
  ++live_blocks;
  return block;
}

void deallocate_frame_of_class(void* block, std::size_t index) noexcept {
  deallocate_large_frame(block, detail::frame_class_bytes(index));
}
void deallocate_large_frame(void* block, std::size_t bytes) noexcept {
  --live_blocks;
  freed.emplace_back(block, bytes);
}

FramePoolStats frame_pool_stats() noexcept {
  for (const FreedBlock& block : std::exchange(freed, {})) {
    model::require(block.untouched(), "nobody writes to a block that was given back");
  }
  return {.live_blocks = live_blocks};
}

namespace detail {

// What a fork does with the real pool. No program of the model forks.
void hold_frame_pool() noexcept {}
void release_frame_pool() noexcept {}
void release_frame_pool_in_child() noexcept {}

}  // namespace detail

}  // namespace weft::inline v0_1
