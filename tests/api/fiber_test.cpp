// Fibers: results, exceptions, cancel and unwinding, the awaitables they accept, and their mix with
// coroutines, on every kind of runtime.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "os/fault.hpp"
#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::fiber_test {
namespace {

using namespace std::chrono_literals;

class FiberTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(FiberTest);

Task<int> plus_one(int value) {
  co_await yield_now();
  co_return value + 1;
}

// Results

TEST_P(FiberTest, GivesItsResultOfEveryKind) {
  EXPECT_EQ(run(fiber([] { return 7; })), 7);
  run(fiber([] {}));
  EXPECT_EQ(*run(fiber([] { return std::make_unique<int>(3); })), 3);
  int object = 0;
  EXPECT_EQ(&run(fiber([&]() -> int& { return object; })), &object);
}

TEST_P(FiberTest, TakesArgumentsThatOnlyMoveAndKeepsThemUntilItsEnd) {
  const auto length = [](std::unique_ptr<std::string> text, const std::string& more) {
    await(yield_now());
    return text->size() + more.size();
  };
  EXPECT_EQ(run(fiber(length, std::make_unique<std::string>("abc"), std::string("de"))), 5U);
  auto owner = std::make_unique<int>(4);
  EXPECT_EQ(run(fiber([owner = std::move(owner)] {
              await(yield_now());
              return *owner;
            })),
            4);
}

TEST_P(FiberTest, PassesItsExceptionOn) {
  EXPECT_THROW(run(fiber([] {
                 await(yield_now());
                 throw std::runtime_error("no");
               })),
               std::runtime_error);
}

TEST_P(FiberTest, NothingRunsBeforeItIsAwaited) {
  bool ran = false;
  {
    const Task<void> dropped = fiber([&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

TEST_P(FiberTest, HasANameAndTheStackThatWasAskedFor) {
  const auto left = [](std::size_t bytes) {
    return fiber(FiberOptions().name("reader").stack_bytes(bytes), [] {
      EXPECT_EQ(this_fiber::name(), "reader");
      return this_fiber::stack_left();
    });
  };
  const std::size_t small = run(left(1));
  EXPECT_GT(small, 48U << 10);
  EXPECT_LT(small, 64U << 10);
  EXPECT_GT(run(left(1 << 20)), 1000U << 10);
}

TEST_P(FiberTest, TooLargeAStackIsAnError) {
  EXPECT_THROW(run(fiber(FiberOptions().name("huge").stack_bytes(std::size_t{1} << 40), [] {})),
               IoError);
}

// Awaitables

TEST_P(FiberTest, AwaitsTasksOperationsAndOtherFibers) {
  EXPECT_EQ(run(fiber([] {
              int sum = await(plus_one(1));
              await(sleep_for(1us));
              sum += await(fiber([] { return await(plus_one(10)); }));
              sum += await(spawn(plus_one, 100));
              sum += await(spawn(fiber([] { return 1000; })));
              return sum;
            })),
            2 + 11 + 101 + 1000);
}

TEST_P(FiberTest, AwaitsWhatIsReadyAndWhatIsWokenFromAnotherThread) {
  ManualEvent event;
  std::thread other;
  run(fiber([&] {
    event.set();
    await(event);  // there already
    other = std::thread([&] { event.set(); });
    await(event);
  }));
  other.join();
}

TEST_P(FiberTest, AwaitsFromDeepInsideOrdinaryFunctions) {
  struct Tree {
    static int sum(int depth) {
      if (depth == 0) return await(plus_one(0));
      return sum(depth - 1) + sum(depth - 1);
    }
  };
  EXPECT_EQ(run(fiber([] { return Tree::sum(6); })), 64);
}

TEST_P(FiberTest, RethrowsWhatAnAwaitedTaskThrew) {
  const auto fails = []() -> Task<void> {
    co_await yield_now();
    throw std::out_of_range("far");
  };
  EXPECT_EQ(run(fiber([&] {
              try {
                await(fails());
              } catch (const std::out_of_range& error) {
                await(yield_now());
                return std::string(error.what());
              }
              return std::string();
            })),
            "far");
}

TEST_P(FiberTest, UsesSelectTimeoutScopeAndWhenAll) {
  ManualEvent never;
  const int sum = run(fiber([&] {
    auto first = await(select(ManualEvent::Wait(never), fiber([] { return 1; })));
    EXPECT_EQ(first.index(), 1U);
    int total = first.take<1>();
    EXPECT_THROW(await(timeout(ManualEvent::Wait(never), 1ms)), IoError);
    total += await(scope([](Scope& s) -> Task<int> {
      auto a = s.spawn(fiber([] { return await(plus_one(19)); }));
      auto b = s.spawn(plus_one, 299);
      const int left = co_await std::move(a);
      const int right = co_await std::move(b);
      co_return left + right;
    }));
    auto [x, y] = await(when_all(fiber([] { return await(plus_one(3999)); }), plus_one(49999)));
    return total + x + y;
  }));
  EXPECT_EQ(sum, 1 + 20 + 300 + 4000 + 50000);
}

TEST_P(FiberTest, ScopeChildrenOfAFiberMayRunOnOtherWorkers) {
  // Each child waits until all have arrived, by a spin that does not yield. On one worker they
  // could not meet.
  if (runtime().workers() < 2) return;
  std::atomic<int> arrived{0};
  run(fiber([&] {
    await(scope([&](Scope& s) -> Task<void> {
      for (int i = 0; i < 2; ++i) {
        s.spawn([&]() -> Task<void> {
           arrived.fetch_add(1);
           while (arrived.load() < 2) std::this_thread::yield();
           co_return;
         }).detach();
      }
      co_return;
    }));
  }));
}

TEST_P(FiberTest, IsAChildOfACoroutineWhichGoesOnElsewhere) {
  EXPECT_EQ(run([]() -> Task<int> {
              int sum = 0;
              for (int i = 0; i < 100; ++i) {
                Task<int> next = fiber([](int value) { return await(plus_one(value)); }, i);
                sum += co_await std::move(next);
                co_await yield_now();
              }
              co_return sum;
            }),
            5050);
}

TEST_P(FiberTest, ManyWakeEachOther) {
  constexpr int fibers = 200;
  constexpr int rounds = 50;
  std::vector<ManualEvent> events(fibers);
  run([&]() -> Task<void> {
    std::vector<JoinHandle<void>> handles;
    for (std::size_t i = 0; i < fibers; ++i) {
      handles.push_back(spawn(fiber([&, i] {
        for (int round = 0; round < rounds; ++round) {
          await(events[i]);
          events[(i + 1) % fibers].set();
        }
      })));
    }
    events[0].set();
    for (auto& handle : handles) co_await std::move(handle);
  });
}

TEST_P(FiberTest, EndsOnAThousandInlineCompletionsWithTheSameStack) {
  StackMeter meter;
  run(fiber([&] {
    for (int i = 0; i < 20'000; ++i) {
      await([]() -> Task<void> { co_return; }());
      meter.note();
    }
  }));
  EXPECT_LT(meter.bytes(), 1000U);
}

// Exceptions in flight

TEST_P(FiberTest, AwaitsInsideACatchOfItsOwn) {
  const auto nested = [](int id) {
    for (int i = 0; i < 20; ++i) {
      try {
        throw id;
      } catch (int caught) {
        await(yield_now());
        EXPECT_EQ(caught, id);
        try {
          throw std::to_string(id);
        } catch (const std::string& text) {
          await(yield_now());
          EXPECT_EQ(text, std::to_string(id));
        }
        EXPECT_NE(std::current_exception(), nullptr);
      }
      EXPECT_EQ(std::current_exception(), nullptr);
      EXPECT_EQ(std::uncaught_exceptions(), 0);
      await(yield_now());
    }
  };
  run([&]() -> Task<void> {
    std::vector<JoinHandle<void>> handles;
    for (int id = 0; id < 10; ++id) handles.push_back(spawn(fiber(nested, id)));
    for (auto& handle : handles) co_await std::move(handle);
  });
}

TEST_P(FiberTest, AYieldLetsWhatWasSpawnedRun) {
  if (runtime().workers() > 1) return;  // another worker may have taken it
  run(fiber([] {
    for (int i = 0; i < 100; ++i) {
      bool ran = false;
      auto other = spawn([&ran]() -> Task<void> {
        ran = true;
        co_return;
      });
      await(yield_now());
      EXPECT_TRUE(ran);
      await(std::move(other));
    }
  }));
}

/// Does not suspend, in one way or the other.
class Asks {
 public:
  explicit Asks(bool ready) noexcept : ready_(ready) {}
  [[nodiscard]] bool await_ready() const noexcept { return ready_; }
  template <WeftPromise P>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<P>) const noexcept {
    return false;
  }
  [[nodiscard]] bool await_resume() const { return in_fiber(); }

 private:
  bool ready_;
};

TEST_P(FiberTest, WhetherItWaitedOrNotAResultMayAskForTheFiber) {
  EXPECT_TRUE(run(fiber([] { return await(Asks(true)) && await(Asks(false)); })));
}

// Cancel

TEST_P(FiberTest, CancelUnwindsTheStackInnermostFirst) {
  Log log;
  ManualEvent never;
  ManualEvent started;
  run([&]() -> Task<void> {
    auto handle = spawn(fiber(
        [&](Logged) {
          const Logged outer(log, "outer");
          [&] {
            const Logged inner(log, "inner");
            started.set();
            await(never);
          }();
        },
        Logged(log, "argument")));
    co_await started;
    handle.cancel();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(log.words(), (std::vector<std::string>{"inner", "outer", "argument"}));
}

TEST_P(FiberTest, CancelReachesWhatTheFiberAwaits) {
  Log log;
  ManualEvent never;
  ManualEvent started;
  const auto child = [&]() -> Task<void> {
    const Logged local(log, "child");
    started.set();
    co_await never;
  };
  run([&]() -> Task<void> {
    auto handle = spawn(fiber([&] {
      const Logged local(log, "fiber");
      await(child());
    }));
    co_await started;
    handle.cancel();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(log.words(), (std::vector<std::string>{"child", "fiber"}));
}

TEST_P(FiberTest, CancelBeforeItStartsEndsItAtItsFirstAwait) {
  bool passed = false;
  run([&]() -> Task<void> {
    Turnstile turnstile;
    auto handle = spawn(fiber([&] {
      turnstile.pass();
      await(yield_now());
      passed = true;
    }));
    handle.cancel();
    turnstile.open();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_FALSE(passed);
}

TEST_P(FiberTest, ACatchAllThatSwallowsTheUnwindingOnlyPutsItOff) {
  ManualEvent never;
  ManualEvent started;
  int swallowed = 0;
  run([&]() -> Task<void> {
    auto handle = spawn(fiber([&] {
      started.set();
      for (int i = 0; i < 3; ++i) {
        try {
          await(never);
        } catch (...) {
          ++swallowed;
        }
      }
    }));
    co_await started;
    handle.cancel();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(swallowed, 3);
}

TEST_P(FiberTest, ADestructorThatAwaitsDuringTheUnwindingCatchesIt) {
  struct Closes {
    ~Closes() {
      try {
        await(yield_now());
        done = true;
      } catch (...) {
        refused = true;
      }
    }
    bool& done;
    bool& refused;
  };
  ManualEvent never;
  ManualEvent started;
  bool done = false;
  bool refused = false;
  run([&]() -> Task<void> {
    auto handle = spawn(fiber([&] {
      const Closes closes{done, refused};
      started.set();
      await(never);
    }));
    co_await started;
    handle.cancel();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_TRUE(refused);
  EXPECT_FALSE(done);
}

TEST_P(FiberTest, ShutdownUnwindsFibersThatWait) {
  Log log;
  ManualEvent never;
  ManualEvent started;
  runtime()
      .spawn(fiber([&] {
        const Logged local(log, "local");
        started.set();
        await(never);
      }))
      .detach();
  run([&]() -> Task<void> { co_await started; });
  end_runtime();
  EXPECT_EQ(log.words(), (std::vector<std::string>{"local"}));
}

TEST_P(FiberTest, AFailureThatNobodyAwaitsIsReportedWithTheAwaitSite) {
  allow_failures();
  ManualEvent awaited;
  unsigned await_line = 0;
  run([&]() -> Task<void> {
    spawn(fiber([&] {
      await_line = std::source_location::current().line() + 1;
      await(plus_one(1));  // its return passes through the fiber's own coroutine
      awaited.set();
      throw std::runtime_error("lost");
    })).detach();
    co_await awaited;
  });
  end_runtime();
  ASSERT_EQ(failures().size(), 1U);
  EXPECT_EQ(failures()[0].what, "lost");
  ASSERT_EQ(failures()[0].sites.size(), 1U);
  EXPECT_EQ(failures()[0].sites[0].line(), await_line);
  EXPECT_NE(std::strstr(failures()[0].sites[0].file_name(), "fiber_test.cpp"), nullptr);
}

// Mistakes

TEST_P(FiberTest, AwaitOutsideAFiberIsALogicError) {
  EXPECT_THROW(await(yield_now()), std::logic_error);
  EXPECT_THROW(static_cast<void>(this_fiber::name()), std::logic_error);
  EXPECT_FALSE(in_fiber());
  run([]() -> Task<void> {
    EXPECT_FALSE(in_fiber());
    EXPECT_THROW(await(sleep_for(1ms)), std::logic_error);
    co_return;
  });
}

TEST_P(FiberTest, AwaitInACoroutineThatAFiberAwaitsIsALogicError) {
  const auto mistaken = []() -> Task<bool> {
    bool refused = false;
    try {
      await(yield_now());
    } catch (const std::logic_error&) {
      refused = true;
    }
    co_return refused;
  };
  EXPECT_TRUE(run(fiber([&] {
    EXPECT_TRUE(in_fiber());
    auto [first, second] = await(when_all(mistaken(), mistaken()));
    return first && second && await(mistaken());
  })));
}

TEST_P(FiberTest, BlockOnInAFiberIsALogicError) {
  run(fiber([this] { EXPECT_THROW(runtime().block_on(plus_one(1)), std::logic_error); }));
}

// Memory

TEST_P(FiberTest, WithoutAddressSpaceOnlyThatFiberFails) {
  detail::ScopedFaults faults;
  faults.add(detail::Fault{.call = detail::Call::map_pages, .errno_value = ENOMEM});
  try {
    run(fiber(FiberOptions().name("poor").stack_bytes(4 << 20), [] {}));
    FAIL() << "there was a stack";
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), std::errc::not_enough_memory);
    EXPECT_NE(std::strstr(error.what(), "poor"), nullptr) << error.what();
    EXPECT_NE(std::strstr(error.what(), "vm.max_map_count"), nullptr) << error.what();
  }
  EXPECT_EQ(run(fiber(FiberOptions().name("rich").stack_bytes(4 << 20), [] { return 1; })), 1);
  end_runtime();  // before the faults go
}

TEST_P(FiberTest, WithoutGuardMarkersItGuardsByProtection) {
  detail::ScopedFaults faults;
  faults.add(
      detail::Fault{.call = detail::Call::guard_by_marker, .errno_value = EINVAL, .times = 2});
  EXPECT_EQ(run(fiber(FiberOptions().stack_bytes(1 << 20), [] { return 1; })), 1);
  EXPECT_EQ(faults.struck(), 1U);
  end_runtime();  // before the faults go
}

TEST_P(FiberTest, FailsWholeAtEveryAllocation) {
  const auto scenario = [] {
    return fiber(
        [] { return await(plus_one(1)) + await(fiber([] { return await(plus_one(1)); })); });
  };
  bool succeeded = false;
  for (std::int64_t successes = 0; !succeeded && successes < 20; ++successes) {
    run([&]() -> Task<void> {
      set_frame_failure_after(successes);
      try {
        auto task = scenario();
        const int sum = co_await std::move(task);
        EXPECT_EQ(sum, 4);
        succeeded = true;
      } catch (const std::bad_alloc&) {
      }
      set_frame_failure_after(-1);
    });
  }
  EXPECT_TRUE(succeeded);
}

}  // namespace
}  // namespace weft::test::fiber_test
