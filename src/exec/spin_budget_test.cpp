// SpinBudget: when a worker looks around before it sleeps, and for how long.
#include "exec/spin_budget.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace weft::spin_budget_test {
namespace {

constexpr std::int64_t short_ns = detail::SpinBudget::short_sleep_ns;

TEST(SpinBudget, NothingIsSpentBeforeASleepHasShownThatItPays) {
  detail::SpinBudget budget(true);
  EXPECT_EQ(budget.limit_ns(), 0);
  budget.slept(short_ns, false);
  EXPECT_EQ(budget.limit_ns(), 0) << "ended by an event";
  budget.slept(0, true);
  EXPECT_EQ(budget.limit_ns(), 0) << "the clock stands still";
  budget.slept(short_ns + 1, true);
  EXPECT_EQ(budget.limit_ns(), 0) << "too long";
  budget.slept(short_ns, true);
  EXPECT_EQ(budget.limit_ns(), detail::SpinBudget::most_ns);
}

TEST(SpinBudget, WhatIsFoundKeepsItGoing) {
  detail::SpinBudget budget(true);
  budget.slept(1, true);
  budget.looked(false);
  EXPECT_EQ(budget.limit_ns(), detail::SpinBudget::most_ns / 2);
  budget.looked(true);
  EXPECT_EQ(budget.limit_ns(), detail::SpinBudget::most_ns);
}

/// How long it looks in vain, in all, until it does no more.
std::int64_t spent_in_vain(detail::SpinBudget& budget) {
  std::int64_t spent_ns = 0;
  while (budget.limit_ns() != 0) {
    spent_ns += budget.limit_ns();
    budget.looked(false);
  }
  return spent_ns;
}

/// How many sleeps that show that it pays it takes until it looks around again.
std::uint32_t signs_needed(detail::SpinBudget& budget) {
  std::uint32_t signs = 0;
  while (budget.limit_ns() == 0) {
    budget.slept(1, true);
    ++signs;
  }
  return signs;
}

TEST(SpinBudget, InVainItEndsSoonAndBeginsEverLater) {
  detail::SpinBudget budget(true);
  std::uint32_t expected = 1;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(signs_needed(budget), expected);
    EXPECT_LT(spent_in_vain(budget), 2 * detail::SpinBudget::most_ns);
    expected = std::min(2 * expected, detail::SpinBudget::most_signs);
  }
  // Until something is found.
  static_cast<void>(signs_needed(budget));
  budget.looked(true);
  static_cast<void>(spent_in_vain(budget));
  EXPECT_EQ(signs_needed(budget), 2U);
}

TEST(SpinBudget, SignsMustComeInARow) {
  detail::SpinBudget budget(true);
  budget.slept(1, true);
  static_cast<void>(spent_in_vain(budget));
  budget.slept(1, true);
  budget.slept(1, false);
  budget.slept(1, true);
  EXPECT_EQ(budget.limit_ns(), 0);
  budget.slept(1, true);
  EXPECT_NE(budget.limit_ns(), 0);
}

}  // namespace
}  // namespace weft::spin_budget_test
