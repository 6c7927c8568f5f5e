#include "base/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace weft::intrusive_list_test {
namespace {

struct ByAge;

struct Item : detail::IntrusiveListHook<>, detail::IntrusiveListHook<ByAge> {
  explicit Item(int v) : value(v) {}
  int value;
};

using List = detail::IntrusiveList<Item>;

std::vector<int> values(List& list) {
  std::vector<int> all;
  for (const Item& item : list) all.push_back(item.value);
  return all;
}

void clear(List& list) {
  while (list.pop_front() != nullptr) {
  }
}

bool linked(const Item& item) {
  return static_cast<const detail::IntrusiveListHook<>&>(item).is_linked();
}

TEST(IntrusiveList, KeepsOrder) {
  Item a(1), b(2), c(3);
  List list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.pop_front(), nullptr);
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  EXPECT_EQ(values(list), (std::vector{1, 2, 3}));
  EXPECT_EQ(list.size(), 3U);
  EXPECT_EQ(list.front(), &a);
  EXPECT_EQ(list.back(), &c);
  EXPECT_EQ(list.pop_front(), &a);
  EXPECT_FALSE(linked(a));
  EXPECT_EQ(values(list), (std::vector{2, 3}));
  clear(list);
}

TEST(IntrusiveList, UnlinksFromAnywhereAndOnlyOnce) {
  Item a(1), b(2), c(3);
  List list;
  for (Item* item : {&a, &b, &c}) list.push_back(*item);
  b.detail::IntrusiveListHook<>::unlink();
  b.detail::IntrusiveListHook<>::unlink();
  EXPECT_EQ(values(list), (std::vector{1, 3}));
  list.erase(a);
  list.insert_before(c, b);
  EXPECT_EQ(values(list), (std::vector{2, 3}));
  list.erase(c);
  list.erase(b);
  EXPECT_TRUE(list.empty());
}

TEST(IntrusiveList, SplicesInOrder) {
  Item a(1), b(2), c(3), d(4);
  List first, second, nothing;
  first.push_back(a);
  first.push_back(b);
  second.push_back(c);
  second.push_back(d);
  first.splice_back(nothing);
  first.splice_back(second);
  EXPECT_TRUE(second.empty());
  EXPECT_EQ(values(first), (std::vector{1, 2, 3, 4}));
  second.splice_back(first);
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(values(second), (std::vector{1, 2, 3, 4}));
  clear(second);
}

TEST(IntrusiveList, AnElementStandsInTwoListsByTag) {
  Item a(1), b(2);
  List list;
  detail::IntrusiveList<Item, ByAge> by_age;
  list.push_back(a);
  list.push_back(b);
  by_age.push_back(b);
  by_age.push_back(a);
  EXPECT_EQ(by_age.front(), &b);
  clear(list);
  EXPECT_EQ(by_age.size(), 2U);
  by_age.erase(a);
  by_age.erase(b);
}

TEST(IntrusiveListDeathTest, RefusesMisuse) {
  Item a(1);
  List list;
  list.push_back(a);
  EXPECT_DEATH(list.push_back(a), "in a list already");
  EXPECT_DEATH(
      {
        Item dies(2);
        list.push_back(dies);
      },
      "died while in a list");
  clear(list);
  EXPECT_DEATH(list.erase(a), "in no list");
}

}  // namespace
}  // namespace weft::intrusive_list_test
