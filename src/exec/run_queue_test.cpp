#include "exec/run_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace weft::run_queue_test {
namespace {

struct Item {
  Item* next = nullptr;
  int value =
      0;  // written before the push, read after the pop: the race detector checks the ordering
  int runs = 0;
};

constexpr std::uint64_t kNearWrap = ~std::uint64_t{0} - 2;

class RunQueueFrom : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Start, RunQueueFrom, ::testing::Values(0, 1, kNearWrap));

TEST_P(RunQueueFrom, IsFirstInFirstOutUntilFull) {
  detail::RunQueue<Item, 4> queue(GetParam());
  detail::RunQueue<Item, 4>::Local local(queue);
  std::array<Item, 5> items;
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(local.empty());
    EXPECT_EQ(local.pop(), nullptr);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(local.push(&items[i]));
    EXPECT_FALSE(local.push(&items[4]));
    EXPECT_EQ(local.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(local.pop(), &items[i]);
  }
}

TEST_P(RunQueueFrom, HalfOfAFullQueueMovesOut) {
  detail::RunQueue<Item, 4> queue(GetParam());
  detail::RunQueue<Item, 4>::Local local(queue);
  std::array<Item, 4> items;
  detail::IntrusiveQueue<Item> out;
  EXPECT_EQ(local.take_half(out), 0U);
  for (Item& item : items) EXPECT_TRUE(local.push(&item));
  EXPECT_EQ(local.take_half(out), 2U);
  EXPECT_EQ(out.pop_front(), &items[0]);
  EXPECT_EQ(out.pop_front(), &items[1]);
  EXPECT_EQ(local.pop(), &items[2]);
  EXPECT_EQ(local.pop(), &items[3]);
}

TEST_P(RunQueueFrom, StealsHalfRoundedUpInOrder) {
  detail::RunQueue<Item, 8> victim(GetParam());
  detail::RunQueue<Item, 8> own(GetParam());
  detail::RunQueue<Item, 8>::Local local(victim);
  detail::RunQueue<Item, 8>::Local thief(own);
  detail::RunQueue<Item, 8>::Stealer stealer(victim);
  std::array<Item, 5> items;
  EXPECT_TRUE(stealer.empty());
  EXPECT_EQ(stealer.steal_into(thief), nullptr);
  for (Item& item : items) EXPECT_TRUE(local.push(&item));
  EXPECT_EQ(stealer.steal_into(thief), &items[0]);
  EXPECT_EQ(thief.size(), 2U);
  EXPECT_EQ(thief.pop(), &items[1]);
  EXPECT_EQ(thief.pop(), &items[2]);
  EXPECT_EQ(stealer.steal_into(thief), &items[3]);
  EXPECT_TRUE(thief.empty());
  EXPECT_EQ(local.pop(), &items[4]);
  EXPECT_TRUE(stealer.empty());
}

TEST_P(RunQueueFrom, StealsNoMoreThanFits) {
  detail::RunQueue<Item, 4> victim(GetParam());
  detail::RunQueue<Item, 4> own(GetParam());
  detail::RunQueue<Item, 4>::Local local(victim);
  detail::RunQueue<Item, 4>::Local thief(own);
  std::array<Item, 8> items;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(local.push(&items[i]));
    EXPECT_TRUE(thief.push(&items[4 + i]));
  }
  EXPECT_EQ((detail::RunQueue<Item, 4>::Stealer(victim).steal_into(thief)), &items[0]);
  EXPECT_EQ(thief.size(), 4U);
  EXPECT_EQ(local.size(), 3U);
}

// One owner pushes, pops and spills while stealers steal from it and from each other.
template <std::size_t Capacity>
void stress(int item_count, int thieves) {
  using Queue = detail::RunQueue<Item, Capacity>;
  std::vector<Item> items(static_cast<std::size_t>(item_count));
  std::vector<std::unique_ptr<Queue>> queues;
  for (int i = 0; i <= thieves; ++i) queues.push_back(std::make_unique<Queue>(kNearWrap));
  Atomic<int> finished{0};
  const auto run = [&](Item* item) {
    EXPECT_EQ(item->value, item - items.data());
    ++item->runs;
    finished.fetch_add(1, std::memory_order_relaxed);
  };

  std::vector<std::thread> threads;
  for (std::size_t self = 1; self < queues.size(); ++self) {
    threads.emplace_back([&, self] {
      typename Queue::Local local(*queues[self]);
      for (std::size_t turn = 0; finished.load(std::memory_order_relaxed) < item_count; ++turn) {
        const std::size_t victim = turn % queues.size();
        if (victim != self) {
          if (Item* const item = typename Queue::Stealer(*queues[victim]).steal_into(local))
            run(item);
        } else {
          std::this_thread::yield();
        }
        // Leaves some for the other thieves.
        if (turn % 4 == 0 && !local.empty()) {
          while (Item* const item = local.pop()) run(item);
        }
      }
    });
  }

  typename Queue::Local local(*queues[0]);
  detail::IntrusiveQueue<Item> spilled;
  for (int i = 0; i < item_count; ++i) {
    Item& item = items[static_cast<std::size_t>(i)];
    item.value = i;
    while (!local.push(&item)) local.take_half(spilled);
    if (i % 3 == 0) {
      if (Item* const popped = local.pop()) run(popped);
    }
  }
  while (Item* const item = local.pop()) run(item);
  while (Item* const item = spilled.pop_front()) run(item);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(finished.load(std::memory_order_relaxed), item_count);
  for (const Item& item : items) ASSERT_EQ(item.runs, 1);
}

TEST(RunQueueStress, NothingLostNothingTwiceSmall) { stress<2>(100000, 3); }
TEST(RunQueueStress, NothingLostNothingTwiceLarge) { stress<detail::kRunQueueCapacity>(300000, 3); }

}  // namespace
}  // namespace weft::run_queue_test
