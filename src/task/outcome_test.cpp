// Outcome<T>: the three ways a task ends, for every kind of T.
#include <weft/outcome.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

namespace weft::outcome_test {
namespace {

TEST(Outcome, IsCancelledUntilSomethingIsSet) {
  Outcome<int> outcome;
  EXPECT_TRUE(outcome.cancelled());
  EXPECT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error(), nullptr);
  try {
    outcome.take();
    FAIL() << "nothing thrown";
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), std::errc::operation_canceled);
  }
}

TEST(Outcome, GivesValuesReferencesAndVoid) {
  Outcome<std::unique_ptr<int>> owner;
  owner.set_value(std::make_unique<int>(3));
  EXPECT_EQ(*owner.take(), 3);

  int object = 0;
  Outcome<int&> reference;
  reference.set_value(object);
  EXPECT_EQ(&reference.take(), &object);

  Outcome<const std::string&> constant;
  const std::string text = "text";
  constant.set_value(text);
  EXPECT_EQ(&constant.take(), &text);

  Outcome<void> nothing;
  nothing.set_value();
  EXPECT_TRUE(nothing.has_value());
  nothing.take();
}

TEST(Outcome, RethrowsAFailure) {
  Outcome<int> outcome;
  outcome.set_error(std::make_exception_ptr(std::domain_error("why")));
  EXPECT_TRUE(outcome.failed());
  EXPECT_NE(outcome.error(), nullptr);
  EXPECT_THROW(outcome.take(), std::domain_error);
}

TEST(Outcome, TakesOverEachOfTheThree) {
  Outcome<std::string> target;
  Outcome<std::string> source;
  source.set_value("value");
  target.take_over(source);
  EXPECT_EQ(target.take(), "value");

  Outcome<std::string> failed;
  failed.set_error(std::make_exception_ptr(1));
  target.take_over(failed);
  EXPECT_TRUE(target.failed());

  Outcome<std::string> cancelled;
  target.take_over(cancelled);
  EXPECT_TRUE(target.cancelled());
}

struct Unassignable {
  explicit Unassignable(int v) : value(v) {}
  Unassignable(Unassignable&& other) : value(other.value) {
    if (value < 0) throw std::range_error("cannot move");
  }
  Unassignable& operator=(Unassignable&&) = delete;
  ~Unassignable() = default;
  const int value;
};

TEST(Outcome, TakesOverWhatCanOnlyBeMovedOnceAndTurnsAThrowingMoveIntoAFailure) {
  Outcome<Unassignable> source;
  source.set_value(4);
  Outcome<Unassignable> target;
  target.take_over(source);
  EXPECT_EQ(target.take().value, 4);

  Outcome<Unassignable> stubborn;
  stubborn.set_value(-1);
  target.take_over(stubborn);
  EXPECT_TRUE(target.failed());
  EXPECT_THROW(target.take(), std::range_error);
}

}  // namespace
}  // namespace weft::outcome_test
