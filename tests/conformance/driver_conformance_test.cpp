// The contract of drivers (src/reactor/driver.hpp), for each driver as a whole. Tests are named
// after its numbers: C03 is for 3.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "conformance/drivers.hpp"

namespace weft::testing::driver_conformance_test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::int64_t ns(std::chrono::nanoseconds duration) { return duration.count(); }

class EveryDriver : public ::testing::TestWithParam<DriverFactory>, public Accounting {
 protected:
  EveryDriver() : Accounting(GetParam()) {}
  ~EveryDriver() override { expect_clean(); }
};

TEST_P(EveryDriver, C02_ConnectSucceeds) {
  const detail::Fd listener = make_listener();
  Source source(make_socket().release());
  ConnectOperation connect(source, address_of(listener));
  EXPECT_EQ(runner.run(connect), 0);
  WriteOperation write(source, "hi");
  EXPECT_EQ(runner.run(write), 2);
}

TEST_P(EveryDriver, C02_ConnectIsRefused) {
  detail::Fd listener = make_listener();
  const sockaddr_in nobody = address_of(listener);
  listener.reset();
  Source source(make_socket().release());
  ConnectOperation connect(source, nobody);
  EXPECT_EQ(runner.run(connect), -ECONNREFUSED);
}

TEST_P(EveryDriver, C05_ConnectCanBeCancelled) {
  // A listener whose queue is full lets connections wait.
  const detail::Fd listener = make_listener(0);
  const detail::Fd occupant = connect_to(listener);
  Source source(make_socket().release());
  ConnectOperation connect(source, address_of(listener));
  ASSERT_TRUE(runner.start(connect));
  runner.settle();
  runner.cancel(connect);
  runner.wait_for({&connect});
  EXPECT_EQ(connect.result, -ECANCELED);
}

TEST_P(EveryDriver, C09_WhatFollowsAConnectWaitsForIt) {
  const detail::Fd listener = make_listener();
  Source source(make_socket().release());
  ConnectOperation connect(source, address_of(listener));
  WriteOperation write(source, "first words");
  runner.start(connect);
  runner.start(write);
  runner.wait_for({&connect, &write});
  EXPECT_EQ(connect.result, 0);
  EXPECT_EQ(write.result, 11);
}

TEST_P(EveryDriver, C02_BadHandlesAreResults) {
  Source nothing(invalid_handle);
  ReadOperation read(nothing);
  EXPECT_EQ(runner.run(read), -EBADF);
  WriteOperation write(nothing, "x");
  EXPECT_EQ(runner.run(write), -EBADF);
  PollOperation poll(nothing, interest::readable);
  EXPECT_EQ(runner.run(poll), -EBADF);
}

TEST_P(EveryDriver, C02_RegularFilesAreReadAtOnce) {
  Source file(::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  ReadOperation read(file, 8);
  EXPECT_EQ(runner.run(read), 8);
  PollOperation poll(file, interest::readable);
  EXPECT_EQ(runner.run(poll), interest::readable);
}

TEST_P(EveryDriver, C02_EndOfStreamIsZeroAgainAndAgain) {
  Ends tcp = make_tcp_pair();
  Source source(tcp.first.release());
  ReadOperation waiting(source);
  ASSERT_TRUE(runner.start(waiting));
  put(tcp.second, "last");
  tcp.second.reset();
  runner.wait_for({&waiting});
  EXPECT_EQ(waiting.text(), "last");
  for (int i = 0; i < 3; ++i) {
    ReadOperation at_end(source);
    EXPECT_EQ(runner.run(at_end), 0);
  }
}

TEST_P(EveryDriver, C07_ALimitIsKeptAndZeroNeverBlocks) {
  auto start = Clock::now();
  EXPECT_TRUE(runner.wait(0).empty());
  // It may return early, so the test waits again for the rest, as a reactor does.
  const auto limit = 5ms;
  start = Clock::now();
  while (Clock::now() - start < limit) {
    EXPECT_TRUE(runner.wait(ns(limit - (Clock::now() - start))).empty());
  }
}

TEST_P(EveryDriver, C07_ManyCompletionsComeInBoundedBatches) {
  constexpr std::size_t count = 300;
  std::vector<Ends> pairs;
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<std::unique_ptr<ReadOperation>> reads;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(make_socket_pair());
    sources.push_back(std::make_unique<Source>(pairs.back().first.release()));
    reads.push_back(std::make_unique<ReadOperation>(*sources.back()));
    ASSERT_TRUE(runner.start(*reads.back()));
  }
  for (const Ends& pair : pairs) put(pair.second, "x");
  std::size_t ended = 0;
  while (ended < count) ended += runner.wait(DriverRunner::no_limit).size();
  for (const auto& read : reads) EXPECT_EQ(read->text(), "x");
}

TEST_P(EveryDriver, C08_AWakeBeforeTheWaitEndsIt) {
  for (int i = 0; i < 1000; ++i) runner.driver().wake();
  EXPECT_TRUE(runner.wait(DriverRunner::no_limit).empty());
}

TEST_P(EveryDriver, C08_AWakeFromAnotherThreadEndsTheWait) {
  for (int i = 0; i < 200; ++i) {
    std::thread waker([this] { runner.driver().wake(); });
    EXPECT_TRUE(runner.wait(DriverRunner::no_limit).empty());
    waker.join();
  }
}

TEST_P(EveryDriver, C06_SignalsAreInvisible) {
  struct sigaction action{};
  action.sa_handler = [](int) {};  // without SA_RESTART
  struct sigaction before{};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  const Ends pair = make_socket_pair();
  Source source(::dup(pair.first.get()));
  std::atomic<bool> stop{false};
  const pthread_t self = pthread_self();
  std::thread storm([&] {
    for (int i = 0; i < 2000; ++i) {
      pthread_kill(self, SIGUSR1);
      if (i == 1000) put(pair.second, "x");
      std::this_thread::yield();
    }
    stop.store(true, std::memory_order_relaxed);
  });
  ReadOperation read(source);
  EXPECT_EQ(runner.run(read), 1);
  storm.join();
  ASSERT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST_P(EveryDriver, C09_OneDirectionIsFirstComeFirstServed) {
  const Ends pair = make_socket_pair(SOCK_SEQPACKET);
  Source source(::dup(pair.first.get()));
  ReadOperation first(source);
  PollOperation second(source, interest::readable);
  ReadOperation third(source);
  ASSERT_TRUE(runner.start(first));
  ASSERT_TRUE(runner.start(second));
  put(pair.second, "1");
  // An operation that comes when there is something to read still queues behind those that wait.
  ASSERT_TRUE(runner.start(third));
  PollOperation fourth(source, interest::readable);
  ASSERT_TRUE(runner.start(fourth));
  put(pair.second, "2");
  put(pair.second, "3");
  const auto order = runner.wait_for({&first, &second, &third, &fourth});
  EXPECT_EQ(order, (std::vector<TestOperation*>{&first, &second, &third, &fourth}));
  EXPECT_EQ(first.text(), "1");
  EXPECT_EQ(second.result, interest::readable);
  EXPECT_EQ(third.text(), "2");
}

TEST_P(EveryDriver, C09_DirectionsAreIndependent) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  ReadOperation read(source);
  ASSERT_TRUE(runner.start(read));
  WriteOperation write(source, "ping");
  EXPECT_EQ(runner.run(write), 4);
  EXPECT_EQ(read.ended, 0);
  put(tcp.second, "pong");
  runner.wait_for({&read});
  EXPECT_EQ(read.text(), "pong");
}

TEST_P(EveryDriver, C10_AResetEndsBothDirections) {
  Ends tcp = make_tcp_pair();
  fill(tcp.first);
  Source source(tcp.first.release());
  ReadOperation read(source);
  WriteOperation write(source, "x");
  PollOperation poll(source, interest::readable | interest::writable);
  ASSERT_TRUE(runner.start(read));
  ASSERT_TRUE(runner.start(write));
  ASSERT_TRUE(runner.start(poll));
  reset(tcp.second);
  runner.wait_for({&read, &write, &poll});
  EXPECT_LT(read.result, 0);
  EXPECT_LT(write.result, 0);
  EXPECT_EQ(poll.result, interest::readable | interest::writable);
}

TEST_P(EveryDriver, C11_ANumberThatIsUsedAgainStartsAnew) {
  for (int round = 0; round < 20; ++round) {
    Ends tcp = make_tcp_pair();
    Source source(tcp.first.release());
    ReadOperation read(source);
    ASSERT_TRUE(runner.start(read));
    put(tcp.second, "x");
    runner.wait_for({&read});
    EXPECT_EQ(read.text(), "x");
    put(tcp.second, "never read");  // its event is for a source that will be destroyed
  }
}

TEST_P(EveryDriver, C11_EventsOfAnOpenDuplicateAreNotForTheNextSource) {
  Ends old = make_tcp_pair();
  const detail::Fd duplicate(::dup(old.first.get()));
  auto source = std::make_unique<Source>(old.first.release());
  const int number = source->handle();
  ReadOperation read(*source);
  ASSERT_TRUE(runner.start(read));
  runner.cancel(read);
  runner.wait_for({&read});
  source.reset();

  Ends fresh = make_tcp_pair();
  ASSERT_EQ(::fcntl(fresh.first.get(), F_DUPFD_CLOEXEC, number), number);
  Source next(number);
  ReadOperation waiting(next);
  ASSERT_TRUE(runner.start(waiting));
  put(old.second, "for the dead");
  runner.settle();
  put(fresh.second, "for the living");
  runner.wait_for({&waiting});
  EXPECT_EQ(waiting.text(), "for the living");
}

TEST_P(EveryDriver, C11_SeveralSourcesOfOneHandle) {
  const Ends pair = make_socket_pair();
  Source first(pair.first.get(), Source::Handle::borrowed);
  Source second(pair.first.get(), Source::Handle::borrowed);
  Source third(pair.first.get(), Source::Handle::borrowed);
  for (int round = 0; round < 3; ++round) {
    PollOperation one(first, interest::readable);
    ReadOperation two(second);
    PollOperation three(third, interest::readable);
    PollOperation cancelled(second, interest::readable);
    ASSERT_TRUE(runner.start(one));
    ASSERT_TRUE(runner.start(two));
    ASSERT_TRUE(runner.start(cancelled));
    ASSERT_TRUE(runner.start(three));
    runner.cancel(cancelled);
    runner.wait_for({&cancelled});
    EXPECT_EQ(cancelled.result, -ECANCELED);
    put(pair.second, "ab");
    runner.wait_for({&one, &two});
    EXPECT_EQ(two.text(), "ab");
    if (three.ended == 0) {  // the read was served first
      put(pair.second, "c");
      runner.wait_for({&three});
      EXPECT_EQ(take(pair.first), "c");
    }
  }
}

TEST_P(EveryDriver, C11_AHandleClosedUnderAnOperationThatIsMetAgain) {
  Ends old = make_socket_pair();
  const detail::Fd duplicate(::dup(old.first.get()));  // so that no hang-up tells of the end
  const int number = old.first.get();
  Source left(old.first.release(), Source::Handle::borrowed);
  ReadOperation forgotten(left);
  PollOperation polled(left, interest::readable);
  ASSERT_TRUE(runner.start(forgotten));
  ASSERT_TRUE(runner.start(polled));
  Ends fresh = make_socket_pair();
  ASSERT_EQ(::dup3(fresh.first.get(), number, O_CLOEXEC), number);
  Source next(number);
  ReadOperation waiting(next);
  ASSERT_TRUE(runner.start(waiting));
  runner.wait_for({&forgotten, &polled});
  EXPECT_EQ(forgotten.result, -EBADF);
  EXPECT_EQ(polled.result, -EBADF);
  put(fresh.second, "for the living");
  runner.wait_for({&waiting});
  EXPECT_EQ(waiting.text(), "for the living");
}

TEST_P(EveryDriver, C04_NoSignalKillsAWriterWhosePeerIsGone) {
  Ends pipe = make_pipe();
  pipe.first.reset();
  Source source(pipe.second.release());
  WriteOperation to_pipe(source, "x");
  EXPECT_EQ(runner.run(to_pipe), -EPIPE);
  Ends pair = make_socket_pair();
  pair.second.reset();
  Source socket(pair.first.release());
  WriteOperation to_socket(socket, "x");
  EXPECT_EQ(runner.run(to_socket), -EPIPE);
}

std::string driver_name(const ::testing::TestParamInfo<DriverFactory>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Drivers, EveryDriver, ::testing::ValuesIn(drivers_to_test()), driver_name);

}  // namespace
}  // namespace weft::testing::driver_conformance_test
