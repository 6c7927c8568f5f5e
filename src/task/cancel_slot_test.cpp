// CancelSlot, transition by transition. The races are explored in
// tests/model/cancel_slot_model_test.cpp.
#include <weft/extend/cancel.hpp>

#include <gtest/gtest.h>

namespace weft::cancel_slot_test {
namespace {

class CountingHook : public CancelHook {
 public:
  CountingHook() noexcept
      : CancelHook([](CancelHook& self) noexcept { ++static_cast<CountingHook&>(self).requests; }) {
  }
  int requests = 0;
};

TEST(CancelSlot, ARequestWhileIdleIsRememberedAndRefusesTheNextLeaf) {
  CancelSlot slot;
  CountingHook hook;
  EXPECT_FALSE(slot.requested());
  EXPECT_EQ(slot.request(), nullptr);
  EXPECT_TRUE(slot.requested());
  EXPECT_FALSE(slot.arm(hook));
  EXPECT_EQ(slot.ended(), CancelSlot::Ended::resume);
  EXPECT_TRUE(slot.requested()) << "it is sticky";
}

TEST(CancelSlot, OneLeafAfterAnother) {
  CancelSlot slot;
  CountingHook first;
  CountingHook second;
  EXPECT_TRUE(slot.arm(first));
  EXPECT_EQ(slot.ended(), CancelSlot::Ended::resume);
  EXPECT_TRUE(slot.arm(second));
  EXPECT_FALSE(slot.requested());
  EXPECT_EQ(slot.request(), &second);
  EXPECT_FALSE(slot.finish_request());
}

TEST(CancelSlot, OnlyTheFirstRequestGetsTheHook) {
  CancelSlot slot;
  CountingHook hook;
  ASSERT_TRUE(slot.arm(hook));
  CancelHook* const mine = slot.request();
  ASSERT_EQ(mine, &hook);
  EXPECT_EQ(slot.request(), nullptr) << "while the first is busy";
  mine->request();
  EXPECT_EQ(hook.requests, 1);
  EXPECT_FALSE(slot.finish_request()) << "the leaf has not ended: it will resume the task itself";
  EXPECT_EQ(slot.request(), nullptr) << "afterwards";
  EXPECT_EQ(slot.ended(), CancelSlot::Ended::resume);
}

TEST(CancelSlot, ALeafThatEndsWhileTheCancellerIsBusyIsResumedByTheCanceller) {
  CancelSlot slot;
  CountingHook hook;
  ASSERT_TRUE(slot.arm(hook));
  ASSERT_NE(slot.request(), nullptr);
  EXPECT_EQ(slot.ended(), CancelSlot::Ended::deferred);
  EXPECT_TRUE(slot.requested());
  EXPECT_TRUE(slot.finish_request());
  EXPECT_FALSE(slot.arm(hook));
}

}  // namespace
}  // namespace weft::cancel_slot_test
