#include "base/frame_depot.hpp"

#include <sys/mman.h>

#include <new>

namespace weft {
namespace {

std::byte* map_pages(std::size_t bytes) {
  void* const pages =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(pages);
}

// A slab of one huge page, aligned to it, so that the kernel can back it by one: frames of many
// tasks then share a TLB entry. Maps twice the size and gives the ends back.
std::byte* map_huge_page(std::size_t bytes) {
  std::byte* const pages = map_pages(2 * bytes);
  const auto address = reinterpret_cast<std::uintptr_t>(pages);
  const std::size_t before = (bytes - address % bytes) % bytes;
  if (before != 0) ::munmap(pages, before);
  if (before != bytes) ::munmap(pages + before + bytes, bytes - before);
  ::madvise(pages + before, bytes, MADV_HUGEPAGE);  // only a wish: failure changes nothing
  return pages + before;
}

}  // namespace

FrameRange SlabSource::cut(std::size_t block_bytes, std::size_t blocks) {
  // What is left of a slab when not even one block fits is at most one block and was never touched.
  if (static_cast<std::size_t>(rest_.end - rest_.begin) < block_bytes) {
    const std::size_t bytes = next_slab_bytes_;
    std::byte* const slab = bytes == kLargestSlab ? map_huge_page(bytes) : map_pages(bytes);
    rest_ = FrameRange{slab, slab + bytes};
    total_bytes_ += bytes;
    if (next_slab_bytes_ < kLargestSlab) next_slab_bytes_ *= 2;
  }
  const std::size_t fitting = static_cast<std::size_t>(rest_.end - rest_.begin) / block_bytes;
  const std::size_t bytes = (fitting < blocks ? fitting : blocks) * block_bytes;
  FrameRange range{rest_.begin, rest_.begin + bytes};
  rest_.begin = range.end;
  return range;
}

struct FrameDepot::Batch {
  FreeFrame first;  // so that the batch is also the head of its chain
  Batch* next_batch;
  std::uint32_t count;
};

struct FrameDepot::IdleRange {
  IdleRange* next;
  std::byte* end;
};

void FrameDepot::put(Shelf& shelf, FrameChain chain) noexcept {
  static_assert(sizeof(Batch) <= kFrameGranule && sizeof(IdleRange) <= kFrameGranule);
  FreeFrame* const second = chain.head->next;  // read before the storage is used again
  // SAFETY: the block is free, at least a granule large and aligned to one.
  shelf.batches = ::new (static_cast<void*>(chain.head))
      Batch{.first = {second}, .next_batch = shelf.batches, .count = chain.count};
}

void FrameDepot::put(Shelf& shelf, FrameRange range) noexcept {
  // SAFETY: as above; this touches one page of a range that nobody used yet.
  shelf.ranges =
      ::new (static_cast<void*>(range.begin)) IdleRange{.next = shelf.ranges, .end = range.end};
}

FrameSupply FrameDepot::take_locked(std::size_t index, std::size_t new_blocks) {
  Shelf& shelf = shelves_[index];
  FrameSupply supply;
  if (Batch* const batch = shelf.batches; batch != nullptr) {
    shelf.batches = batch->next_batch;
    supply.chain = FrameChain{&batch->first, batch->count};
  } else if (IdleRange* const idle = shelf.ranges; idle != nullptr) {
    shelf.ranges = idle->next;
    std::byte* const end = idle->end;
    // SAFETY: put() made the IdleRange at the range's first byte.
    supply.range = FrameRange{reinterpret_cast<std::byte*>(idle), end};
  } else {
    supply.range = slabs_.cut(frame_class_bytes(index), new_blocks);
  }
  return supply;
}

FrameSupply FrameDepot::take(std::size_t index) {
  const std::lock_guard lock(mutex_);
  return take_locked(index, frame_batch_blocks(index));
}

void* FrameDepot::take_one(std::size_t index) {
  const std::lock_guard lock(mutex_);
  FrameSupply supply = take_locked(index, 1);
  if (supply.chain.head != nullptr) {
    FreeFrame* const block = supply.chain.head;
    const FrameChain rest{block->next, supply.chain.count - 1};
    if (rest.head != nullptr) put(shelves_[index], rest);
    return block;
  }
  void* const block = supply.range.cut(frame_class_bytes(index));
  if (!supply.range.empty()) put(shelves_[index], supply.range);
  return block;
}

void FrameDepot::give(std::size_t index, FrameChain chain) noexcept {
  if (chain.head == nullptr) return;
  const std::lock_guard lock(mutex_);
  put(shelves_[index], chain);
}

void FrameDepot::give(std::size_t index, FrameRange range) noexcept {
  if (range.empty()) return;
  const std::lock_guard lock(mutex_);
  put(shelves_[index], range);
}

std::size_t FrameDepot::slab_bytes() noexcept {
  const std::lock_guard lock(mutex_);
  return slabs_.total_bytes();
}

}  // namespace weft
