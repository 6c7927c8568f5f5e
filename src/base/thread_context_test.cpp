#include "base/thread_context.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <utility>

namespace weft::thread_context_test {
namespace {

/// Some place to point to: nothing here looks behind the pointer.
detail::Worker* a_worker() {
  static char place = 0;
  return reinterpret_cast<detail::Worker*>(&place);
}

TEST(ThreadContext, IsEmptyAtFirst) {
  std::jthread([] {
    EXPECT_EQ(detail::thread_context().worker, nullptr);
    EXPECT_EQ(detail::thread_context().reactor, nullptr);
    EXPECT_EQ(detail::thread_context().spare_workers, nullptr);
  }).join();
}

TEST(ThreadContext, IsTheThreadsOwn) {
  detail::thread_context().worker = a_worker();
  std::jthread([] { EXPECT_EQ(detail::thread_context().worker, nullptr); }).join();
  EXPECT_EQ(detail::thread_context().worker, a_worker());
  detail::thread_context() = {};
}

TEST(ThreadContext, IsSwappedAsOne) {
  detail::ThreadContext fresh;
  fresh.worker = a_worker();
  const detail::ThreadContext before = std::exchange(detail::thread_context(), fresh);
  EXPECT_EQ(before.worker, nullptr);
  EXPECT_EQ(detail::thread_context().worker, a_worker());
  detail::thread_context() = before;
  EXPECT_EQ(detail::thread_context().worker, nullptr);
}

}  // namespace
}  // namespace weft::thread_context_test
