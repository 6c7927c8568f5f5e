// WorkerQueues: the order in which a worker runs what is ready, with thieves and without.
#include "exec/worker_queues.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

namespace weft::worker_queues_test {
namespace {

class NoExecutor final : public detail::TaskExecutor {
 public:
  void schedule(Runnable&) noexcept override { ADD_FAILURE() << "nothing is scheduled here"; }
  void defer(Runnable& work) noexcept override { schedule(work); }
};

class Pinned final : public detail::PinnedQueue {
 public:
  using detail::PinnedQueue::PinnedQueue;
  ~Pinned() override = default;

 private:
  void wake_owner() noexcept override {}
};

struct Item : Runnable {
  Item() noexcept : Runnable([](Runnable&) noexcept {}) {}
};

/// The parameter: whether there are thieves.
class WorkerQueuesTest : public ::testing::TestWithParam<bool> {
 protected:
  void push(Item& item) { EXPECT_TRUE(queues.push(item)); }
  void put_lifo(Item& item) { EXPECT_EQ(queues.put_lifo(item), nullptr); }
  Runnable* next() { return queues.next(0); }

  NoExecutor executor;
  Pinned pinned{executor};
  detail::WorkerQueues queues{GetParam(), pinned};
  std::array<Item, 8> items;
};

INSTANTIATE_TEST_SUITE_P(Thieves, WorkerQueuesTest, ::testing::Bool());

TEST_P(WorkerQueuesTest, TheLifoSlotComesFirst) {
  push(items[0]);
  put_lifo(items[1]);
  EXPECT_EQ(next(), &items[1]);
  EXPECT_EQ(next(), &items[0]);
  EXPECT_EQ(next(), nullptr);
}

TEST_P(WorkerQueuesTest, TheLifoSlotComesFirstOnlySoManyTimesInARow) {
  push(items[0]);
  for (std::uint32_t i = 0; i < detail::WorkerQueues::lifo_limit; ++i) {
    put_lifo(items[1]);
    EXPECT_EQ(next(), &items[1]);
  }
  put_lifo(items[1]);
  EXPECT_EQ(next(), &items[0]);
  EXPECT_EQ(next(), &items[1]) << "nothing else is ready";
}

TEST_P(WorkerQueuesTest, RunQueueAndPinnedQueueTakeTurns) {
  for (const std::size_t i : {0U, 1U}) push(items[i]);
  for (const std::size_t i : {2U, 3U}) pinned.push(items[i]);
  EXPECT_EQ(next(), &items[2]);
  EXPECT_EQ(next(), &items[0]);
  EXPECT_EQ(next(), &items[3]);
  EXPECT_EQ(next(), &items[1]);
  EXPECT_EQ(next(), nullptr);
}

TEST_P(WorkerQueuesTest, PinnedWorkBypassesTheLoopOnlyIfNothingElseWaits) {
  pinned.push(items[0]);
  pinned.push(items[1]);
  push(items[2]);
  EXPECT_EQ(queues.next(7), &items[0]);
  EXPECT_EQ(pinned.front_direct(), nullptr);
  EXPECT_EQ(queues.next(7), &items[2]);
  pinned.push(items[3]);
  EXPECT_EQ(queues.next(7), &items[1]);
  EXPECT_EQ(pinned.front_direct(), &items[3]);
}

TEST_P(WorkerQueuesTest, AClaimTakesWhatRunsNext) {
  push(items[0]);
  push(items[1]);
  put_lifo(items[2]);
  EXPECT_FALSE(queues.take_if_next(items[2])) << "others have waited for longer";
  EXPECT_FALSE(queues.take_if_next(items[1]));
  EXPECT_TRUE(queues.take_if_next(items[0]));
  EXPECT_TRUE(queues.take_if_next(items[1]));
  EXPECT_TRUE(queues.take_if_next(items[2]));
  EXPECT_TRUE(queues.offers_nothing());
}

TEST_P(WorkerQueuesTest, TakeAllLeavesWhatIsBoundToTheWorker) {
  push(items[0]);
  put_lifo(items[1]);
  pinned.push(items[2]);
  queues.push_demoted(items[3]);
  detail::IntrusiveQueue<Runnable> all;
  queues.take_all(all);
  EXPECT_EQ(all.size(), 2U);
  EXPECT_TRUE(queues.offers_nothing());
  EXPECT_EQ(next(), &items[2]);
  EXPECT_EQ(queues.pop_demoted(), &items[3]);
  while (all.pop_front() != nullptr) {
  }
}

TEST(WorkerQueues, ThievesTakeHalfAndThenTheLifoSlot) {
  NoExecutor executor;
  Pinned pinned(executor);
  Pinned thiefs_pinned(executor);
  detail::WorkerQueues owner(true, pinned);
  detail::WorkerQueues thief(true, thiefs_pinned);
  std::array<Item, 5> items;
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(owner.push(items[i]));
  EXPECT_EQ(owner.put_lifo(items[4]), nullptr);
  EXPECT_TRUE(owner.has_surplus());
  EXPECT_EQ(owner.steal_half(thief), &items[0]);
  EXPECT_EQ(thief.pop(), &items[1]);
  EXPECT_EQ(owner.stealable(), 2U);
  EXPECT_EQ(owner.steal_lifo(), &items[4]);
  EXPECT_TRUE(owner.lifo_empty());
}

TEST(WorkerQueues, WithoutThievesThereIsNoLimit) {
  NoExecutor executor;
  Pinned pinned(executor);
  detail::WorkerQueues queues(false, pinned);
  std::array<Item, detail::kRunQueueCapacity + 1> items;
  for (Item& item : items) EXPECT_TRUE(queues.push(item));
  EXPECT_EQ(queues.list_size(), items.size());
  EXPECT_FALSE(queues.has_surplus());
  for (Item& item : items) EXPECT_EQ(queues.pop(), &item);
}

}  // namespace
}  // namespace weft::worker_queues_test
