// FrameDepot: the shared part of the frame pool. Threads exchange magazines of blocks through it,
// and new memory comes from it. Called by frame_pool.cpp when a thread's own magazines are empty or
// full, and when a thread ends. Thread-safe: one mutex guards everything. Blocks in the depot
// belong to no thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <weft/atomic.hpp>
#include <weft/detail/frame_size_class.hpp>

namespace weft::inline v0_1::detail {

/// Addresses of free blocks of one class. The blocks themselves are not touched when they are
/// allocated or handed on: another thread may have them in its cache.
struct Magazine {
  Magazine* next = nullptr;  // link of a magazine in the depot
  std::size_t count = 0;     // valid while no thread uses the magazine
  /// The first slot stays null: a pop from an empty magazine finds it.
  std::array<void*, 1 + kLargestFrameBatch> slots{};
};

/// Slabs from the operating system, cut into blocks. Not thread-safe: the depot's mutex guards it.
class SlabSource {
 public:
  /// Returns memory that was never used, aligned to a granule. Throws std::bad_alloc.
  [[nodiscard]] void* cut(std::size_t bytes);
  /// Whether cut() would have to ask the operating system.
  [[nodiscard]] bool is_short_of(std::size_t bytes) const noexcept {
    return static_cast<std::size_t>(end_ - begin_) < bytes;
  }
  [[nodiscard]] std::size_t total_bytes() const noexcept { return total_bytes_; }

 private:
  static constexpr std::size_t kFirstSlab = std::size_t{64} << 10;
  static constexpr std::size_t kLargestSlab = std::size_t{2} << 20;  // a huge page

  std::byte* begin_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t next_slab_bytes_ = kFirstSlab;
  std::size_t total_bytes_ = 0;
};

class FrameDepot {
 public:
  constexpr FrameDepot() noexcept = default;

  /// Returns a magazine with at least one block of class `index` and at most a batch: one that was
  /// given back, else one of new memory. `empty` is a magazine that the caller does not need, or
  /// null. Throws std::bad_alloc; then `empty` still belongs to the caller.
  [[nodiscard]] Magazine* take(std::size_t index, Magazine* empty);
  /// Takes back a magazine with its blocks and returns an empty one; null: there is no memory for
  /// one. `magazine` may be null.
  [[nodiscard]] Magazine* give(std::size_t index, Magazine* magazine) noexcept;
  /// Takes back a magazine without a replacement, of a thread that ends or has more than it needs.
  void put_back(std::size_t index, Magazine* magazine) noexcept;

  /// Returns one block of class `index`, for a thread that keeps no magazines. Throws
  /// std::bad_alloc.
  [[nodiscard]] void* take_one(std::size_t index);
  void give_one(std::size_t index, void* block) noexcept;

  [[nodiscard]] std::size_t slab_bytes() noexcept;
  /// For a fork(): see ForkCount.
  [[nodiscard]] ThreadMutex& mutex() noexcept { return mutex_; }

 private:
  struct Single;  // in the memory of a free block
  struct Shelf {
    Magazine* magazines = nullptr;  // none of them empty
    Single* singles = nullptr;
  };

  [[nodiscard]] Magazine* empty_magazine();
  [[nodiscard]] void* single(std::size_t index);
  void put(std::size_t index, Magazine& magazine) noexcept;

  ThreadMutex mutex_;
  std::array<Shelf, kFrameClasses> shelves_{};  // guarded by mutex_, as is all that follows
  Magazine* empty_ = nullptr;
  SlabSource slabs_;
};

}  // namespace weft::inline v0_1::detail
