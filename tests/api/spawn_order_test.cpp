// The order in which spawned tasks begin: that of the calls, on one thread, whatever is ready
// besides.
#include <weft/fiber.hpp>
#include <weft/on_complete.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::spawn_order_test {
namespace {

/// One thread runs all tasks: a current_thread runtime, and one of one worker.
class SpawnOrderTest : public RuntimeTest {};
INSTANTIATE_TEST_SUITE_P(OneThread, SpawnOrderTest,
                         ::testing::Values(std::size_t{0}, std::size_t{1}), worker_count_name);

using Order = std::vector<int>;

Order up_to(int last) {
  Order order;
  for (int i = 1; i <= last; ++i) order.push_back(i);
  return order;
}

TEST_P(SpawnOrderTest, TasksBeginInTheOrderOfTheCalls) {
  for (const int count : {1, 2, 3, 5, 600}) {  // with one worker a run queue holds 256
    SCOPED_TRACE(count);
    Order begun;
    run([&]() -> Task<void> {
      auto note = [&](int i) -> Task<void> {
        begun.push_back(i);
        co_await yield_now();
      };
      co_await scope([&](Scope& s) -> Task<void> {
        for (int i = 1; i <= count; ++i) s.spawn(std::ref(note), i).detach();
        co_return;
      });
    });
    EXPECT_EQ(begun, up_to(count));
  }
}

TEST_P(SpawnOrderTest, FibersAndCallbacksToo) {
  Order begun;
  run([&]() -> Task<void> {
    spawn(fiber([&] { begun.push_back(1); })).detach();
    spawn([&]() -> Task<void> {
      begun.push_back(2);
      co_return;
    }).detach();
    on_complete(
        [&]() -> Task<void> {
          begun.push_back(3);
          co_return;
        },
        [] {})
        .detach();
    spawn(fiber([&] { begun.push_back(4); })).detach();
    co_await until([&] { return begun.size() == 4; });
  });
  EXPECT_EQ(begun, up_to(4));
}

TEST_P(SpawnOrderTest, BetweenWakeUpsToo) {
  Order begun;
  run([&]() -> Task<void> {
    auto note = [&](int i) -> Task<void> {
      begun.push_back(i);
      co_return;
    };
    ManualEvent event;
    auto waits = [&]() -> Task<void> { co_await event; };
    auto waiting = spawn(waits);
    co_await until([&] { return event.awaited(); });
    spawn(std::ref(note), 1).detach();
    event.set();  // is the next to run
    spawn(std::ref(note), 2).detach();
    spawn(std::ref(note), 3).detach();
    co_await std::move(waiting);
    co_await until([&] { return begun.size() == 3; });
  });
  EXPECT_EQ(begun, up_to(3));
}

TEST_P(SpawnOrderTest, WhatIsJoinedAtOnceIsRunAtOnce) {
  Order begun;
  run([&]() -> Task<void> {
    auto note = [&](int i) -> Task<void> {
      begun.push_back(i);
      co_return;
    };
    auto other = spawn(yield_now());
    co_await std::move(other);
    for (int i = 1; i <= 3; ++i) co_await spawn(std::ref(note), i);
  });
  EXPECT_EQ(begun, up_to(3));
}

}  // namespace
}  // namespace weft::test::spawn_order_test
