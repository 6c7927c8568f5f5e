// ReadinessDriver: its number of system calls, and its readiness flags. The contract of every
// driver is tested in tests/conformance.
#include "reactor/readiness_driver.hpp"

#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <chrono>
#include <thread>

#include "conformance/driver_fixture.hpp"
#include "os/fault.hpp"

namespace weft::testing::readiness_driver_test {
namespace {

class ReadinessDriverTest : public ::testing::Test, public DriverRunner {
 protected:
  ReadinessDriverTest() : DriverRunner(*detail::ReadinessDriver::create()) {}

  /// Makes the driver watch `source`, and handles the events that this causes.
  void watch(Source& source) {
    ReadOperation read(source);
    ASSERT_TRUE(start(read));
    settle();
    cancel(read);
  }
  /// Waits until `bytes` can be read from `source`, by asking the socket itself.
  static void arrived(const Source& source, int bytes) {
    int there = 0;
    while (there < bytes) ASSERT_EQ(::ioctl(source.handle(), FIONREAD, &there), 0);
  }
  /// Reads into `room` bytes; returns what the operation delivers.
  std::string read(Source& source, std::size_t room = 64) {
    ReadOperation operation(source, room);
    run(operation);
    return operation.text();
  }
};

TEST_F(ReadinessDriverTest, PingPongIsWaitReadWrite) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  watch(source);
  put(tcp.second, "warm-up");  // the kind of socket is asked once
  EXPECT_EQ(read(source), "warm-up");
  detail::ScopedFaults counter;
  constexpr std::uint64_t rounds = 100;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    ReadOperation request(source);
    ASSERT_TRUE(start(request));  // the last read was short, so this makes no system call
    put(tcp.second, "ping");
    arrived(source, 4);
    wait_for({&request});
    WriteOperation response(source, "pong");
    EXPECT_FALSE(start(response));
    EXPECT_EQ(take(tcp.second), "pong");
  }
  EXPECT_EQ(counter.calls(detail::Call::epoll_wait), rounds);
  EXPECT_EQ(counter.calls(detail::Call::read), rounds);
  EXPECT_EQ(counter.calls(detail::Call::send), rounds);
  EXPECT_EQ(counter.calls(detail::Call::epoll_ctl), 0U);
  EXPECT_EQ(counter.calls(detail::Call::getsockopt), 0U);
}

TEST_F(ReadinessDriverTest, ManyConnectionsShareOneWait) {
  constexpr std::size_t count = 200;
  std::vector<Ends> pairs;
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<std::unique_ptr<ReadOperation>> reads;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(make_socket_pair());
    sources.push_back(std::make_unique<Source>(pairs.back().first.release()));
    reads.push_back(std::make_unique<ReadOperation>(*sources.back()));
    ASSERT_TRUE(start(*reads.back()));
  }
  settle();
  for (const Ends& pair : pairs) put(pair.second, "x");
  detail::ScopedFaults counter;
  // wait() delivers a few events at a time, and asks the system again only after the last.
  std::size_t ended = wait(no_limit).size();
  EXPECT_LT(ended, count);
  while (driver().has_buffered()) ended += wait(no_limit).size();
  EXPECT_EQ(ended, count);
  EXPECT_EQ(counter.calls(detail::Call::epoll_wait), 1U);
  EXPECT_EQ(counter.calls(detail::Call::read), count);
}

TEST_F(ReadinessDriverTest, ASourceIsRegisteredOnce) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  detail::ScopedFaults counter;
  for (int i = 0; i < 10; ++i) {
    ReadOperation operation(source);
    ASSERT_TRUE(start(operation));
    put(tcp.second, "x");
    wait_for({&operation});
    fill(tcp.first);
    WriteOperation write(source, "y");
    ASSERT_TRUE(start(write));
    while (write.ended == 0) {
      while (!take(tcp.second).empty()) {
      }
      wait();
    }
  }
  EXPECT_EQ(counter.calls(detail::Call::epoll_ctl), 1U);
}

TEST_F(ReadinessDriverTest, ABlockedTryIsNotRepeatedWithoutAnEvent) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  detail::ScopedFaults counter;
  watch(source);
  EXPECT_EQ(counter.calls(detail::Call::read), 1U);
  watch(source);
  EXPECT_EQ(counter.calls(detail::Call::read), 1U);
}

TEST_F(ReadinessDriverTest, WithNothingRegisteredItSleepsWithoutTheEventQueue) {
  constexpr std::int64_t limit_ns = 1'200'000;
  detail::ScopedFaults counter;
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(wait(limit_ns).empty());
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::nanoseconds(limit_ns));
  EXPECT_FALSE(driver().woken());
  std::thread waker([&] { driver().wake(); });  // before the sleep or in it
  while (!driver().woken()) EXPECT_TRUE(wait(no_limit).empty());
  waker.join();
  EXPECT_LE(counter.calls(detail::Call::epoll_wait), 1U);
  EXPECT_EQ(counter.calls(detail::Call::write), counter.calls(detail::Call::epoll_wait));
  EXPECT_TRUE(wait(1).empty());
  EXPECT_FALSE(driver().woken()) << "one wake ends one wait";
}

TEST_F(ReadinessDriverTest, WhatArrivesWhileNothingWaitsIsThereForTheFirstTry) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  watch(source);
  std::thread sender([&] {
    put(tcp.second, "meanwhile");
    arrived(source, 9);
    driver().wake();
  });
  while (!driver().woken()) EXPECT_TRUE(wait(no_limit).empty());
  sender.join();
  ReadOperation operation(source);
  if (start(operation)) {
    ADD_FAILURE() << "it is tried at once";
    cancel(operation);
  } else {
    EXPECT_EQ(operation.text(), "meanwhile");
  }
}

TEST_F(ReadinessDriverTest, ConnectIsCalledOnce) {
  const detail::Fd listener = make_listener();
  Source source(make_socket().release());
  detail::ScopedFaults counter;
  ConnectOperation connect(source, address_of(listener));
  EXPECT_EQ(run(connect), 0);
  EXPECT_EQ(counter.calls(detail::Call::connect), 1U);
}

// The readiness flags

TEST_F(ReadinessDriverTest, AFullReadIsNotTakenForTheLast) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  watch(source);
  put(tcp.second, "abcdef");
  arrived(source, 6);
  EXPECT_EQ(read(source, 3), "abc");
  EXPECT_EQ(read(source, 3), "def");
}

TEST_F(ReadinessDriverTest, AnEndThatCameWithTheDataIsSeenAfterAShortRead) {
  Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  watch(source);
  put(tcp.second, "warm-up");
  EXPECT_EQ(read(source), "warm-up");  // from here on a short read shows exhaustion
  put(tcp.second, "last");
  ASSERT_EQ(::shutdown(tcp.second.get(), SHUT_WR), 0);  // one event for both
  EXPECT_EQ(read(source), "last");
  EXPECT_EQ(read(source), "");
  EXPECT_EQ(read(source), "");
}

TEST_F(ReadinessDriverTest, AnEndThatComesBetweenEventAndShortReadIsSeen) {
  Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  watch(source);
  put(tcp.second, "warm-up");
  EXPECT_EQ(read(source), "warm-up");
  put(tcp.second, "ab");
  arrived(source, 2);
  settle();  // handles the event; no operation waits, so nothing is read
  ASSERT_EQ(::shutdown(tcp.second.get(), SHUT_WR), 0);
  EXPECT_EQ(read(source), "ab");
  EXPECT_EQ(read(source), "");
}

TEST_F(ReadinessDriverTest, AResetAfterAShortReadIsSeen) {
  Ends tcp = make_tcp_pair();
  fill(tcp.first);  // bytes that the peer leaves unread turn its close into a reset
  Source source(::dup(tcp.first.get()));
  watch(source);
  put(tcp.second, "ab");
  EXPECT_EQ(read(source), "ab");
  tcp.second.reset();
  ReadOperation operation(source);
  EXPECT_EQ(run(operation), -ECONNRESET);
}

TEST_F(ReadinessDriverTest, ReadsStopAtUrgentDataAndGoOn) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  watch(source);
  put(tcp.second, "warm-up");
  EXPECT_EQ(read(source), "warm-up");
  put(tcp.second, "before");
  ASSERT_EQ(::send(tcp.second.get(), "!", 1, MSG_OOB), 1);
  put(tcp.second, "after");
  std::string all;
  while (all.size() < 11)
    all += read(source);  // a read that trusted the stop at the mark would not end
  EXPECT_EQ(all, "beforeafter");
}

TEST_F(ReadinessDriverTest, APollThatWaitsForEnoughDoesNotKeepReadsFromTakingLess) {
  const Ends tcp = make_tcp_pair();
  set_option(tcp.first, SOL_SOCKET, SO_RCVLOWAT, 100);
  Source source(::dup(tcp.first.get()));
  put(tcp.second, "few");
  arrived(source, 3);
  PollOperation poll(source, interest::readable);
  ASSERT_TRUE(start(poll));
  cancel(poll);
  ReadOperation operation(source);
  EXPECT_FALSE(start(operation));
  EXPECT_EQ(operation.text(), "few");
}

TEST_F(ReadinessDriverTest, DatagramsAreNeverTakenForDrained) {
  const Ends pair = make_socket_pair(SOCK_DGRAM);
  Source source(::dup(pair.first.get()));
  watch(source);
  put(pair.second, "one");
  put(pair.second, "two");
  put(pair.second, "three");
  EXPECT_EQ(read(source), "one");
  EXPECT_EQ(read(source), "two");
  EXPECT_EQ(read(source), "three");
}

TEST_F(ReadinessDriverTest, InjectedShortReadsAreNotTakenForDrained) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  watch(source);
  put(tcp.second, "warm-up");
  EXPECT_EQ(read(source), "warm-up");
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::read, .size = 2, .times = detail::Fault::always});
  put(tcp.second, "abcdef");
  arrived(source, 6);
  EXPECT_EQ(read(source), "ab");
  EXPECT_EQ(read(source), "cd");
  EXPECT_EQ(read(source), "ef");
}

TEST_F(ReadinessDriverTest, AShortWriteWaitsForRoom) {
  const Ends tcp = make_tcp_pair();
  set_option(tcp.first, SOL_SOCKET, SO_SNDBUF, 8192);
  Source source(::dup(tcp.first.get()));
  watch(source);
  const std::string text(1 << 20, 'x');
  std::size_t sent = 0;
  std::size_t received = 0;
  while (sent < text.size()) {
    WriteOperation write(source, text.substr(sent));
    start(write);
    while (write.ended == 0) {
      received += take(tcp.second).size();
      wait();
    }
    ASSERT_GT(write.result, 0);
    sent += static_cast<std::size_t>(write.result);
  }
  while (received < sent) received += take(tcp.second).size();
  EXPECT_EQ(received, text.size());
}

TEST_F(ReadinessDriverTest, ATaskMayMoveBetweenDrivers) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  DriverRunner other(*detail::ReadinessDriver::create());
  for (int i = 0; i < 20; ++i) {
    DriverRunner& here = i % 3 == 0 ? other : *this;
    ReadOperation first(source, 2);
    const bool pending = here.start(first);
    put(tcp.second, "abc");
    arrived(source, pending || first.result == 0 ? 3 : 0);
    if (first.ended == 0) here.wait_for({&first});
    EXPECT_EQ(first.text(), "ab");
    // One driver finds the bytes that the other left unread.
    DriverRunner& there = i % 2 == 0 ? other : *this;
    ReadOperation second(source);
    there.run(second);
    EXPECT_EQ(second.text(), "c");
  }
}

TEST_F(ReadinessDriverTest, ASourceUsedElsewhereStopsWakingThisDriver) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  watch(source);
  int wakes = 0;
  for (int i = 0; i < 30; ++i) {
    put(tcp.second, "x");
    arrived(source, 1);
    detail::ScopedFaults counter;
    DriverRunner::wait();
    EXPECT_EQ(take(tcp.first), "x");  // read without the driver
    wakes += counter.calls(detail::Call::epoll_ctl) != 0 ? 1 : 0;
  }
  EXPECT_EQ(wakes, 1);  // unregistered once
  ReadOperation again(source);
  ASSERT_TRUE(start(again));
  put(tcp.second, "back");
  wait_for({&again});
  EXPECT_EQ(again.text(), "back");
}

// Drivers and their numbers

TEST(DriverNumberTest, NoTwoAlikeLiveAtOnce) {
  const detail::DriverNumber first(7);
  EXPECT_EQ(first.get(), 7U);
  {
    const detail::DriverNumber second(7);
    EXPECT_NE(second.get(), 7U);
    EXPECT_LT(second.get(), detail::DriverNumber::most);
    const detail::DriverNumber third(detail::DriverNumber::most);
    EXPECT_NE(third.get(), second.get());
  }
  std::vector<std::unique_ptr<detail::DriverNumber>> rest;
  for (unsigned i = 0; i < detail::DriverNumber::most; ++i) {
    rest.push_back(std::make_unique<detail::DriverNumber>(i));
    EXPECT_NE(rest.back()->get(), 7U);
  }
  EXPECT_EQ(rest.back()->get(), detail::DriverNumber::most);  // all numbers are taken
}

TEST_F(ReadinessDriverTest, TwoDriversThatPreferOneNumberAreToldApart) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  watch(source);
  DriverRunner other(*detail::ReadinessDriver::create(0));
  ReadOperation operation(source);
  ASSERT_TRUE(other.start(operation));
  put(tcp.second, "x");
  other.wait_for({&operation});
  EXPECT_EQ(operation.text(), "x");
}

TEST_F(ReadinessDriverTest, ANewDriverDoesNotTrustTheNotesOfItsPredecessor) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  for (int i = 0; i < 3; ++i) {
    DriverRunner next(*detail::ReadinessDriver::create(40));
    ReadOperation operation(source);
    ASSERT_TRUE(next.start(operation));
    put(tcp.second, "x");
    next.wait_for({&operation});
    EXPECT_EQ(operation.text(), "x");
  }
}

TEST_F(ReadinessDriverTest, DriversBeyondTheNumbersWork) {
  std::vector<std::unique_ptr<detail::ReadinessDriver>> crowd;
  for (unsigned i = 0; i < detail::DriverNumber::most; ++i)
    crowd.push_back(*detail::ReadinessDriver::create(i));
  DriverRunner unnumbered(*detail::ReadinessDriver::create());
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  for (int i = 0; i < 5; ++i) {
    ReadOperation first(source, 1);
    ReadOperation second(source, 1);
    ASSERT_TRUE(unnumbered.start(first));
    ASSERT_TRUE(unnumbered.start(second));
    put(tcp.second, "xy");
    unnumbered.wait_for({&first, &second});
    EXPECT_EQ(first.text() + second.text(), "xy");
  }
}

TEST_F(ReadinessDriverTest, CreationFailsWithoutHandles) {
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::epoll_create, .errno_value = EMFILE});
  EXPECT_EQ(detail::ReadinessDriver::create().error(), std::errc::too_many_files_open);
}

TEST_F(ReadinessDriverTest, APipeIsAskedOnceWhetherItIsASocket) {
  const Ends pipe = make_pipe();
  Source source(::dup(pipe.second.get()));
  detail::ScopedFaults counter;
  for (int i = 0; i < 10; ++i) {
    WriteOperation write(source, "x");
    EXPECT_EQ(run(write), 1);
  }
  EXPECT_EQ(counter.calls(detail::Call::send), 1U);
  EXPECT_EQ(counter.calls(detail::Call::writev), 10U);
}

TEST_F(ReadinessDriverTest, TransfersOfNothingNeverWait) {
  const Ends tcp = make_tcp_pair();
  Source source(::dup(tcp.first.get()));
  watch(source);
  ReadOperation nothing(source, 0);
  EXPECT_FALSE(start(nothing));
  EXPECT_EQ(nothing.result, 0);
}

}  // namespace
}  // namespace weft::testing::readiness_driver_test
