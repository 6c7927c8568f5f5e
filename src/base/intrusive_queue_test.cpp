#include "base/intrusive_queue.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace weft::intrusive_queue_test {
namespace {

struct Item {
  int value = 0;
  Item* next = nullptr;
};

using Queue = detail::IntrusiveQueue<Item>;

std::vector<int> drain(Queue& queue) {
  std::vector<int> all;
  while (Item* const item = queue.pop_front()) {
    EXPECT_EQ(item->next, nullptr);
    all.push_back(item->value);
  }
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0U);
  return all;
}

TEST(IntrusiveQueue, IsFirstInFirstOut) {
  Item a{1}, b{2}, c{3};
  Queue queue;
  EXPECT_EQ(queue.pop_front(), nullptr);
  queue.push_back(&b);
  queue.push_back(&c);
  queue.push_front(&a);
  EXPECT_EQ(queue.size(), 3U);
  EXPECT_EQ(queue.front(), &a);
  EXPECT_EQ(drain(queue), (std::vector{1, 2, 3}));
  queue.push_front(&b);
  queue.push_back(&a);
  EXPECT_EQ(drain(queue), (std::vector{2, 1}));
}

TEST(IntrusiveQueue, SplicesAndMoves) {
  Item a{1}, b{2}, c{3};
  Queue first, second;
  first.splice_back(second);
  EXPECT_TRUE(first.empty());
  second.push_back(&a);
  first.splice_back(second);
  second.push_back(&b);
  second.push_back(&c);
  first.splice_back(second);
  EXPECT_TRUE(second.empty());
  EXPECT_EQ(first.size(), 3U);
  Queue third = std::move(first);
  EXPECT_EQ(drain(third), (std::vector{1, 2, 3}));
}

TEST(IntrusiveQueue, MovesAPrefix) {
  Item a{1}, b{2}, c{3}, d{4};
  Queue from, to;
  for (Item* item : {&b, &c, &d}) from.push_back(item);
  to.push_back(&a);
  from.move_front(2, to);
  EXPECT_EQ(from.size(), 1U);
  EXPECT_EQ(drain(to), (std::vector{1, 2, 3}));
  from.move_front(9, to);
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(drain(to), (std::vector{4}));
}

}  // namespace
}  // namespace weft::intrusive_queue_test
