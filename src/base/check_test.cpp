#include "base/check.hpp"

#include <gtest/gtest.h>

namespace weft::check_test {
namespace {

TEST(CheckDeathTest, NamesTheConditionThePlaceAndWhatToDo) {
  const int count = 3;
  EXPECT_DEATH(WEFT_CHECK(count == 4, "the count is wrong: count again"),
               "check_test.cpp:[0-9]+: check failed: count == 4: the count is wrong: count again");
}

TEST(Check, EvaluatesItsConditionOnce) {
  int evaluations = 0;
  WEFT_CHECK(++evaluations > 0, "cannot fail");
  EXPECT_EQ(evaluations, 1);
}

}  // namespace
}  // namespace weft::check_test
