#include "base/frame_depot.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

namespace weft::inline v0_1::detail {
namespace {

std::byte* map_pages(std::size_t bytes) {
  void* const pages =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(pages);
}

// Maps a slab of one huge page, aligned to it, so that the kernel can back it by one: frames of
// many tasks then share a TLB entry. Maps twice the size and unmaps both ends.
std::byte* map_huge_page(std::size_t bytes) {
  std::byte* const pages = map_pages(2 * bytes);
  const auto address = reinterpret_cast<std::uintptr_t>(pages);
  const std::size_t before = (bytes - address % bytes) % bytes;
  if (before != 0) ::munmap(pages, before);
  if (before != bytes) ::munmap(pages + before + bytes, bytes - before);
  ::madvise(pages + before, bytes, MADV_HUGEPAGE);  // a hint: its failure changes nothing
  return pages + before;
}

}  // namespace

void* SlabSource::cut(std::size_t bytes) {
  if (is_short_of(bytes)) {
    // The rest of the present slab is smaller than `bytes` and was never touched; it is not used.
    const std::size_t slab_bytes = next_slab_bytes_;
    begin_ = slab_bytes == kLargestSlab ? map_huge_page(slab_bytes) : map_pages(slab_bytes);
    end_ = begin_ + slab_bytes;
    total_bytes_ += slab_bytes;
    if (next_slab_bytes_ < kLargestSlab) next_slab_bytes_ *= 2;
  }
  void* const block = begin_;
  begin_ += bytes;
  return block;
}

struct FrameDepot::Single {
  Single* next;
};

Magazine* FrameDepot::take(std::size_t index, Magazine* empty) {
  const std::lock_guard lock(mutex_);
  Shelf& shelf = shelves_[index];
  if (Magazine* const given = shelf.magazines; given != nullptr) {
    shelf.magazines = given->next;
    if (empty != nullptr) put(index, *empty);
    return given;
  }
  Magazine* const filled = empty != nullptr ? empty : empty_magazine();
  filled->count = 0;
  const std::size_t bytes = frame_class_bytes(index);
  try {
    do {
      filled->slots[filled->count + 1] = single(index);
    } while (++filled->count != frame_batch_blocks(index) &&
             (shelf.singles != nullptr || !slabs_.is_short_of(bytes)));
  } catch (...) {
    if (empty == nullptr) put(index, *filled);
    throw;
  }
  // A thread pops the last slot first: so it gets new blocks in the order of their addresses.
  std::reverse(filled->slots.begin() + 1, filled->slots.begin() + 1 + filled->count);
  return filled;
}

Magazine* FrameDepot::give(std::size_t index, Magazine* magazine) noexcept {
  const std::lock_guard lock(mutex_);
  if (magazine != nullptr) put(index, *magazine);
  try {
    return empty_magazine();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void FrameDepot::put_back(std::size_t index, Magazine* magazine) noexcept {
  if (magazine == nullptr) return;
  const std::lock_guard lock(mutex_);
  put(index, *magazine);
}

void* FrameDepot::take_one(std::size_t index) {
  const std::lock_guard lock(mutex_);
  Shelf& shelf = shelves_[index];
  Magazine* const magazine = shelf.magazines;
  if (shelf.singles != nullptr || magazine == nullptr) return single(index);
  void* const block = magazine->slots[magazine->count];
  if (--magazine->count == 0) {
    shelf.magazines = magazine->next;
    put(index, *magazine);
  }
  return block;
}

void FrameDepot::give_one(std::size_t index, void* block) noexcept {
  const std::lock_guard lock(mutex_);
  // SAFETY: the block is free, at least a granule large and aligned to one.
  shelves_[index].singles = ::new (block) Single{shelves_[index].singles};
}

std::size_t FrameDepot::slab_bytes() noexcept {
  const std::lock_guard lock(mutex_);
  return slabs_.total_bytes();
}

// With the mutex held:

void FrameDepot::put(std::size_t index, Magazine& magazine) noexcept {
  Magazine*& list = magazine.count != 0 ? shelves_[index].magazines : empty_;
  magazine.next = list;
  list = &magazine;
}

Magazine* FrameDepot::empty_magazine() {
  if (empty_ == nullptr) {
    constexpr std::size_t bytes = frame_class_bytes(frame_class_of(sizeof(Magazine)));
    return ::new (slabs_.cut(bytes)) Magazine;
  }
  return std::exchange(empty_, empty_->next);
}

/// Returns a block that was given back singly, or a new one.
void* FrameDepot::single(std::size_t index) {
  Single*& singles = shelves_[index].singles;
  if (singles == nullptr) return slabs_.cut(frame_class_bytes(index));
  return std::exchange(singles, singles->next);
}

}  // namespace weft::inline v0_1::detail
