// Reactor::poll_remotely() over the real driver: a remote thread polls in place of the owner.
#include "reactor/reactor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <thread>

#include "conformance/handles.hpp"
#include "reactor/readiness_driver.hpp"

namespace weft::testing::remote_poll_test {
namespace {

constexpr std::int64_t ms = 1'000'000;

class CountedOperation final : public Operation {
 public:
  explicit CountedOperation(OperationKind what, Source* on = nullptr)
      : Operation(what, on, [](Operation& self) noexcept {
          static_cast<CountedOperation&>(self).completed.fetch_add(1);
        }) {}
  std::atomic<int> completed{0};
};

class RemotePollTest : public ::testing::Test {
 protected:
  /// Polls on a thread of its own.
  std::optional<detail::Reactor::RemotePoll> poll_remotely() {
    std::optional<detail::Reactor::RemotePoll> remote;
    std::thread([&] { remote = reactor.poll_remotely(); }).join();
    return remote;
  }

  detail::SteadyClock clock;
  detail::Reactor reactor{std::unique_ptr<detail::Driver>(*detail::ReadinessDriver::create()),
                          clock};
};

TEST_F(RemotePollTest, WhatIsReadyIsDelivered) {
  const Ends pair = make_socket_pair();
  Source source(::dup(pair.first.get()));
  CountedOperation read(OperationKind::read, &source);
  std::byte byte{};
  read.io.buffer = {&byte, 1};
  ASSERT_EQ(reactor.start(read), detail::Started::pending);
  ASSERT_TRUE(poll_remotely().has_value());
  EXPECT_EQ(read.completed, 0);
  ASSERT_EQ(::write(pair.second.get(), "x", 1), 1);
  ASSERT_TRUE(poll_remotely().has_value());
  EXPECT_EQ(read.completed, 1);
  EXPECT_EQ(read.result, 1);
  EXPECT_EQ(reactor.pending(), 0U);
}

TEST_F(RemotePollTest, TimersAreFiredAndTheNextIsTold) {
  CountedOperation due(OperationKind::timer);
  due.set_deadline(clock.now() - ms);
  CountedOperation later(OperationKind::timer);
  later.set_deadline(clock.now() + 100'000 * ms);
  ASSERT_EQ(reactor.start(due), detail::Started::pending);
  ASSERT_EQ(reactor.start(later), detail::Started::pending);
  const auto remote = poll_remotely();
  ASSERT_TRUE(remote.has_value());
  EXPECT_EQ(due.completed, 1);
  EXPECT_GT(remote->timeout_ns, 0);
  EXPECT_LE(remote->timeout_ns, 100'000 * ms);
  reactor.cancel(later);
  EXPECT_EQ(later.completed, 1);
}

TEST_F(RemotePollTest, TheOwnerIsNotDisturbedInside) {
  {
    const detail::Reactor::Hold hold(reactor);
    EXPECT_FALSE(poll_remotely().has_value());
    const detail::Reactor::Hold nested(reactor);
    EXPECT_FALSE(poll_remotely().has_value());
  }
  EXPECT_TRUE(poll_remotely().has_value());
  {
    const detail::Reactor::Hold hold(reactor);  // through the mutex now
    EXPECT_FALSE(poll_remotely().has_value());
  }
  reactor.poll(0);
  const detail::Reactor::Hold hold(reactor);
  EXPECT_FALSE(poll_remotely().has_value());
}

TEST_F(RemotePollTest, AWakeThatAVisitorTookReachesTheOwner) {
  reactor.wake();
  ASSERT_TRUE(poll_remotely().has_value());
  reactor.poll(-1);  // would not return if the wake were lost
}

// The owner starts and cancels operations without polling, and polls now and then; remote threads
// end what they find ready. Each operation ends once.
TEST_F(RemotePollTest, OwnerAndVisitorsAtOnce) {
  std::atomic<bool> end{false};
  std::atomic<int> visits{0};
  const auto visitor = [&] {
    while (!end.load()) visits.fetch_add(reactor.poll_remotely().has_value() ? 1 : 0);
  };
  std::thread first(visitor);
  std::thread second(visitor);
  int cancelled = 0;
  constexpr int rounds = 20'000;
  for (int i = 0; i < rounds || visits.load() < 100; ++i) {
    CountedOperation timer(OperationKind::timer);
    timer.set_deadline(i % 2 == 0 ? 0 : clock.now() + 1'000'000 * ms);
    ASSERT_EQ(reactor.start(timer), detail::Started::pending);
    reactor.cancel(timer);
    ASSERT_EQ(timer.completed.load(), 1);
    if (timer.result == -ECANCELED) ++cancelled;
    if (i % 256 == 0) reactor.poll(0);
  }
  end.store(true);
  first.join();
  second.join();
  EXPECT_GE(cancelled, rounds / 2);
  EXPECT_EQ(reactor.pending(), 0U);
}

}  // namespace
}  // namespace weft::testing::remote_poll_test
