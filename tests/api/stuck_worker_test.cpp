// A worker that computes for long: waits on its reactor and the tasks in its queues go on elsewhere
// meanwhile. The worker is let go only after that, so a failure is a hang.
#include "support/stuck_worker.hpp"

#include <weft/net.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <span>

#include "support/runtime_fixture.hpp"

namespace weft::test::stuck_worker_test {
namespace {

using namespace std::chrono_literals;

class StuckWorkerTest : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    if (GetParam() < 2) GTEST_SKIP() << "there is no other worker";
  }
};
WEFT_ON_ALL_RUNTIMES(StuckWorkerTest);

TEST_P(StuckWorkerTest, ItsConnectionsAreServed) {
  SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
  StuckWorker stuck;
  auto accepted = stuck.behind(runtime(), [&] { return listener.accept(); });
  StreamSocket client = run([&] { return StreamSocket::connect(listener.local_endpoint()); });
  StreamSocket server = run([&] { return std::move(accepted); });
  EXPECT_EQ(server.peer_endpoint(), client.local_endpoint().value());
  stuck.let_go();
}

// The same pair repeatedly: these waits began on the stuck worker, and what follows runs on another
// one.
TEST_P(StuckWorkerTest, AConversationGoesOn) {
  SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
  auto serve = [&]() -> Task<std::size_t> {
    StreamSocket stream = co_await listener.accept();
    std::array<std::byte, 16> buffer{};
    std::size_t total = 0;
    for (;;) {
      const std::size_t size = co_await stream.read(buffer);
      if (size == 0) co_return total;
      total += size;
      co_await stream.write_all(std::span(buffer).first(size));
    }
  };
  StuckWorker stuck;
  auto server = stuck.behind(runtime(), serve);
  run([&]() -> Task<void> {
    StreamSocket client = co_await StreamSocket::connect(listener.local_endpoint());
    std::array<std::byte, 16> buffer{};
    for (int i = 0; i < 100; ++i) {
      co_await client.write_all(buffer);
      co_await client.read_exact(buffer);
    }
  });
  const std::size_t served = run([&] { return std::move(server); });
  EXPECT_EQ(served, 1600U);
  stuck.let_go();
}

TEST_P(StuckWorkerTest, ItsTimersFire) {
  StuckWorker stuck;
  auto slept = stuck.behind(runtime(), [] { return sleep_for(1ms); });
  run([&] { return std::move(slept); });
  stuck.let_go();
}

TEST_P(StuckWorkerTest, WhatWaitsOnItCanBeCancelled) {
  SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
  StuckWorker stuck;
  auto accepted = stuck.behind(runtime(), [&] { return listener.accept(); });
  accepted.cancel();
  const auto outcome = run([&] { return std::move(accepted).outcome(); });
  EXPECT_TRUE(outcome.cancelled());
  stuck.let_go();
}

// The last task to be made runnable is in the LIFO slot, which thieves check last, and no worker is
// woken for it.
TEST_P(StuckWorkerTest, WhatItHasJustSpawnedIsRun) {
  std::atomic<bool> done{false};
  run([&]() -> Task<void> {
    auto next = spawn([&]() -> Task<void> {
      done.store(true);
      co_return;
    });
    while (!done.load()) {
    }
    co_await std::move(next);
  });
}

// In each round the one worker is stuck, with a wait under way, and returns.
TEST_P(StuckWorkerTest, ItComesBackAndTakesOver) {
  for (int round = 0; round < 20; ++round) {
    StuckWorker stuck;
    auto slept = stuck.behind(runtime(), [] { return sleep_for(100us); });
    if (round % 2 == 0) run([&] { return std::move(slept); });
    stuck.let_go();
    if (round % 2 != 0) run([&] { return std::move(slept); });
    run([] { return sleep_for(10us); });
  }
}

}  // namespace
}  // namespace weft::test::stuck_worker_test
