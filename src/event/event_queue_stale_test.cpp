// Events of dead registrations: removed, replaced, or closed while a duplicate lives on.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "conformance/event_queue_fixture.hpp"
#include "os/fault.hpp"

namespace weft::testing::event_queue_stale_test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST_F(EventQueueTest, RemovedWithinTheBatchIsLeftOut) {
  const Ends& one = keep(make_pipe());
  const Ends& two = keep(make_pipe());
  ASSERT_TRUE(queue_.add(one.first.get(), 1, Interest::readable));
  ASSERT_TRUE(queue_.add(two.first.get(), 2, Interest::readable));
  put(one.second, "x");
  put(two.second, "x");
  const auto found = queue_.poll(room_, 0ns);
  ASSERT_TRUE(found);
  Tokens seen;
  for (const Event& event : *found) {
    seen.push_back(event.token);
    const int other = event.token == 1 ? two.first.get() : one.first.get();
    ASSERT_TRUE(queue_.remove(other));
  }
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_TRUE(found->empty() || seen[0] == found->begin()->token);
}

TEST_F(EventQueueTest, CloseAndReuseWithinTheBatchIsNeverMistaken) {
  Ends& one = keep(make_pipe());
  Ends& two = keep(make_pipe());
  const Ends& fresh = keep(make_pipe());
  ASSERT_TRUE(queue_.add(one.first.get(), 1, Interest::readable, Trigger::edge));
  ASSERT_TRUE(queue_.add(two.first.get(), 2, Interest::readable, Trigger::edge));
  put(one.second, "x");
  put(two.second, "x");
  const auto found = queue_.poll(room_, 0ns);
  ASSERT_TRUE(found);
  int seen = 0;
  for (const Event& event : *found) {
    ASSERT_EQ(++seen, 1) << "an event of token " << event.token << " came for a handle in reuse";
    // Closes the number of the coming event and, in one step, reuses it for another open object.
    const int other = event.token == 1 ? two.first.get() : one.first.get();
    ASSERT_EQ(::dup2(fresh.first.get(), other), other);
    ASSERT_TRUE(queue_.add(other, 3, Interest::readable, Trigger::edge));
  }
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(tokens(), Tokens{});  // the new object has nothing to read
  put(fresh.second, "y");
  EXPECT_EQ(tokens(), Tokens{3});
}

TEST_F(EventQueueTest, AddingANumberAgainReplacesIt) {
  const Ends& pipe = keep(make_pipe());
  put(pipe.second, "x");
  ASSERT_TRUE(queue_.add(pipe.first.get(), 1, Interest::readable));
  ASSERT_TRUE(queue_.add(pipe.first.get(), 2, Interest::readable, Trigger::one_shot));
  EXPECT_EQ(tokens(), Tokens{2});
  EXPECT_EQ(tokens(), Tokens{});
}

TEST_F(EventQueueTest, EventsOfADuplicateThatLivesOnAreLeftOutAndStopTheWaitsNoLonger) {
  Ends& dead = keep(make_pipe());
  const Ends& live = keep(make_pipe());
  const int number = dead.first.get();
  ASSERT_TRUE(queue_.add(number, 1, Interest::readable));
  ASSERT_TRUE(queue_.add(live.first.get(), 2, Interest::readable));
  const detail::Fd duplicate(::dup(number));
  dead.first.reset();
  ASSERT_TRUE(queue_.remove(number));
  // Level-triggered and never read: each wait of the kernel returns at once.
  put(dead.second, "x");
  detail::ScopedFaults counter;
  const auto start = Clock::now();
  EXPECT_EQ(tokens(20ms), Tokens{});
  EXPECT_GE(Clock::now() - start, 20ms);
  EXPECT_LT(counter.calls(detail::Call::epoll_wait), 100U);  // it did not spin
  EXPECT_EQ(counter.calls(detail::Call::epoll_create), 1U);  // but was rebuilt
  put(live.second, "y");
  EXPECT_EQ(tokens(), Tokens{2});
  EXPECT_EQ(take(live.first), "y");
  queue_.wake();
  EXPECT_EQ(tokens(std::nullopt), Tokens{});
}

TEST_F(EventQueueTest, EventsOfADuplicateAreNotForTheNextOwnerOfTheNumber) {
  Ends& dead = keep(make_pipe());
  const Ends& next = keep(make_pipe());
  const int number = dead.first.get();
  ASSERT_TRUE(queue_.add(number, 1, Interest::readable));
  const detail::Fd duplicate(::dup(number));
  ASSERT_EQ(::dup2(next.first.get(), number), number);  // closes it without remove()
  ASSERT_TRUE(queue_.add(number, 2, Interest::readable));
  put(dead.second, "x");
  detail::ScopedFaults counter;
  const auto start = Clock::now();
  EXPECT_EQ(tokens(5ms), Tokens{});
  EXPECT_GE(Clock::now() - start, 5ms);
  EXPECT_LT(counter.calls(detail::Call::epoll_wait), 100U);  // no busy loop either
  put(next.second, "y");
  EXPECT_EQ(tokens(), Tokens{2});
}

TEST_F(EventQueueTest, RebuildingKeepsSpentOneShotsSilentAndForgetsClosedNumbers) {
  Ends& dead = keep(make_pipe());
  const Ends& spent = keep(make_pipe());
  Ends& closed = keep(make_pipe());
  const Ends& stranger = keep(make_pipe());
  ASSERT_TRUE(queue_.add(dead.first.get(), 1, Interest::readable));
  ASSERT_TRUE(queue_.add(spent.first.get(), 2, Interest::readable, Trigger::one_shot));
  ASSERT_TRUE(queue_.add(closed.first.get(), 3, Interest::readable));
  put(spent.second, "x");
  EXPECT_EQ(tokens(), Tokens{2});
  ASSERT_EQ(::dup2(stranger.first.get(), closed.first.get()), closed.first.get());
  put(stranger.second, "x");  // ready, under the number that was registered; but not added
  const detail::Fd duplicate(::dup(dead.first.get()));
  const int number = dead.first.get();
  dead.first.reset();
  ASSERT_TRUE(queue_.remove(number));
  put(dead.second, "x");
  EXPECT_EQ(tokens(5ms), Tokens{});
  ASSERT_TRUE(queue_.modify(spent.first.get(), 4, Interest::readable, Trigger::one_shot));
  EXPECT_EQ(tokens(), Tokens{4});
  EXPECT_EQ(queue_.modify(closed.first.get(), 5, Interest::readable).error(),
            EventQueueError::not_registered);
}

}  // namespace
}  // namespace weft::testing::event_queue_stale_test
