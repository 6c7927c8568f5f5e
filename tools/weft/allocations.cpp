#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace weft::tool {

namespace {

std::atomic<bool> counting{false};
std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t size, std::size_t alignment) noexcept {
  if (counting.load(std::memory_order_relaxed)) {
    allocations.fetch_add(1, std::memory_order_relaxed);
  }
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return std::malloc(size);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* counted_or_throw(std::size_t size, std::size_t alignment) {
  if (void* const memory = counted(size, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void count_allocations() noexcept { counting = true; }

std::uint64_t allocations_counted() noexcept { return allocations; }

}  // namespace weft::tool

// The forms that the others call: [new.delete].
void* operator new(std::size_t size) { return weft::tool::counted_or_throw(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return weft::tool::counted_or_throw(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
