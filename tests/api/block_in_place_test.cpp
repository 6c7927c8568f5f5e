// block_in_place(): a call that blocks its thread does not stall other tasks. In most tests a
// failure is a hang.
#include <weft/block_in_place.hpp>
#include <weft/fiber.hpp>
#include <weft/net.hpp>
#include <weft/resume_on.hpp>
#include <weft/scope.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/task_local.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

#include "os/fault.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::block_in_place_test {
namespace {

using namespace std::chrono_literals;

class BlockInPlaceTest : public RuntimeTest {
 protected:
  /// Returns whether a spare worker can stand in.
  [[nodiscard]] bool hands_over() const { return GetParam() >= 2; }
};
WEFT_ON_ALL_RUNTIMES(BlockInPlaceTest);

TEST_P(BlockInPlaceTest, GivesWhatTheFunctionGivesHere) {
  run([]() -> Task<void> {
    const std::thread::id here = std::this_thread::get_id();
    auto owned = std::make_unique<int>(4);
    const std::unique_ptr<int> same = block_in_place([&] {
      EXPECT_EQ(std::this_thread::get_id(), here);
      return std::move(owned);
    });
    EXPECT_EQ(*same, 4);
    int number = 0;
    int& reference = block_in_place([&]() -> int& { return number; });
    EXPECT_EQ(&reference, &number);
    EXPECT_THROW(block_in_place([] { throw std::runtime_error("within"); }), std::runtime_error);
    // And the thread is a worker again.
    EXPECT_EQ(std::this_thread::get_id(), here);
    auto child = spawn([] { return sleep_for(10us); });
    co_await std::move(child);
    co_await sleep_for(10us);
  });
}

TEST_P(BlockInPlaceTest, OnAThreadFromOutsideItIsACall) {
  EXPECT_EQ(block_in_place([] { return 3; }), 3);
}

TEST_P(BlockInPlaceTest, WhatTheWorkerHadInItsQueueIsRun) {
  if (!hands_over()) GTEST_SKIP() << "nobody can stand in";
  run([]() -> Task<void> {
    std::counting_semaphore<> ran(0);
    std::vector<JoinHandle<void>> queued;
    for (int i = 0; i < 300; ++i) {  // more than a queue holds
      queued.push_back(spawn([&]() -> Task<void> {
        ran.release();
        co_return;
      }));
    }
    block_in_place([&] {
      for (int i = 0; i < 300; ++i) ran.acquire();
    });
    for (auto& each : queued) co_await std::move(each);
  });
}

// All workers are in such calls, and each call waits for a task that has not run yet.
TEST_P(BlockInPlaceTest, AllWorkersAtOnceMayWaitForTasks) {
  if (!hands_over()) GTEST_SKIP() << "nobody can stand in";
  run([&]() -> Task<void> {
    std::atomic<std::size_t> inside{0};
    std::vector<JoinHandle<int>> all;
    const std::size_t callers = runtime().workers() + 1;
    for (std::size_t i = 0; i < callers; ++i) {
      all.push_back(spawn([&]() -> Task<int> {
        co_return block_in_place([&] {
          inside.fetch_add(1);
          return runtime().block_on([&]() -> Task<int> {
            co_await until([&] { return inside.load() == callers; });
            co_await sleep_for(10us);
            co_return 1;
          });
        });
      }));
    }
    int sum = 0;
    for (auto& each : all) sum += co_await std::move(each);
    EXPECT_EQ(sum, static_cast<int>(callers));
  });
}

TEST_P(BlockInPlaceTest, WhatWaitsOnTheWorkersReactorGoesOn) {
  if (!hands_over()) GTEST_SKIP() << "nobody can stand in";
  SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
  run([&]() -> Task<void> {
    std::binary_semaphore accepted(0);
    auto accept = [&]() -> Task<void> {
      StreamSocket stream = co_await listener.accept();
      co_await sleep_for(10us);
      accepted.release();
    };
    auto block = [&]() -> Task<void> {
      block_in_place([&] {
        auto connected =
            runtime().spawn([&] { return StreamSocket::connect(listener.local_endpoint()); });
        accepted.acquire();
        static_cast<void>(runtime().block_on([&] { return std::move(connected); }));
      });
      co_return;
    };
    co_await when_all(accept(), block());  // begun one after the other, on one worker
  });
}

TEST_P(BlockInPlaceTest, FibersMayUseIt) {
  run([&]() -> Task<void> {
    auto fiber = spawn(weft::fiber([&] {
      const std::thread::id here = std::this_thread::get_id();
      await(sleep_for(10us));
      EXPECT_THROW(block_in_place([] { throw std::runtime_error("within"); }), std::runtime_error);
      if (hands_over()) {
        block_in_place([&] { runtime().block_on([] { return sleep_for(10us); }); });
      }
      await(sleep_for(10us));
      EXPECT_EQ(std::this_thread::get_id(), here);
      EXPECT_TRUE(in_fiber());
    }));
    co_await std::move(fiber);
  });
}

TEST_P(BlockInPlaceTest, ItMayBeNested) {
  run([&]() -> Task<void> {
    const int value = block_in_place([&] { return block_in_place([] { return 9; }); });
    EXPECT_EQ(value, 9);
    if (!hands_over()) co_return;
    block_in_place([&] {
      runtime().block_on([&]() -> Task<void> {
        block_in_place([&] { runtime().block_on([] { return sleep_for(10us); }); });
        co_return;
      });
    });
  });
}

TEST_P(BlockInPlaceTest, WithinItTheThreadIsNoWorker) {
  run([&]() -> Task<void> {
    block_in_place([&] {
      if (hands_over()) {
        EXPECT_EQ(detail::OwnedTasks::current_or_null(), nullptr);
        EXPECT_FALSE(in_fiber());
      } else {
        EXPECT_THROW(runtime().block_on([] { return sleep_for(1us); }), std::logic_error);
      }
    });
    co_return;
  });
}

TEST_P(BlockInPlaceTest, WhatIsBoundForTheTaskIsBoundWithinIt) {
  run([]() -> Task<void> {
    const TaskLocal<int> number;
    auto work = [&]() -> Task<int> { co_return block_in_place([&] { return number.get(); }); };
    const int bound = co_await number.with(7, work());
    EXPECT_EQ(bound, 7);
  });
}

// No descriptor is left for another worker: then it is a plain call, and this thread remains the
// worker.
TEST_P(BlockInPlaceTest, WithoutAnotherWorkerItIsACall) {
  detail::ScopedFaults faults;
  static_cast<void>(runtime());
  faults.add(
      {.call = detail::Call::epoll_create, .errno_value = EMFILE, .times = detail::Fault::always});
  run([&]() -> Task<void> {
    detail::OwnedTasks* const before = detail::OwnedTasks::current_or_null();
    const int value = block_in_place([&] {
      EXPECT_EQ(detail::OwnedTasks::current_or_null(), before);
      return 8;
    });
    EXPECT_EQ(value, 8);
    faults.clear();
    co_await sleep_for(10us);
    block_in_place(
        [&] { EXPECT_EQ(detail::OwnedTasks::current_or_null() == nullptr, hands_over()); });
  });
  end_runtime();  // before the faults are destroyed
}

// A spare worker keeps and runs the fibers that started on it.
TEST_P(BlockInPlaceTest, FibersOfThoseWhoStoodInGoOn) {
  if (!hands_over()) GTEST_SKIP() << "nobody can stand in";
  run([&]() -> Task<void> {
    std::counting_semaphore<> started(0);
    std::vector<JoinHandle<void>> fibers;
    for (int round = 0; round < 20; ++round) {
      constexpr int crowd = 16;
      for (int i = 0; i < crowd; ++i) {
        fibers.push_back(spawn(fiber([&started] {
          started.release();
          const std::thread::id here = std::this_thread::get_id();
          for (int turn = 0; turn < 10; ++turn) {
            await(sleep_for(20us));
            await(yield_now());
            EXPECT_EQ(std::this_thread::get_id(), here);
          }
        })));
      }
      block_in_place([&] {
        for (int i = 0; i < crowd; ++i) started.acquire();
      });
    }
    for (auto& fiber : fibers) co_await std::move(fiber);
  });
}

TEST_P(BlockInPlaceTest, AThousandTimesWithFewThreads) {
  run([&]() -> Task<void> {
    std::vector<JoinHandle<void>> all;
    for (std::size_t i = 0; i < 4; ++i) {
      all.push_back(spawn([]() -> Task<void> {
        for (int round = 0; round < 250; ++round) {
          block_in_place([] { std::this_thread::yield(); });
          co_await yield_now();
          if (round % 16 == 0) co_await sleep_for(10us);
        }
      }));
    }
    for (auto& each : all) co_await std::move(each);
  });
  const RuntimeMetrics metrics = runtime().metrics();
  // At most one spare worker for each call that blocks at the same time.
  EXPECT_LE(metrics.workers.size(), runtime().workers() + 4);
}

TEST_P(BlockInPlaceTest, SpawnLocalStaysWithTheThreadThatComesBack) {
  run([&]() -> Task<void> {
    auto local = spawn(SpawnOptions().local(), [&]() -> Task<void> {
      const std::thread::id here = std::this_thread::get_id();
      for (int i = 0; i < 20; ++i) {
        block_in_place([] { std::this_thread::yield(); });
        EXPECT_EQ(std::this_thread::get_id(), here);
        co_await sleep_for(10us);
        EXPECT_EQ(std::this_thread::get_id(), here);
      }
    });
    co_await std::move(local);
  });
}

}  // namespace
}  // namespace weft::test::block_in_place_test
