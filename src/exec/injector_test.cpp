#include "exec/injector.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace weft::injector_test {
namespace {

struct Item {
  Item* next = nullptr;
  int producer = 0;
  int sequence = 0;
};

TEST(Injector, IsFirstInFirstOut) {
  detail::Injector<Item> injector;
  Item a, b, c;
  EXPECT_EQ(injector.pop(), nullptr);
  EXPECT_TRUE(injector.push(&a));
  detail::IntrusiveQueue<Item> batch;
  batch.push_back(&b);
  batch.push_back(&c);
  EXPECT_TRUE(injector.push(batch));
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(injector.size(), 3U);
  EXPECT_EQ(injector.pop(), &a);
  EXPECT_EQ(injector.pop(9, batch), 2U);
  EXPECT_EQ(batch.pop_front(), &b);
  EXPECT_EQ(batch.pop_front(), &c);
  EXPECT_TRUE(injector.empty());
  EXPECT_EQ(injector.pop(9, batch), 0U);
}

TEST(Injector, PopsNoMoreThanAskedFor) {
  detail::Injector<Item> injector;
  std::array<Item, 3> items;
  for (Item& item : items) EXPECT_TRUE(injector.push(&item));
  detail::IntrusiveQueue<Item> out;
  EXPECT_EQ(injector.pop(0, out), 0U);
  EXPECT_EQ(injector.pop(2, out), 2U);
  EXPECT_EQ(out.size(), 2U);
  EXPECT_EQ(injector.size(), 1U);
  EXPECT_EQ(injector.pop(), &items[2]);
}

TEST(Injector, ClosedLetsNothingInButEverythingOut) {
  detail::Injector<Item> injector;
  Item inside, late;
  EXPECT_TRUE(injector.push(&inside));
  EXPECT_FALSE(injector.closed());
  EXPECT_TRUE(injector.close());
  EXPECT_FALSE(injector.close());
  EXPECT_TRUE(injector.closed());
  EXPECT_FALSE(injector.push(&late));
  detail::IntrusiveQueue<Item> batch;
  batch.push_back(&late);
  EXPECT_FALSE(injector.push(batch));
  EXPECT_EQ(batch.pop_front(), &late);
  EXPECT_EQ(injector.pop(), &inside);
  EXPECT_EQ(injector.pop(), nullptr);
}

TEST(Injector, KeepsEachProducersOrderUnderContention) {
  constexpr int kProducers = 3;
  constexpr int kEach = 20000;
  std::vector<std::vector<Item>> items(kProducers, std::vector<Item>(kEach));
  detail::Injector<Item> injector;
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (int i = 0; i < kEach; ++i) {
        Item& item = items[static_cast<std::size_t>(p)][static_cast<std::size_t>(i)];
        item.producer = p;
        item.sequence = i;
        ASSERT_TRUE(injector.push(&item));
      }
    });
  }
  std::array<int, kProducers> expected{};
  detail::IntrusiveQueue<Item> out;
  for (int received = 0; received < kProducers * kEach;) {
    if (injector.pop(32, out) == 0) std::this_thread::yield();
    while (const Item* const item = out.pop_front()) {
      ASSERT_EQ(item->sequence, expected.at(static_cast<std::size_t>(item->producer))++);
      ++received;
    }
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_TRUE(injector.empty());
}

}  // namespace
}  // namespace weft::injector_test
