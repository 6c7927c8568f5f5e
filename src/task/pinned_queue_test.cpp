#include "task/pinned_queue.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/thread_context.hpp"

namespace weft::pinned_queue_test {
namespace {

class NoExecutor final : public detail::TaskExecutor {
 public:
  void schedule(Runnable&) noexcept override { ADD_FAILURE() << "nothing is scheduled here"; }
  void defer(Runnable& work) noexcept override { schedule(work); }
};

class Queue final : public detail::PinnedQueue {
 public:
  using detail::PinnedQueue::PinnedQueue;
  ~Queue() override = default;
  int woken = 0;

 private:
  void wake_owner() noexcept override { ++woken; }
};

struct Item : Runnable {
  Item() noexcept : Runnable([](Runnable&) noexcept {}) {}
};

class PinnedQueueTest : public ::testing::Test {
 protected:
  void schedule_elsewhere(Runnable& work) {
    std::thread([&] { queue.schedule(work); }).join();
  }
  NoExecutor shared;
  Queue queue{shared};
  Item first;
  Item second;
  Item third;
};

TEST_F(PinnedQueueTest, GivesInTheOrderOfTheOwnersPushes) {
  detail::thread_context().pinned = &queue;
  queue.schedule(first);
  queue.defer(second);
  detail::thread_context().pinned = nullptr;
  EXPECT_EQ(queue.pop(0), &first);
  EXPECT_EQ(queue.pop(0), &second);
  EXPECT_EQ(queue.pop(0), nullptr);
  EXPECT_EQ(queue.woken, 0);
}

TEST_F(PinnedQueueTest, TakesWhatOtherThreadsPushedInTheirOrderBehindItsOwn) {
  schedule_elsewhere(second);
  schedule_elsewhere(third);
  queue.push(first);
  EXPECT_EQ(queue.pop(0), &first);
  EXPECT_EQ(queue.pop(0), &second);
  EXPECT_EQ(queue.pop(0), &third);
  EXPECT_EQ(queue.pop(0), nullptr);
}

TEST_F(PinnedQueueTest, WhatIsRunWithoutTheLoopIsBoundedAndCounted) {
  for (Runnable* const work : std::initializer_list<Runnable*>{&first, &second, &third}) {
    queue.push(*work);
  }
  EXPECT_EQ(queue.front_direct(), nullptr);
  EXPECT_EQ(queue.pop(2), &first);
  EXPECT_EQ(queue.front_direct(), &second);
  queue.rotate_direct(*queue.front_direct(), first);
  EXPECT_EQ(queue.front_direct(), &third);
  queue.pop_direct(*queue.front_direct());
  EXPECT_EQ(queue.front_direct(), nullptr);  // there is one, but the loop must have its turn
  EXPECT_EQ(queue.take_direct_runs(), 2U);
  EXPECT_EQ(queue.take_direct_runs(), 0U);
  EXPECT_EQ(queue.pop(0), &first);
}

TEST_F(PinnedQueueTest, WakesTheOwnerOnceAndOnlyWhileItSleeps) {
  schedule_elsewhere(first);
  EXPECT_EQ(queue.woken, 0);
  EXPECT_FALSE(queue.prepare_sleep());  // there is something to run
  EXPECT_EQ(queue.pop(0), &first);
  EXPECT_TRUE(queue.prepare_sleep());
  schedule_elsewhere(second);
  schedule_elsewhere(third);
  EXPECT_EQ(queue.woken, 1);
  queue.awake();
  EXPECT_EQ(queue.pop(0), &second);
  EXPECT_FALSE(queue.prepare_sleep());
}

}  // namespace
}  // namespace weft::pinned_queue_test
