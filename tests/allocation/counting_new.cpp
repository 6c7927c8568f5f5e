#include "allocation/counting_new.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace weft::test {

namespace {

std::atomic<std::int64_t> blocks{0};
std::atomic<std::int64_t> bytes{0};

void* counted(std::size_t size, std::size_t alignment) {
  blocks.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(static_cast<std::int64_t>(size), std::memory_order_relaxed);
  void* const memory =
      alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__
          ? std::malloc(size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

Allocations allocations_so_far() noexcept { return {.blocks = blocks, .bytes = bytes}; }

}  // namespace weft::test

// The forms that the others call: [new.delete].
void* operator new(std::size_t size) { return weft::test::counted(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return weft::test::counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
