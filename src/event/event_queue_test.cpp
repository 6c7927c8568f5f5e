#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "conformance/event_queue_fixture.hpp"
#include "os/fault.hpp"

namespace weft::testing::event_queue_test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST_F(EventQueueTest, LevelTriggeredRepeatsUntilDrained) {
  const Ends& pipe = keep(make_pipe());
  ASSERT_TRUE(queue_.add(pipe.first.get(), 7, Interest::readable));
  EXPECT_EQ(tokens(), Tokens{});
  put(pipe.second, "ab");
  EXPECT_EQ(tokens(), Tokens{7});
  EXPECT_EQ(tokens(), Tokens{7});
  EXPECT_EQ(take(pipe.first), "ab");
  EXPECT_EQ(tokens(), Tokens{});
}

TEST_F(EventQueueTest, EdgeTriggeredReportsEachArrivalOnce) {
  const Ends& pipe = keep(make_pipe());
  ASSERT_TRUE(queue_.add(pipe.first.get(), 7, Interest::readable, Trigger::edge));
  put(pipe.second, "a");
  EXPECT_EQ(tokens(), Tokens{7});
  EXPECT_EQ(tokens(), Tokens{});
  put(pipe.second, "b");
  EXPECT_EQ(tokens(), Tokens{7});
  EXPECT_EQ(tokens(), Tokens{});
}

TEST_F(EventQueueTest, OneShotIsSilentUntilModified) {
  const Ends& pipe = keep(make_pipe());
  ASSERT_TRUE(queue_.add(pipe.first.get(), 7, Interest::readable, Trigger::one_shot));
  put(pipe.second, "a");
  EXPECT_EQ(tokens(), Tokens{7});
  put(pipe.second, "b");
  EXPECT_EQ(tokens(), Tokens{});
  ASSERT_TRUE(queue_.modify(pipe.first.get(), 8, Interest::readable, Trigger::one_shot));
  EXPECT_EQ(tokens(), Tokens{8});
  EXPECT_EQ(tokens(), Tokens{});
}

TEST_F(EventQueueTest, ReadyBeforeItWasAddedIsReported) {
  const Ends& pair = keep(make_socket_pair());
  put(pair.second, "a");
  ASSERT_TRUE(queue_.add(pair.first.get(), 1, Interest::both, Trigger::edge));
  const auto events = poll();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].readable);
  EXPECT_TRUE(events[0].writable);
  EXPECT_FALSE(events[0].error || events[0].read_closed || events[0].write_closed);
  EXPECT_EQ(events[0].handle, pair.first.get());
}

TEST_F(EventQueueTest, ModifyChangesInterestAndToken) {
  const Ends& pair = keep(make_socket_pair());
  ASSERT_TRUE(queue_.add(pair.first.get(), 1, Interest::readable));
  EXPECT_EQ(tokens(), Tokens{});
  ASSERT_TRUE(queue_.modify(pair.first.get(), 2, Interest::writable));
  const auto events = poll();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].token, 2U);
  EXPECT_TRUE(events[0].writable);
  EXPECT_FALSE(events[0].readable);
  ASSERT_TRUE(queue_.modify(pair.first.get(), 2, Interest::none));
  EXPECT_EQ(tokens(), Tokens{});
}

TEST_F(EventQueueTest, EventfdsCanBeWatched) {
  const detail::Fd counter(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  ASSERT_TRUE(queue_.add(counter.get(), 3, Interest::readable));
  EXPECT_EQ(tokens(), Tokens{});
  ASSERT_EQ(eventfd_write(counter.get(), 1), 0);
  EXPECT_EQ(tokens(), Tokens{3});
  ASSERT_TRUE(queue_.remove(counter.get()));
}

TEST_F(EventQueueTest, HangUpWakesBothSides) {
  Ends& pair = keep(make_socket_pair());
  ASSERT_TRUE(queue_.add(pair.first.get(), 1, Interest::readable));
  pair.second.reset();
  const auto events = poll();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].readable && events[0].writable);
  EXPECT_TRUE(events[0].read_closed && events[0].write_closed);
}

TEST_F(EventQueueTest, HalfCloseIsToldFromHangUp) {
  const Ends& tcp = keep(make_tcp_pair());
  ASSERT_TRUE(queue_.add(tcp.first.get(), 1, Interest::readable));
  ASSERT_EQ(::shutdown(tcp.second.get(), SHUT_WR), 0);
  const auto events = poll(10s);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].readable && events[0].read_closed);
  EXPECT_FALSE(events[0].write_closed || events[0].error);
}

TEST_F(EventQueueTest, ResetIsAnErrorOnBothSides) {
  Ends& tcp = keep(make_tcp_pair());
  ASSERT_TRUE(queue_.add(tcp.first.get(), 1, Interest::writable, Trigger::edge));
  reset(tcp.second);
  const auto events = poll(10s);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].readable && events[0].writable && events[0].error);
}

TEST_F(EventQueueTest, WriterOfAPipeLearnsThatItsReaderHasGone) {
  Ends& pipe = keep(make_pipe());
  ASSERT_TRUE(queue_.add(pipe.second.get(), 1, Interest::writable, Trigger::edge));
  EXPECT_EQ(tokens(), Tokens{1});
  pipe.first.reset();
  const auto events = poll();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].error && events[0].write_closed);
}

TEST_F(EventQueueTest, WhatDoesNotFitComesWithTheNextPoll) {
  for (std::uint64_t i = 0; i < 5; ++i) {
    const Ends& pipe = keep(make_pipe());
    ASSERT_TRUE(queue_.add(pipe.first.get(), i, Interest::readable, Trigger::edge));
    put(pipe.second, "x");
  }
  Tokens all;
  std::array<Event, 2> small{};
  for (int i = 0; i < 3; ++i) {
    const auto found = queue_.poll(small, 0ns);
    ASSERT_TRUE(found);
    for (const Event& event : *found) all.push_back(event.token);
  }
  std::ranges::sort(all);
  EXPECT_EQ(all, (Tokens{0, 1, 2, 3, 4}));
}

TEST_F(EventQueueTest, AWakeEndsThePollUnderWay) {
  std::thread waker([this] { queue_.wake(); });
  EXPECT_EQ(tokens(std::nullopt), Tokens{});
  waker.join();
}

TEST_F(EventQueueTest, AWakeBeforeThePollEndsThatPollAndOnlyIt) {
  queue_.wake();
  EXPECT_EQ(tokens(std::nullopt), Tokens{});
  const auto start = Clock::now();
  EXPECT_EQ(tokens(5ms), Tokens{});
  EXPECT_GE(Clock::now() - start, 5ms);
}

TEST_F(EventQueueTest, ManyWakesAreOneWrite) {
  detail::ScopedFaults counter;
  for (int i = 0; i < 1000; ++i) queue_.wake();
  EXPECT_EQ(counter.calls(detail::Call::write), 1U);
  EXPECT_EQ(tokens(std::nullopt), Tokens{});
  queue_.wake();
  EXPECT_EQ(counter.calls(detail::Call::write), 2U);
  EXPECT_EQ(tokens(std::nullopt), Tokens{});
}

TEST_F(EventQueueTest, NoWakeOfManyThreadsIsLost) {
  constexpr int threads = 4;
  constexpr int rounds = 2000;
  // Each thread announces its round, then wakes. If a wake were lost, the last poll would not
  // return.
  std::array<std::atomic<int>, threads> announced{};
  std::vector<std::thread> wakers;
  for (int i = 0; i < threads; ++i) {
    wakers.emplace_back([&, i] {
      for (int round = 1; round <= rounds; ++round) {
        announced[static_cast<std::size_t>(i)].store(round, std::memory_order_relaxed);
        queue_.wake();
      }
    });
  }
  const auto all_done = [&] {
    return std::ranges::all_of(announced, [](const auto& round) {
      return round.load(std::memory_order_relaxed) == rounds;
    });
  };
  while (!all_done()) EXPECT_EQ(tokens(std::nullopt), Tokens{});
  for (std::thread& waker : wakers) waker.join();
}

TEST_F(EventQueueTest, AFullWakeCounterNeitherBlocksNorLosesTheWake) {
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::write, .errno_value = EAGAIN});
  queue_.wake();
  EXPECT_EQ(faults.struck(), 1U);
  EXPECT_EQ(tokens(std::nullopt), Tokens{});
}

TEST_F(EventQueueTest, TimeoutsAreNeverShort) {
  for (const auto timeout : {1ns, 999ns, 100'000ns, 1'500'000ns, 3'000'000ns}) {
    const auto start = Clock::now();
    EXPECT_EQ(tokens(timeout), Tokens{});
    EXPECT_GE(Clock::now() - start, timeout);
  }
  EXPECT_EQ(tokens(-5s), Tokens{});
}

TEST_F(EventQueueTest, TimeoutsWorkWhereTheKernelKnowsOnlyMilliseconds) {
  detail::ScopedFaults faults;
  faults.add(
      {.call = detail::Call::epoll_pwait2, .errno_value = ENOSYS, .times = detail::Fault::always});
  const auto start = Clock::now();
  EXPECT_EQ(tokens(1'200'000ns), Tokens{});
  EXPECT_GE(Clock::now() - start, 1'200'000ns);
  EXPECT_GE(faults.struck(), 1U);
}

TEST_F(EventQueueTest, AnEndlessTimeoutDoesNotOverflow) {
  queue_.wake();
  EXPECT_EQ(tokens(std::chrono::nanoseconds::max()), Tokens{});
}

TEST_F(EventQueueTest, SignalsAreInvisible) {
  struct sigaction action{};
  action.sa_handler = [](int) {};  // without SA_RESTART
  struct sigaction before{};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  const pthread_t poller = pthread_self();
  std::atomic<bool> stop{false};
  std::thread storm([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      pthread_kill(poller, SIGUSR1);
      std::this_thread::yield();
    }
  });
  const auto start = Clock::now();
  EXPECT_EQ(tokens(50ms), Tokens{});
  const auto waited = Clock::now() - start;
  EXPECT_GE(waited, 50ms);
  EXPECT_LT(waited, 5s);  // a signal does not restart the timeout
  stop.store(true, std::memory_order_relaxed);
  storm.join();
  ASSERT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST_F(EventQueueTest, ErrorsSayWhatToDo) {
  const Ends& pipe = keep(make_pipe());
  EXPECT_EQ(queue_.modify(pipe.first.get(), 1, Interest::both).error(),
            EventQueueError::not_registered);
  EXPECT_EQ(queue_.remove(pipe.first.get()).error(), EventQueueError::not_registered);
  EXPECT_EQ(queue_.remove(pipe.first.get()).error(), std::errc::no_such_file_or_directory);
  EXPECT_EQ(queue_.add(invalid_handle, 1, Interest::both).error(), EventQueueError::not_open);
  EXPECT_EQ(queue_.add(1'000'000, 1, Interest::both).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(queue_.poll({}, 0ns).error(), EventQueueError::no_room);
  const detail::Fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto refused = queue_.add(file.get(), 1, Interest::readable);
  EXPECT_EQ(refused.error(), EventQueueError::not_pollable);
  EXPECT_NE(refused.error().message().find("regular file"), std::string::npos);
}

TEST_F(EventQueueTest, RefusalsOfTheSystemAreErrors) {
  {
    detail::ScopedFaults faults;
    faults.add({.call = detail::Call::epoll_create, .errno_value = EMFILE});
    EXPECT_EQ(EventQueue::create().error(), std::errc::too_many_files_open);
    faults.add({.call = detail::Call::eventfd, .errno_value = ENFILE});
    EXPECT_EQ(EventQueue::create().error(), std::errc::too_many_files_open_in_system);
  }
  const Ends& pipe = keep(make_pipe());
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::epoll_ctl, .errno_value = ENOSPC});
  EXPECT_EQ(queue_.add(pipe.first.get(), 1, Interest::both).error(), EventQueueError::too_many);
  ASSERT_TRUE(queue_.add(pipe.first.get(), 1, Interest::readable));
  faults.add({.call = detail::Call::epoll_ctl, .errno_value = ENOMEM});
  EXPECT_EQ(queue_.modify(pipe.first.get(), 2, Interest::both).error(),
            std::errc::not_enough_memory);
  put(pipe.second, "x");
  EXPECT_EQ(tokens(), Tokens{1});  // the earlier registration stays
}

TEST_F(EventQueueTest, CanBeMoved) {
  const Ends& pipe = keep(make_pipe());
  ASSERT_TRUE(queue_.add(pipe.first.get(), 9, Interest::readable));
  EventQueue moved = std::move(queue_);
  put(pipe.second, "x");
  queue_ = std::move(moved);
  EXPECT_EQ(tokens(), Tokens{9});
}

}  // namespace
}  // namespace weft::testing::event_queue_test
