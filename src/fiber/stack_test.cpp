// StackPool: size classes, reuse, guards, and what a stack costs in memory.
#include "fiber/stack.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "os/fault.hpp"

namespace weft::stack_test {
namespace {

detail::FiberStack& taken(detail::StackPool& pool, std::size_t bytes) {
  const Result<detail::FiberStack*> stack = pool.take(bytes);
  EXPECT_TRUE(stack.has_value());
  return **stack;
}

/// Returns how many pages of `stack` are in memory.
std::ptrdiff_t resident_pages(const detail::FiberStack& stack) {
  std::vector<unsigned char> pages(stack.memory.size() / 4096 + 1);
  EXPECT_EQ(mincore(stack.memory.data(), stack.memory.size(), pages.data()), 0);
  return std::count_if(pages.begin(), pages.end(), [](auto page) { return (page & 1) != 0; });
}

void fill(const detail::FiberStack& stack) {
  std::memset(stack.memory.data(), 1, stack.memory.size());
}

TEST(StackPool, GivesAtLeastWhatWasAskedFor) {
  detail::StackPool pool;
  for (const std::size_t bytes :
       {std::size_t{1}, detail::StackPool::smallest, detail::StackPool::smallest + 1,
        std::size_t{100'000}, std::size_t{3} << 20}) {
    detail::FiberStack& stack = taken(pool, bytes);
    EXPECT_GE(stack.memory.size() + 2048, bytes);  // without the shift of the top
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(stack.memory.data()) % 4096, 0U);
    fill(stack);
    pool.give_back(stack);
  }
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(StackPool, RefusesMoreThanTheLargest) {
  detail::StackPool pool;
  EXPECT_EQ(pool.take(detail::StackPool::largest + 1).error(), std::errc::invalid_argument);
}

TEST(StackPool, TheLastOneGivenBackComesFirst) {
  detail::StackPool pool;
  detail::FiberStack& first = taken(pool, 1);
  detail::FiberStack& second = taken(pool, 1);
  pool.give_back(first);
  pool.give_back(second);
  EXPECT_EQ(&taken(pool, 1), &second);
  EXPECT_EQ(&taken(pool, 1), &first);
  pool.give_back(first);
  pool.give_back(second);
}

TEST(StackPool, StacksDoNotOverlapAndTheirTopsAreShifted) {
  detail::StackPool pool;
  std::vector<detail::FiberStack*> stacks;
  std::set<std::uintptr_t> tops;
  for (int i = 0; i < 64; ++i) {
    stacks.push_back(&taken(pool, 1));
    tops.insert(reinterpret_cast<std::uintptr_t>(stacks.back()->memory.data() +
                                                 stacks.back()->memory.size()) %
                4096);
    std::memset(stacks.back()->memory.data(), i, stacks.back()->memory.size());
  }
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    for (const std::byte byte : stacks[i]->memory) ASSERT_EQ(byte, static_cast<std::byte>(i));
    pool.give_back(*stacks[i]);
  }
  EXPECT_EQ(tops.size(), 16U);
}

TEST(StackPool, CostsMemoryOnlyWhereItIsTouched) {
  detail::StackPool pool;
  detail::FiberStack& stack = taken(pool, std::size_t{1} << 20);
  EXPECT_EQ(resident_pages(stack), 0);
  stack.memory.back() = std::byte{1};
  EXPECT_EQ(resident_pages(stack), 1);
  pool.give_back(stack);
}

TEST(StackPool, BeyondTheWarmOnesMemoryGoesBack) {
  detail::StackPool pool(detail::StackPool::Options{.most_warm = 1});
  detail::FiberStack& first = taken(pool, 1);
  detail::FiberStack& second = taken(pool, 1);
  fill(first);
  fill(second);
  pool.give_back(first);
  pool.give_back(second);
  EXPECT_EQ(resident_pages(first), 0);
  EXPECT_GT(resident_pages(second), 0);  // the warmest: its caller may still be on it
  const std::size_t reserved = pool.reserved_bytes();
  EXPECT_EQ(&taken(pool, 1), &second);
  EXPECT_EQ(&taken(pool, 1), &first);
  fill(first);
  EXPECT_EQ(pool.reserved_bytes(), reserved);
  pool.give_back(first);
  pool.give_back(second);
}

TEST(StackPool, ADeepUseDoesNotStayForEver) {
  detail::StackPool pool({.trim_interval = 64});
  detail::FiberStack& stack = taken(pool, std::size_t{1} << 20);
  fill(stack);
  pool.give_back(stack);
  const std::ptrdiff_t deep = resident_pages(stack);
  for (int i = 0; i < 64; ++i) pool.give_back(taken(pool, std::size_t{1} << 20));
  EXPECT_LT(resident_pages(stack), deep / 8);
}

TEST(StackPool, AFailureChangesNothing) {
  detail::StackPool pool;
  detail::ScopedFaults faults;
  faults.add(detail::Fault{.call = detail::Call::map_pages, .errno_value = ENOMEM});
  faults.add(detail::Fault{.call = detail::Call::guard_pages, .errno_value = ENOMEM});
  EXPECT_EQ(pool.take(1).error(), std::errc::not_enough_memory);  // no memory for a slab
  EXPECT_EQ(pool.reserved_bytes(), 0U);
  EXPECT_EQ(pool.take(1).error(), std::errc::not_enough_memory);  // no memory for a guard
  EXPECT_EQ(pool.in_use(), 0U);
  detail::FiberStack& stack = taken(pool, 1);
  fill(stack);
  pool.give_back(stack);
}

using StackPoolDeathTest = ::testing::Test;

TEST(StackPoolDeathTest, BelowAStackIsAGuardOfEitherKind) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto write_below = [](bool without_markers) {
    detail::ScopedFaults faults;
    if (without_markers) {
      faults.add(detail::Fault{.call = detail::Call::guard_by_marker,
                               .errno_value = EINVAL,
                               .times = detail::Fault::always});
    }
    detail::StackPool pool;
    detail::FiberStack& stack = taken(pool, 1);
    // An asm, so that no compiler sees an access out of bounds.
    asm("movb $1, (%0)" : : "r"(stack.memory.data() - 1) : "memory");
  };
  EXPECT_DEATH(write_below(false), "");
  EXPECT_DEATH(write_below(true), "");
}

}  // namespace
}  // namespace weft::stack_test
