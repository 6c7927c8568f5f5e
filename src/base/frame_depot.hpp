// The shared part of the frame pool: what threads exchange in batches, and where new memory comes
// from. Called by frame_pool.cpp when a thread's own lists are empty or full, and when a thread
// ends. Thread-safe: one mutex guards everything. Blocks in the depot belong to nobody; a batch's
// links are kept in its first block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <weft/atomic.hpp>
#include <weft/frame_size_class.hpp>

namespace weft {

/// What a free block holds.
struct FreeFrame {
  FreeFrame* next;
};

/// Free blocks of one class, linked through `next`.
struct FrameChain {
  FreeFrame* head = nullptr;
  std::uint32_t count = 0;
};

/// Memory that was never used, to be cut into blocks of one class from the front as needed, so that
/// only what is used gets touched. A multiple of the block size.
struct FrameRange {
  std::byte* begin = nullptr;
  std::byte* end = nullptr;

  [[nodiscard]] bool empty() const noexcept { return begin == end; }
  [[nodiscard]] void* cut(std::size_t bytes) noexcept {
    void* const block = begin;
    begin += bytes;
    return block;
  }
};

/// Either a chain or a range; the other is empty.
struct FrameSupply {
  FrameChain chain;
  FrameRange range;
};

/// Slabs from the operating system, cut into ranges. Not thread-safe: the depot's mutex guards it.
class SlabSource {
 public:
  /// Between one and `blocks` blocks of `block_bytes` each. Throws std::bad_alloc.
  [[nodiscard]] FrameRange cut(std::size_t block_bytes, std::size_t blocks);
  [[nodiscard]] std::size_t total_bytes() const noexcept { return total_bytes_; }

 private:
  static constexpr std::size_t kFirstSlab = std::size_t{64} << 10;
  static constexpr std::size_t kLargestSlab = std::size_t{2} << 20;  // a huge page

  FrameRange rest_;
  std::size_t next_slab_bytes_ = kFirstSlab;
  std::size_t total_bytes_ = 0;
};

class FrameDepot {
 public:
  constexpr FrameDepot() noexcept = default;

  /// At most one batch of class `index`: given back ones first, then new memory. Throws
  /// std::bad_alloc.
  [[nodiscard]] FrameSupply take(std::size_t index);

  /// One block of class `index`, for a thread that keeps no lists. Throws std::bad_alloc.
  [[nodiscard]] void* take_one(std::size_t index);

  void give(std::size_t index, FrameChain chain) noexcept;
  void give(std::size_t index, FrameRange range) noexcept;

  [[nodiscard]] std::size_t slab_bytes() noexcept;

 private:
  struct Batch;      // lies in the first block of a chain
  struct IdleRange;  // lies at the front of a range
  struct Shelf {
    Batch* batches = nullptr;
    IdleRange* ranges = nullptr;
  };

  void put(Shelf& shelf, FrameChain chain) noexcept;
  void put(Shelf& shelf, FrameRange range) noexcept;
  [[nodiscard]] FrameSupply take_locked(std::size_t index, std::size_t new_blocks);

  ThreadMutex mutex_;
  std::array<Shelf, kFrameClasses> shelves_{};  // guarded by mutex_, as is slabs_
  SlabSource slabs_;
};

}  // namespace weft
