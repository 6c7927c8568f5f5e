#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <set>
#include <thread>
#include <utility>
#include <vector>
#include <weft/atomic.hpp>
#include <weft/detail/frame_size_class.hpp>
#include <weft/extend/frame_pool.hpp>

#include "base/random.hpp"
#include "support/sanitizers.hpp"

namespace weft::frame_pool_test {
namespace {

struct Block {
  void* memory;
  std::size_t bytes;
};

class FramePool : public ::testing::Test {
 protected:
  void TearDown() override {
    const FramePoolStats after = frame_pool_stats();
    EXPECT_EQ(after.live_blocks, before_.live_blocks);
    EXPECT_EQ(after.live_bytes, before_.live_bytes);
  }

  const FramePoolStats before_ = frame_pool_stats();
};

Block filled(std::size_t bytes) {
  const Block block{allocate_frame(bytes), bytes};
  std::memset(block.memory, static_cast<int>(bytes & 0xFF), bytes);
  return block;
}

void expect_filled(const Block& block) {
  const auto* const bytes = static_cast<const unsigned char*>(block.memory);
  for (std::size_t i = 0; i < block.bytes; ++i) ASSERT_EQ(bytes[i], block.bytes & 0xFF);
}

TEST(FrameSizeClass, HoldsEverySizeAndWastesLittle) {
  for (std::size_t bytes = 0; bytes <= detail::kLargestPooledFrame; ++bytes) {
    const std::size_t index = detail::frame_class_of(bytes);
    ASSERT_LT(index, detail::kFrameClasses);
    ASSERT_GE(detail::frame_class_bytes(index), bytes);
    const std::size_t one_smaller = index > 0 ? detail::frame_class_bytes(index - 1) : 0;
    ASSERT_TRUE(bytes == 0 || one_smaller < bytes) << bytes;
  }
}

TEST_F(FramePool, BlocksOfAllSizesAreAlignedWritableAndApart) {
  std::vector<Block> blocks;
  for (std::size_t bytes = 0; bytes <= 20000; bytes += 61) blocks.push_back(filled(bytes));
  for (const Block& block : blocks) {
    expect_filled(block);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.memory) % 64, 0U) << block.bytes;
    deallocate_frame(block.memory, block.bytes);
  }
}

TEST_F(FramePool, CountsBlocksAndTheirRoundedBytes) {
  void* const small = allocate_frame(65);
  void* const large = allocate_frame(100000);
  const FramePoolStats now = frame_pool_stats();
  EXPECT_EQ(now.live_blocks - before_.live_blocks, 2);
  EXPECT_EQ(now.live_bytes - before_.live_bytes, 128 + 100000);
  deallocate_frame(small, 65);
  deallocate_frame(large, 100000);
}

TEST_F(FramePool, NullIsIgnored) { deallocate_frame(nullptr, 100); }

TEST_F(FramePool, UsesMemoryAgainInsteadOfTakingMoreSlabs) {
  std::int64_t slab_bytes = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<Block> blocks;
    for (int i = 0; i < 1000; ++i) blocks.push_back(filled(500));
    for (const Block& block : blocks) deallocate_frame(block.memory, block.bytes);
    if (round == 0) slab_bytes = frame_pool_stats().slab_bytes;
  }
  EXPECT_EQ(frame_pool_stats().slab_bytes, slab_bytes);
}

TEST_F(FramePool, BlocksFreedByAnotherThreadReachANewThread) {
  constexpr int kBlocks = 5000;
  std::int64_t slab_bytes = 0;
  for (int round = 0; round < 10; ++round) {
    std::vector<Block> blocks;
    std::thread([&] {
      for (int i = 0; i < kBlocks; ++i) blocks.push_back(filled(200));
    }).join();
    std::thread([&] {
      for (const Block& block : blocks) {
        expect_filled(block);
        deallocate_frame(block.memory, block.bytes);
      }
    }).join();
    if (round == 0) slab_bytes = frame_pool_stats().slab_bytes;
  }
  EXPECT_EQ(frame_pool_stats().slab_bytes, slab_bytes);
}

TEST_F(FramePool, ThreadsExchangeBlocksOfMixedSizes) {
  constexpr int kThreads = 4;
  constexpr int kSteps = test::fewer_if_sanitized(20000);
  struct Mailbox {
    ThreadMutex mutex;
    std::vector<Block> blocks;
  };
  std::array<Mailbox, kThreads> mailboxes;
  std::vector<std::thread> threads;
  for (std::uint32_t self = 0; self < kThreads; ++self) {
    threads.emplace_back([&mailboxes, self] {
      detail::Random random(self);
      for (int step = 0; step < kSteps; ++step) {
        const Block mine = filled(random.below(3000));
        Mailbox& box = mailboxes[random.below(kThreads)];
        Block other{};
        {
          const std::lock_guard lock(box.mutex);
          box.blocks.push_back(mine);
          if (box.blocks.size() > 100) {
            std::swap(box.blocks[random.below(100)], box.blocks.back());
            other = box.blocks.back();
            box.blocks.pop_back();
          }
        }
        if (other.memory != nullptr) expect_filled(other);
        deallocate_frame(other.memory, other.bytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Mailbox& box : mailboxes) {
    for (const Block& block : box.blocks) deallocate_frame(block.memory, block.bytes);
  }
}

TEST_F(FramePool, CountsNearlyRightWhileOtherThreadsWork) {
  constexpr std::int64_t most = 30;
  // A change of magazines every few blocks.
  constexpr std::size_t bytes = detail::kLargestPooledFrame;
  Atomic<bool> stop{false};
  std::thread worker([&] {
    std::vector<void*> blocks;
    while (!stop.load(std::memory_order_relaxed)) {
      for (std::int64_t i = 0; i < most; ++i) blocks.push_back(allocate_frame(bytes));
      for (void* const block : blocks) deallocate_frame(block, bytes);
      blocks.clear();
    }
  });
  std::int64_t fewest = 0;
  std::int64_t largest = 0;
  for (int look = 0; look < 50'000; ++look) {
    const std::int64_t others = frame_pool_stats().live_blocks - before_.live_blocks;
    fewest = std::min(fewest, others);
    largest = std::max(largest, others);
  }
  stop.store(true, std::memory_order_relaxed);
  worker.join();
  // A sum read in the middle of a change may be wrong by what the thread did meanwhile, and by the
  // contents of its magazines.
  const std::int64_t wrong = most + 2 * std::int64_t{detail::kLargestFrameBatch};
  EXPECT_GE(fewest, -wrong);
  EXPECT_LE(largest, most + wrong);
}

// Its destructor runs after the pool's own end-of-thread if it was constructed first.
struct FreesLate {
  ~FreesLate() {
    deallocate_frame(block, 300);
    void* const another = allocate_frame(300);
    deallocate_frame(another, 300);
  }
  void* block = nullptr;
};

TEST_F(FramePool, WorksWhileThreadLocalsAreDestroyed) {
  std::thread([] {
    static thread_local FreesLate early;  // destroyed last
    early.block = nullptr;
    void* const block = allocate_frame(300);
    static thread_local FreesLate late;
    late.block = allocate_frame(300);
    early.block = block;
  }).join();
}

TEST_F(FramePool, FailsExactlyTheArmedAllocation) {
  deallocate_frame(allocate_frame(100), 100);  // makes a free block: it must not hide the failure
  set_frame_failure_after(2);
  std::vector<void*> blocks;
  blocks.push_back(allocate_frame(100));
  blocks.push_back(allocate_frame(100));
  EXPECT_THROW(blocks.push_back(allocate_frame(100)), std::bad_alloc);
  blocks.push_back(allocate_frame(100));
  set_frame_failure_after(0);
  EXPECT_THROW(blocks.push_back(allocate_frame(50000)), std::bad_alloc);
  set_frame_failure_after(0);
  set_frame_failure_after(-1);
  blocks.push_back(allocate_frame(100));
  for (void* const block : blocks) deallocate_frame(block, 100);
}

/// Blocks linked into a list: a vector would need memory, too.
struct Held {
  Held* next;
};

Held* take_until_there_is_no_memory(std::size_t bytes, std::size_t most, std::size_t& count) {
  Held* blocks = nullptr;
  try {
    for (count = 0; count < most; ++count) blocks = ::new (allocate_frame(bytes)) Held{blocks};
  } catch (const std::bad_alloc&) {
  }
  return blocks;
}

void give_back(Held* blocks, std::size_t bytes) {
  while (blocks != nullptr) deallocate_frame(std::exchange(blocks, blocks->next), bytes);
}

/// Runs in a process of its own. When there is no memory for a block there is none for a magazine
/// of freed blocks either; still no block is lost.
[[noreturn]] void run_out_of_memory() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  constexpr rlim_t room = rlim_t{16} << 20;
  constexpr std::size_t most = 4 * room / 200;  // for systems that do not enforce the limit
  const rlim_t limit = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + room;
  const rlimit both{limit, limit};
  if (::setrlimit(RLIMIT_AS, &both) != 0) std::_Exit(2);
  const FramePoolStats before = frame_pool_stats();
  std::size_t first = 0;
  give_back(take_until_there_is_no_memory(200, most, first), 200);
  const bool all_back = frame_pool_stats().live_blocks == before.live_blocks;
  std::size_t second = 0;
  give_back(take_until_there_is_no_memory(200, most, second), 200);
  std::fprintf(stderr, "%zu, then %zu\n", first, second);
  std::_Exit(all_back && first > 10'000 && second >= first ? 0 : 1);
}

TEST(FramePoolDeathTest, LosesNothingWhenThereIsNoMemoryForMagazines) {
  if (test::address_sanitizer || test::thread_sanitizer) {
    GTEST_SKIP() << "a sanitizer needs memory of its own";
  }
  EXPECT_EXIT(run_out_of_memory(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace weft::frame_pool_test
