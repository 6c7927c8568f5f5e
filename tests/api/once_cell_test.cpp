// OnceCell: one task makes the value, the others wait; after a failure or a cancel the next task
// makes it.
#include <weft/fiber.hpp>
#include <weft/on_complete.hpp>
#include <weft/once_cell.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::once_cell_test {
namespace {

using namespace std::chrono_literals;

class OnceCellTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(OnceCellTest);

TEST(OnceCell, WithoutARuntime) {
  OnceCell<std::string> cell;
  EXPECT_EQ(cell.get(), nullptr);
  EXPECT_TRUE(cell.set("first"));
  EXPECT_FALSE(cell.set("second"));
  ASSERT_NE(cell.get(), nullptr);
  EXPECT_EQ(*cell.get(), "first");
  const std::string& there = cell.blocking_get_or_init([] { return "third"; });
  EXPECT_EQ(&there, cell.get());

  OnceCell<int> empty;
  EXPECT_THROW(empty.blocking_get_or_init([]() -> int { throw std::runtime_error("no"); }),
               std::runtime_error);
  EXPECT_EQ(empty.get(), nullptr);
  EXPECT_EQ(empty.blocking_get_or_init([] { return 3; }), 3);
  const OnceCell<int> born_full(4);
  EXPECT_EQ(*born_full.get(), 4);
}

TEST(OnceCell, TakesWhatCannotBeCopied) {
  OnceCell<std::unique_ptr<int>> cell;
  EXPECT_TRUE(cell.set(std::make_unique<int>(5)));
  EXPECT_EQ(**cell.get(), 5);
}

TEST_P(OnceCellTest, OneMakesItForAll) {
  std::atomic<int> made = 0;
  run([&]() -> Task<void> {
    OnceCell<int> cell;
    auto make = [&]() -> Task<int> {
      ++made;
      co_await until([&] { return cell.waiting() == 4; });
      co_return 7;
    };
    std::vector<JoinHandle<void>> handles;
    for (int i = 0; i < 5; ++i) {
      handles.push_back(spawn([&]() -> Task<void> {
        const int& value = co_await cell.get_or_init(make);
        EXPECT_EQ(value, 7);
        EXPECT_EQ(&value, cell.get());
      }));
    }
    for (auto& handle : handles) co_await std::move(handle);
    const int& again = co_await cell.get_or_init(make);
    EXPECT_EQ(again, 7);
  });
  EXPECT_EQ(made, 1);
}

TEST_P(OnceCellTest, AFailureAndACancelPassTheTurnOn) {
  run([]() -> Task<void> {
    OnceCell<int> cell;
    Semaphore gate(0);
    auto fails = [&]() -> Task<int> {
      const Permit opened = co_await gate.acquire();
      throw std::runtime_error("not made");
    };
    auto never = [&]() -> Task<int> {
      co_await sleep_for(1h);
      co_return 0;
    };
    auto first = spawn(cell.get_or_init(fails));
    co_await until([&] { return gate.waiting() == 1; });
    auto second = spawn(cell.get_or_init(never));
    co_await until([&] { return cell.waiting() == 1; });
    auto third = spawn(cell.get_or_init([] { return 3; }));
    co_await until([&] { return cell.waiting() == 2; });
    EXPECT_FALSE(cell.set(9)) << "somebody is making it";

    gate.release();
    const auto failed = co_await std::move(first).outcome();
    EXPECT_TRUE(failed.failed());
    co_await until([&] { return cell.waiting() == 1; });
    EXPECT_EQ(cell.get(), nullptr);
    second.cancel();
    const auto outcome = co_await std::move(second).outcome();
    EXPECT_TRUE(outcome.cancelled());
    const int& value = co_await std::move(third);
    EXPECT_EQ(value, 3);
  });
}

TEST_P(OnceCellTest, WhoIsCancelledWhileItWaitsLeavesTheOthersAlone) {
  run([]() -> Task<void> {
    OnceCell<int> cell;
    Semaphore gate(0);
    auto make = [&]() -> Task<int> {
      const Permit opened = co_await gate.acquire();
      co_return 1;
    };
    auto maker = spawn(cell.get_or_init(make));
    co_await until([&] { return gate.waiting() == 1; });
    auto lost = co_await select(cell.get_or_init([] { return 2; }), sleep_for(1ms));
    EXPECT_EQ(lost.index(), 1U);
    EXPECT_EQ(cell.waiting(), 0U);
    auto handle =
        on_complete(cell.get_or_init([] { return 3; }), [](const int& value) { return value; });
    co_await until([&] { return cell.waiting() == 1; });
    gate.release();
    const int value = co_await std::move(handle);
    EXPECT_EQ(value, 1);
    co_await std::move(maker);
  });
}

TEST_P(OnceCellTest, TasksFibersAndAThread) {
  for (int round = 0; round < 100; ++round) {
    OnceCell<int> cell;
    std::atomic<int> made = 0;
    const auto make = [&] { return ++made; };
    std::thread thread([&] { EXPECT_EQ(cell.blocking_get_or_init(make), 1); });
    run([&]() -> Task<void> {
      co_await scope([&](Scope& s) -> Task<void> {
        for (int i = 0; i < 3; ++i) {
          s.spawn([&]() -> Task<void> {
            const int& value = co_await cell.get_or_init(make);
            EXPECT_EQ(value, 1);
          });
          s.spawn(fiber([&] { EXPECT_EQ(await(cell.get_or_init(make)), 1); }));
        }
        co_return;
      });
      EXPECT_THROW(cell.blocking_get_or_init(make), std::logic_error);
    });
    thread.join();
    EXPECT_EQ(made, 1);
  }
}

}  // namespace
}  // namespace weft::test::once_cell_test
