// Generator<T>: items of every kind, laziness, early drop, exceptions, nesting, views.
#include <weft/extend/frame_pool.hpp>
#include <weft/generator.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/helpers.hpp"

namespace weft::test::generator_test {
namespace {

using Words = std::vector<std::string>;

class GeneratorTest : public ::testing::Test {
 protected:
  void SetUp() override { before_ = frame_pool_stats().live_blocks; }
  void TearDown() override { EXPECT_EQ(frame_pool_stats().live_blocks, before_); }

 private:
  std::int64_t before_ = 0;
};

Generator<int> numbers(int from, int to) {
  for (int i = from; i < to; ++i) co_yield i;
}

template <class R>
auto all_of(R&& range) {
  std::vector<std::ranges::range_value_t<R>> items;
  for (auto&& item : range) items.emplace_back(std::forward<decltype(item)>(item));
  return items;
}

using Numbers = std::vector<int>;

TEST_F(GeneratorTest, IsAnInputRangeAndAView) {
  using G = Generator<int>;
  static_assert(std::ranges::input_range<G> && std::ranges::view<G>);
  static_assert(!std::ranges::forward_range<G> && !std::copyable<G>);
  static_assert(std::same_as<std::ranges::range_reference_t<G>, int&&>);
  static_assert(std::same_as<std::ranges::range_reference_t<Generator<int&>>, int&>);
  static_assert(
      std::same_as<std::ranges::range_value_t<Generator<const std::string&>>, std::string>);
  using Text = Generator<std::string_view, std::string>;
  static_assert(std::same_as<std::ranges::range_reference_t<Text>, std::string_view>);
  static_assert(std::same_as<std::ranges::range_value_t<Text>, std::string>);
}

TEST_F(GeneratorTest, GivesItsItemsInOrder) {
  EXPECT_EQ(all_of(numbers(3, 8)), (Numbers{3, 4, 5, 6, 7}));
  EXPECT_EQ(all_of(numbers(3, 3)), Numbers());
}

TEST_F(GeneratorTest, RunsOnlyWhenAsked) {
  Log log;
  auto body = [](Log& l) -> Generator<int> {
    l.add("begun");
    co_yield 1;
    l.add("asked again");
    co_yield 2;
    l.add("end");
  };
  Generator<int> generator = body(log);
  EXPECT_EQ(log.words(), Words());
  auto it = generator.begin();
  EXPECT_EQ(log.words(), (Words{"begun"}));
  EXPECT_EQ(*it, 1);
  EXPECT_EQ(*it, 1);
  ++it;
  EXPECT_EQ(*it, 2);
  EXPECT_FALSE(it == generator.end());
  it++;
  EXPECT_TRUE(it == generator.end());
  EXPECT_EQ(log.words(), (Words{"begun", "asked again", "end"}));
}

TEST_F(GeneratorTest, GivesWhatIsMoveOnlyAndMoveIsNotCopy) {
  auto owners = []() -> Generator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(1);
    auto kept = std::make_unique<int>(2);
    co_yield std::move(kept);
    EXPECT_EQ(kept, nullptr) << "the consumer took it";
  };
  int sum = 0;
  for (std::unique_ptr<int> owner : owners()) sum += *owner;
  EXPECT_EQ(sum, 3);

  auto text = []() -> Generator<std::string> {
    const std::string fixed(100, 'a');
    std::string kept(100, 'b');
    co_yield fixed;
    co_yield kept;
    EXPECT_EQ(kept.size(), 100U) << "an lvalue is copied";
    co_yield "converted";
  };
  EXPECT_EQ(all_of(text()), (Words{std::string(100, 'a'), std::string(100, 'b'), "converted"}));
}

TEST_F(GeneratorTest, GivesReferencesToTheSameObjects) {
  Numbers items{1, 2, 3};
  auto each = [](Numbers& from) -> Generator<int&> {
    for (int& item : from) co_yield item;
  };
  for (int& item : each(items)) item *= 10;
  EXPECT_EQ(items, (Numbers{10, 20, 30}));

  auto names = [](const Words& from) -> Generator<std::string_view, std::string> {
    for (const std::string& word : from) co_yield word;
  };
  EXPECT_EQ(all_of(names(Words{"a", "b"})), (Words{"a", "b"}));
}

TEST_F(GeneratorTest, ADropDestroysWhatTheBodyHas) {
  Log log;
  auto body = [](Log& l, Logged) -> Generator<int> {
    const Logged outer(l, "outer");
    for (int i = 0;; ++i) {
      const Logged inner(l, "inner");
      co_yield i;
    }
  };
  {
    Generator<int> never_begun = body(log, Logged(log, "argument"));
  }
  EXPECT_EQ(log.words(), (Words{"argument"}));
  for (const int i : body(log, Logged(log, "argument"))) {
    if (i == 1) break;
  }
  EXPECT_EQ(log.words(), (Words{"argument", "inner", "inner", "outer", "argument"}));
}

TEST_F(GeneratorTest, ExceptionsComeOutOfBeginAndIncrement) {
  auto body = [](int good) -> Generator<int> {
    for (int i = 0; i < good; ++i) co_yield i;
    throw std::runtime_error("body");
  };
  auto at_once = body(0);
  EXPECT_THROW((void)at_once.begin(), std::runtime_error);
  auto later = body(1);
  auto it = later.begin();
  EXPECT_THROW(++it, std::runtime_error);
  EXPECT_TRUE(it == later.end());
}

TEST_F(GeneratorTest, CanBeGoneThroughOnce) {
  Generator<int> generator = numbers(0, 5);
  for (const int i : generator) {
    if (i == 1) break;
  }
  EXPECT_THROW((void)generator.begin(), std::logic_error);
  Generator<int> moved = numbers(0, 5);
  const Generator<int> holder = std::move(moved);
  EXPECT_FALSE(moved);
  EXPECT_TRUE(holder);
  EXPECT_THROW((void)moved.begin(), std::logic_error);
  EXPECT_THROW((void)Generator<int>().begin(), std::logic_error);
  moved = numbers(1, 3);
  moved = numbers(2, 4);
  EXPECT_EQ(all_of(moved), (Numbers{2, 3}));
}

TEST_F(GeneratorTest, WorksWithViews) {
  auto even = numbers(0, 100) | std::views::filter([](int i) { return i % 2 == 0; }) |
              std::views::transform([](int i) { return i * i; }) | std::views::take(4);
  EXPECT_EQ(all_of(even), (Numbers{0, 4, 16, 36}));
  EXPECT_EQ(std::ranges::count_if(numbers(0, 10), [](int i) { return i > 6; }), 3);
}

// Nesting

struct Tree {
  int value;
  std::unique_ptr<Tree> left = nullptr;
  std::unique_ptr<Tree> right = nullptr;
};
Generator<const int&> in_order(const Tree* tree) {
  if (tree == nullptr) co_return;
  co_yield elements_of(in_order(tree->left.get()));
  co_yield tree->value;
  co_yield elements_of(in_order(tree->right.get()));
}

TEST_F(GeneratorTest, ElementsOfGeneratorsAndRanges) {
  Tree tree{5};
  tree.left = std::make_unique<Tree>(Tree{2});
  tree.left->right = std::make_unique<Tree>(Tree{3});
  tree.right = std::make_unique<Tree>(Tree{9});
  EXPECT_EQ(all_of(in_order(&tree)), (Numbers{2, 3, 5, 9}));

  auto mixed = [](const Numbers& some) -> Generator<const int&> {
    co_yield elements_of(some);
    co_yield elements_of(std::views::iota(1, 3));
    const Numbers none;
    co_yield elements_of(none);
    co_yield 7;
  };
  EXPECT_EQ(all_of(mixed(Numbers{4, 5})), (Numbers{4, 5, 1, 2, 7}));
}

TEST_F(GeneratorTest, ElementsOfAnotherOnesRangeAreCopied) {
  auto all = [](std::vector<std::string>& others) -> Generator<std::string> {
    co_yield elements_of(others);
    co_yield elements_of(std::vector<std::string>(1, "c"));
    const std::vector<const char*> others_kind{"d"};
    co_yield elements_of(others_kind);
  };
  std::vector<std::string> words{"a", "b"};
  std::vector<std::string> got;
  for (std::string word : all(words)) got.push_back(std::move(word));
  EXPECT_EQ(got, (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(words, (std::vector<std::string>{"a", "b"})) << "they are the caller's still";
}

/// Records the stack depth when it is destroyed.
class NotesItsEnd {
 public:
  explicit NotesItsEnd(StackMeter& meter) : meter_(meter) {}
  ~NotesItsEnd() { meter_.note(); }

 private:
  StackMeter& meter_;
};

Generator<int> nest(int levels, StackMeter& meter, int items, bool fail = false) {
  const NotesItsEnd here(meter);
  meter.note();
  if (levels > 0) {
    co_yield elements_of(nest(levels - 1, meter, items, fail));
  } else {
    for (int i = 0; i < items; ++i) {
      if (i % 16 == 0) meter.note();
      co_yield i;
    }
    if (fail) throw std::runtime_error("innermost");
  }
  meter.note();
}

constexpr std::size_t little_stack = 4096;

TEST_F(GeneratorTest, DepthCostsNoStackAndNoTimeAnItem) {
  constexpr int levels = 100'000;
  StackMeter meter;
  int count = 0;
  // Walking down for each item would take 1e10 steps.
  for (const int i : nest(levels, meter, 100'000)) count += static_cast<int>(i == count);
  EXPECT_EQ(count, 100'000);
  EXPECT_LT(meter.bytes(), little_stack);
  for (const int i : nest(levels, meter, 5)) {
    if (i == 2) break;  // the drop unwinds them one by one
  }
  auto failing = nest(levels / 10, meter, 1, true);
  auto it = failing.begin();
  EXPECT_THROW(++it, std::runtime_error);
  EXPECT_LT(meter.bytes(), little_stack);
}

TEST_F(GeneratorTest, ADropUnwindsNestedOnesInnermostFirst) {
  Log log;
  auto inner = [](Log& l) -> Generator<int> {
    const Logged here(l, "inner");
    co_yield 1;
    co_yield 2;
  };
  auto outer = [&](Log& l) -> Generator<int> {
    const Logged here(l, "outer");
    co_yield elements_of(inner(l));
    l.add("between");
    co_yield elements_of(inner(l));
  };
  int sum = 0;
  for (const int i : outer(log)) {
    sum += i;
    if (sum == 4) break;
  }
  EXPECT_EQ(log.words(), (Words{"inner", "between", "inner", "outer"}));
}

TEST_F(GeneratorTest, AnOuterOneCatchesWhatANestedOneThrows) {
  auto failing = []() -> Generator<int> {
    co_yield 1;
    throw std::runtime_error("nested");
  };
  auto outer = [&]() -> Generator<int> {
    bool caught = false;
    try {
      co_yield elements_of(failing());
    } catch (const std::runtime_error&) {
      caught = true;
    }
    co_yield caught ? 2 : 3;
    Generator<int> used = numbers(0, 3);
    (void)used.begin();
    co_yield elements_of(std::move(used));
  };
  auto generator = outer();
  auto it = generator.begin();
  EXPECT_EQ(*it, 1);
  ++it;
  EXPECT_EQ(*it, 2);
  EXPECT_THROW(++it, std::logic_error) << "it had been begun";
}

// Memory

TEST_F(GeneratorTest, OneSmallBlockWhateverTheNumberOfItems) {
  const FramePoolStats before = frame_pool_stats();
  Generator<int> generator = numbers(0, 1'000'000);
  long sum = 0;
  for (const int i : generator) {
    sum += i;
    if (i % 1000 != 0) continue;
    EXPECT_LE(frame_pool_stats().live_blocks, before.live_blocks + 1);  // a compiler may elide it
  }
  EXPECT_EQ(sum, 499'999'500'000);
  EXPECT_LE(frame_pool_stats().live_bytes - before.live_bytes, 192);
}

}  // namespace
}  // namespace weft::test::generator_test
