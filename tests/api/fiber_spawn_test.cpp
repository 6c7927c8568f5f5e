// spawn(fiber()): one block a fiber, started and joined by other fibers without the worker's loop,
// and ended on what is left of its own stack.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/metrics.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>
#include <weft/when_any.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "os/fault.hpp"
#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::fiber_spawn_test {
namespace {

class FiberSpawn : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(FiberSpawn);

TEST_P(FiberSpawn, GivesItsResultOfEveryKind) {
  int object = 0;
  run(fiber([&] {
    EXPECT_EQ(await(spawn(fiber([] { return 7; }))), 7);
    await(spawn(fiber([] {})));
    EXPECT_EQ(*await(spawn(fiber([] { return std::make_unique<int>(3); }))), 3);
    EXPECT_EQ(&await(spawn(fiber([&]() -> int& { return object; }))), &object);
    EXPECT_EQ(await(spawn(fiber([](std::unique_ptr<int> a, int b) { return *a + b; },
                                std::make_unique<int>(4), 5))),
              9);
    EXPECT_EQ(await(spawn(fiber(FiberOptions().name("named").stack_bytes(std::size_t{1} << 20),
                                [] { return std::string(this_fiber::name()); }))),
              "named");
  }));
}

TEST_P(FiberSpawn, BelongsToTheOwnerThatWasGiven) {
  std::atomic<int> ended{0};
  const auto count = [&ended] {
    await(yield_now());
    ++ended;
  };
  std::thread([&] {
    runtime().spawn(fiber(count)).detach();
    runtime().spawn(fiber(FiberOptions().name("from outside"), count)).detach();
    EXPECT_EQ(runtime().block_on(runtime().spawn(fiber([](int x) { return x; }, 2))), 2);
  }).join();
  run(scope([&](Scope& children) -> Task<void> {
    for (int i = 0; i < 3; ++i) children.spawn(fiber(count)).detach();
    co_return;
  }));
  EXPECT_GE(ended, 3);
  run(until([&] { return ended == 5; }));
}

TEST_P(FiberSpawn, IsATaskWhereOneIsAskedFor) {
  run([]() -> Task<void> {
    Task<int> task = fiber([] { return await(spawn(fiber([] { return 1; }))); });
    const int one_of_it = co_await std::move(task);
    EXPECT_EQ(one_of_it, 1);
    const int value =
        co_await fiber([](std::unique_ptr<int> two) { return *two; }, std::make_unique<int>(2));
    EXPECT_EQ(value, 2);
    const std::string name = co_await fiber(FiberOptions().name("awaited"),
                                            [] { return std::string(this_fiber::name()); });
    EXPECT_EQ(name, "awaited");
    co_await fiber([] { await(fiber([] { await(yield_now()); })); });
    std::vector<Task<int>> all;
    for (int i = 0; i < 3; ++i) all.push_back(fiber([i] { return i; }));
    auto one = co_await when_any(std::move(all));
    EXPECT_EQ(one.take(), static_cast<int>(one.index()));
  });
  bool ran = false;
  static_cast<void>(fiber([&] { ran = true; }));
  EXPECT_FALSE(ran) << "it was neither awaited nor spawned";
}

int fibonacci(int n) {
  if (n < 2) return n;
  auto first = spawn(fiber(fibonacci, n - 1));
  auto second = spawn(fiber(fibonacci, n - 2));
  return await(std::move(first)) + await(std::move(second));
}

TEST_P(FiberSpawn, FibersThatSpawnAndJoinFibers) { EXPECT_EQ(run(fiber(fibonacci, 15)), 610); }

/// Fills some of its stack, starts the next fiber and ends. The next fiber takes another stack,
/// since this one is still in use.
void chain(int left, ManualEvent& last) {
  std::array<int, 1000> mine{};
  mine.fill(left);
  if (left == 0) {
    last.set();
  } else {
    spawn(fiber(chain, left - 1, std::ref(last))).detach();
  }
  for (const int each : mine) ASSERT_EQ(each, left);
}

TEST_P(FiberSpawn, OneThatEndsHandsOverToTheOneItHasSpawned) {
  ManualEvent last;
  run(fiber([&] {
    spawn(fiber(chain, 2000, std::ref(last))).detach();
    await(last);
  }));
}

TEST_P(FiberSpawn, ItsArgumentsAreGoneWhenItsJoinerGoesOn) {
  Log log;
  run(fiber([&] {
    await(spawn(fiber([](const Logged&) {}, Logged(log, "argument"))));
    log.add("joined");
  }));
  EXPECT_EQ(log.words(), (std::vector<std::string>{"argument", "joined"}));
}

/// Does what is allowed, and what is not, at the end of a fiber, when its stack is no longer
/// usable.
class AtTheEnd {
 public:
  explicit AtTheEnd(std::atomic<int>& spawned) : spawned_(&spawned) {}
  AtTheEnd(AtTheEnd&& other) noexcept : spawned_(std::exchange(other.spawned_, nullptr)) {}
  AtTheEnd& operator=(AtTheEnd&&) = delete;
  ~AtTheEnd() {
    if (spawned_ == nullptr) return;
    EXPECT_FALSE(in_fiber());
    EXPECT_THROW(await(yield_now()), std::logic_error);
    spawn(fiber([spawned = spawned_] {
      await(yield_now());
      ++*spawned;
    })).detach();
  }

 private:
  std::atomic<int>* spawned_;
};

TEST_P(FiberSpawn, TheDestructorsOfItsArgumentsMaySpawnButNotAwait) {
  std::atomic<int> spawned{0};
  run(fiber([&] {
    for (int i = 0; i < 100; ++i) await(spawn(fiber([](const AtTheEnd&) {}, AtTheEnd(spawned))));
  }));
  run(until([&] { return spawned == 100; }));
}

TEST_P(FiberSpawn, AValueThatSwallowsTheUnwindingIsNoResult) {
  ManualEvent never;
  ManualEvent started;
  run([&]() -> Task<void> {
    auto handle = spawn(fiber([&] {
      started.set();
      try {
        await(never);
      } catch (...) {  // without `throw;`
      }
      return 7;
    }));
    co_await started;
    handle.cancel();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
}

TEST_P(FiberSpawn, ACancelMeetsItWhereverItIs) {
  run(fiber([&] {
    for (int i = 0; i < 200; ++i) {
      auto handle = spawn(fiber([] {
        for (int yields = 0; yields < 5; ++yields) await(yield_now());
        return 1;
      }));
      for (int yields = 0; yields < i % 8; ++yields) await(yield_now());
      handle.cancel();
      const auto outcome = await(std::move(handle).outcome());
      EXPECT_TRUE(outcome.cancelled() || outcome.value() == 1);
    }
  }));
}

TEST_P(FiberSpawn, AHundredThousandReuseTheSameStacks) {
  constexpr int fibers = address_sanitizer ? 10'000 : 100'000;  // a switch takes long there
  run(fiber([] {
    for (int i = 0; i < fibers; ++i) await(spawn(fiber([] {})));
  }));
}

TEST_P(FiberSpawn, AFailureIsReportedOnALargerStackThanItsOwn) {
  std::atomic<int> reports{0};
  RuntimeOptions options = options_for(GetParam());
  options.on_failure = [&reports](const UnhandledFailure&) {
    std::array<char, 100'000> much{};
    much.fill('x');
    reports += much.back() == 'x' ? 1 : 0;
  };
  Runtime own(std::move(options));
  own.block_on([]() -> Task<void> {
    spawn(fiber(FiberOptions().name("small").stack_bytes(std::size_t{64} << 10), [] {
      throw std::runtime_error("lost");
    })).detach();
    co_return;
  });
  own.shutdown();
  EXPECT_EQ(reports, 1);
}

TEST_P(FiberSpawn, WithoutAStackItFailsAndItsJoinerIsToldWhy) {
  detail::ScopedFaults faults;
  run(fiber([&] {
    faults.add(detail::Fault{.call = detail::Call::map_pages, .errno_value = ENOMEM});
    try {
      await(spawn(fiber(FiberOptions().name("poor").stack_bytes(std::size_t{4} << 20), [] {})));
      ADD_FAILURE() << "there was a stack";
    } catch (const IoError& error) {
      EXPECT_EQ(error.code(), std::errc::not_enough_memory);
      EXPECT_NE(std::strstr(error.what(), "poor"), nullptr) << error.what();
    }
  }));
  end_runtime();  // before the faults are destroyed
}

TEST_P(FiberSpawn, FailsWholeAtEveryAllocation) {
  bool succeeded = false;
  for (std::int64_t successes = 0; !succeeded && successes < 20; ++successes) {
    run(fiber([&] {
      set_frame_failure_after(successes);
      try {
        EXPECT_EQ(await(spawn(fiber([] { return await(spawn(fiber([] { return 3; }))); }))), 3);
        succeeded = true;
      } catch (const std::bad_alloc&) {
      }
      set_frame_failure_after(-1);
    }));
  }
  EXPECT_TRUE(succeeded);
}

TEST_P(FiberSpawn, WhoSpawnsAndJoinsAllTheTimeLeavesOthersTheirTurns) {
  if (GetParam() > 1) GTEST_SKIP() << "an order is promised only on one worker";
  int turns = 0;
  bool done = false;
  run([&]() -> Task<void> {
    auto busy = spawn(fiber([&] {
      for (int i = 0; i < 10'000; ++i) await(spawn(fiber([] {})));
      done = true;
    }));
    while (!done) {
      ++turns;
      co_await yield_now();
    }
    co_await std::move(busy);
  });
  // A task whose thread is preempted in the middle of its turn looks like one that computes.
  if (runtime().metrics().total.long_runs == 0) {
    EXPECT_GE(turns, 10'000 / 32);
  }
}

}  // namespace
}  // namespace weft::test::fiber_spawn_test
