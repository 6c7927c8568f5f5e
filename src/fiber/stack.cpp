// StackPool: taking, giving back and cutting stacks. The contract is in stack.hpp.
#include "fiber/stack.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "base/check.hpp"
#include "fiber/sanitizer.hpp"
#include "os/pages.hpp"

namespace weft::inline v0_1::detail {

namespace {

FiberStack* pop(FiberStack*& list) noexcept {
  FiberStack* const stack = list;
  list = stack->next;
  return stack;
}

void push(FiberStack*& list, FiberStack& stack) noexcept {
  stack.next = list;
  list = &stack;
}

}  // namespace

StackPool::StackPool(Options options) : options_(options) {
  WEFT_CHECK(options_.most_warm != 0, "the stack that came back last may still be in use: warm");
}

StackPool::~StackPool() {
  WEFT_CHECK(in_use_ == 0, "a pool of stacks is destroyed while fibers run: end them first");
  for (FiberStack& stack : stacks_) destroy_sanitizer_flow(stack.sanitizer_flow);
  for (const auto slab : slabs_) Pages::release(slab);
}

Result<FiberStack*> StackPool::take(std::size_t bytes) noexcept {
  if (bytes > largest) return fail(std::errc::invalid_argument);
  const std::size_t rounded = std::bit_ceil(std::max(bytes, smallest));
  const auto index = static_cast<std::size_t>(std::countr_zero(rounded / smallest));
  Class& pool = classes_[index];
  FiberStack* stack = nullptr;
  if (pool.warm != nullptr) {
    stack = pop(pool.warm);
    --pool.warm_count;
  } else if (pool.cold != nullptr) {
    stack = pop(pool.cold);
  } else {
    const Result<FiberStack*> cut_now = cut(index);
    if (!cut_now) return cut_now;
    stack = *cut_now;
  }
  ++in_use_;
  return stack;
}

void StackPool::give_back(FiberStack& stack) noexcept {
  --in_use_;
  Class& pool = classes_[stack.size_class];
  if (pool.warm_count == options_.most_warm) {
    // Another stack goes cold, as the caller may still be on this one.
    FiberStack& other = *pop(pool.warm);
    --pool.warm_count;
    Pages::decommit(other.memory);
    push(pool.cold, other);
  }
  if (++pool.returns % options_.trim_interval == 0 && stack.memory.size() > 2 * kept_bytes) {
    Pages::decommit(stack.memory.first(bytes_of(stack.size_class) - kept_bytes));
  }
  push(pool.warm, stack);
  ++pool.warm_count;
}

// Each step may run out of memory; what was made before stays usable.
Result<FiberStack*> StackPool::cut(std::size_t size_class) noexcept {
  Class& pool = classes_[size_class];
  const std::size_t stride = guard_bytes + bytes_of(size_class);
  try {
    if (pool.fresh.empty()) {
      const std::size_t size = std::max(slab_bytes / stride, std::size_t{1}) * stride;
      slabs_.reserve(slabs_.size() + 1);
      const Result<std::byte*> memory = Pages::reserve(size);
      if (!memory) return fail(memory.error());
      pool.fresh = {*memory, size};
      slabs_.push_back(pool.fresh);
    }
    FiberStack& stack = stacks_.emplace_back();
    if (const auto guarded = Pages::guard(pool.fresh.first(guard_bytes)); !guarded) {
      stacks_.pop_back();
      return fail(guarded.error());
    }
    const std::size_t shift = stacks_.size() % colours * colour_bytes;
    stack.memory = pool.fresh.first(stride - shift).subspan(guard_bytes);
    stack.size_class = static_cast<std::uint8_t>(size_class);
    pool.fresh = pool.fresh.subspan(stride);
    return &stack;
  } catch (const std::bad_alloc&) {
    return fail(std::errc::not_enough_memory);
  }
}

std::size_t StackPool::reserved_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto slab : slabs_) bytes += slab.size();
  return bytes;
}

}  // namespace weft::inline v0_1::detail
