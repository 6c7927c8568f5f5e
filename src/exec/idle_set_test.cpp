// IdleSet: which worker is woken, and when none is. The races are in
// tests/model/worker_model_test.cpp.
#include "exec/idle_set.hpp"

#include <gtest/gtest.h>

namespace weft::idle_set_test {
namespace {

TEST(IdleSet, NobodyIsWokenWhileAllAreAwake) {
  detail::IdleSet idle(2);
  EXPECT_EQ(idle.worker_to_wake(), detail::IdleSet::none);
}

TEST(IdleSet, OneSleeperIsWokenAndSearchesUntilWhichNoOtherIs) {
  detail::IdleSet idle(3);
  idle.sleep(0, false);
  idle.sleep(1, false);
  const std::size_t woken = idle.worker_to_wake();
  ASSERT_TRUE(woken == 0 || woken == 1);
  EXPECT_EQ(idle.worker_to_wake(), detail::IdleSet::none) << "one is searching";
  EXPECT_TRUE(idle.awake(woken));
  EXPECT_TRUE(idle.stop_search()) << "the last searcher calls the next";
  EXPECT_EQ(idle.worker_to_wake(), 1 - woken);
}

TEST(IdleSet, WhoComesBackByHimselfIsNotWoken) {
  detail::IdleSet idle(2);
  idle.sleep(1, false);
  EXPECT_FALSE(idle.awake(1));
  EXPECT_EQ(idle.worker_to_wake(), detail::IdleSet::none);
  idle.sleep(1, false);
  EXPECT_EQ(idle.worker_to_wake(), 1U);
}

TEST(IdleSet, SearchersAreBounded) {
  detail::IdleSet idle(4);
  EXPECT_TRUE(idle.start_search());
  EXPECT_TRUE(idle.start_search());
  EXPECT_FALSE(idle.start_search()) << "half of the workers are enough";
  EXPECT_FALSE(idle.stop_search());
  EXPECT_TRUE(idle.stop_search());
}

TEST(IdleSet, ASleepingSearcherSearchesNoMore) {
  detail::IdleSet idle(2);
  EXPECT_TRUE(idle.start_search());
  idle.sleep(0, true);
  EXPECT_EQ(idle.worker_to_wake(), 0U);
}

TEST(IdleSet, ASingleWorkerIsWoken) {
  detail::IdleSet idle(1);
  idle.sleep(0, false);
  EXPECT_EQ(idle.worker_to_wake(), 0U);
  EXPECT_EQ(idle.worker_to_wake(), detail::IdleSet::none) << "one call is enough";
  EXPECT_FALSE(idle.awake(0)) << "there is nobody to search for";
  EXPECT_EQ(idle.worker_to_wake(), detail::IdleSet::none);
}

}  // namespace
}  // namespace weft::idle_set_test
