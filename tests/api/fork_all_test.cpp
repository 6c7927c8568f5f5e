// fork_all(), fork_for(): all results in order, wherever the parts ran. Parts may wait for each
// other, as those of when_all() may. The first failure ends the other parts, and then the task goes
// on. A cancel ends all.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/finally.hpp>
#include <weft/fork_all.hpp>
#include <weft/resume_on.hpp>
#include <weft/scope.hpp>
#include <weft/semaphore.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/task_local.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::fork_all_test {
namespace {

using namespace std::chrono_literals;

class ForkAllTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(ForkAllTest);

Task<int> number(int value) { co_return value; }
Task<void> nothing() { co_return; }
Task<void> wait_logged(Semaphore& semaphore, std::atomic<int>& begun, Log& log, std::string name) {
  const Logged local(log, std::move(name));
  begun.fetch_add(1);
  const Permit permit = co_await semaphore.acquire();
}
Task<int> fail_after(std::atomic<int>& begun, int count, std::string what) {
  co_await until([&] { return begun.load() == count; });
  throw std::runtime_error(what);
}
Task<int> fail_at_once(std::string what) {
  throw std::runtime_error(what);
  co_return 0;
}

/// Cancels the task when so many parts have begun, and checks that it ends cancelled.
Task<void> cancel_when_begun(JoinHandle<void> task, std::atomic<int>& begun, int count) {
  co_await until([&] { return begun.load() == count; });
  task.cancel();
  const Outcome<void> ended = co_await std::move(task).outcome();
  EXPECT_TRUE(ended.cancelled());
}

Task<std::string> then_value(std::string value) { co_return value; }
void throw_from_function() { throw std::runtime_error("no part"); }

TEST_P(ForkAllTest, GivesATupleInTheOrderOfTheParts) {
  run([]() -> Task<void> {
    int object = 0;
    auto fork =
        fork_all([] { return number(1); }, [] { return nothing(); },
                 []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); },
                 [&object]() -> Task<int&> { co_return object; }, [] { return sleep_for(1ms); });
    auto results = co_await std::move(fork);
    EXPECT_EQ(std::get<0>(results), 1);
    EXPECT_EQ(std::get<1>(results), Unit{});
    EXPECT_EQ(*std::get<2>(results), 4);
    EXPECT_EQ(&std::get<3>(results), &object);
  });
}

Task<std::uint64_t> fibonacci(int n) {
  if (n < 2) co_return static_cast<std::uint64_t>(n);
  auto fork = fork_all([n] { return fibonacci(n - 1); }, [n] { return fibonacci(n - 2); });
  auto [a, b] = co_await std::move(fork);
  co_return a + b;
}

TEST_P(ForkAllTest, ComputesWithoutATaskForEachPart) {
  EXPECT_EQ(runtime().block_on(fibonacci(20)), 6765U);
  run([]() -> Task<void> {
    std::vector<Task<std::uint64_t>> several;
    for (int n = 10; n < 18; ++n) several.push_back(fibonacci(n));
    const std::vector<std::uint64_t> values = co_await when_all(std::move(several));
    EXPECT_EQ(values.back(), 1597U);
  });
}

TEST_P(ForkAllTest, PartsMayWaitForEachOther) {
  run([]() -> Task<void> {
    ManualEvent first;
    ManualEvent second;
    auto a = [&]() -> Task<int> {
      co_await second;  // which comes from a part that has not begun yet
      first.set();
      co_return 1;
    };
    auto b = [&]() -> Task<int> {
      second.set();
      co_await first;
      co_return 2;
    };
    auto inner = [&]() -> Task<int> {
      auto fork = fork_all(a, [] { return number(5); });
      const auto [x, y] = co_await std::move(fork);
      co_return x + y;
    };
    auto fork = fork_all(inner, [] { return number(10); }, b);
    const auto [x, y, z] = co_await std::move(fork);
    EXPECT_EQ(x + y + z, 18);
  });
}

TEST_P(ForkAllTest, AFailureEndsWhatWaitsAndTheTaskGoesOn) {
  run([]() -> Task<void> {
    Semaphore never(0);
    std::atomic<int> begun = 0;
    Log log;
    auto outer = [&]() -> Task<int> {  // it waits as a frame of the task, two forks deep
      auto fork = fork_all([&] { return wait_logged(never, begun, log, "inner"); },
                           [&] { return wait_logged(never, begun, log, "inner"); });
      const Logged frame(log, "frame");
      co_await std::move(fork);
      co_return 0;
    };
    std::string what;
    try {
      auto fork = fork_all(
          outer, [&] { return wait_logged(never, begun, log, "other"); },
          [&] { return fail_after(begun, 3, "no"); });
      co_await std::move(fork);
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "no");
    EXPECT_EQ(log.words().size(), 4U);
    // The task itself was not cancelled.
    co_await sleep_for(1us);
    auto fork = fork_all([] { return number(1); }, [] { return sleep_for(1us); });
    auto [one, unit] = co_await std::move(fork);
    EXPECT_EQ(one, 1);
    EXPECT_EQ(unit, Unit{});
  });
}

TEST_P(ForkAllTest, WhatHasNotBegunNeverDoesAfterAFailure) {
  run([]() -> Task<void> {
    std::atomic<int> begun = 0;
    auto part = [&]() -> Task<int> {
      begun.fetch_add(1);
      co_await sleep_for(1h);
      co_return 0;
    };
    for (int i = 0; i < 100; ++i) {
      std::string what;
      try {
        auto fork = fork_all([] { return fail_at_once("first"); }, part, part);
        co_await std::move(fork);
      } catch (const std::runtime_error& error) {
        what = error.what();
      }
      EXPECT_EQ(what, "first");
    }
    if (GetParam() <= 1) {
      EXPECT_EQ(begun.load(), 0);
    }
  });
}

TEST_P(ForkAllTest, ACancelEndsAllAndTheTask) {
  run([]() -> Task<void> {
    Semaphore never(0);
    Log log;
    std::atomic<int> begun = 0;
    auto part = [&](std::string name) {
      return [&, name] { return wait_logged(never, begun, log, name); };
    };
    auto body = [&]() -> Task<void> {
      const Logged frame(log, "frame");
      auto fork = fork_all(part("a"), part("b"), part("c"));
      co_await std::move(fork);
    };
    co_await cancel_when_begun(spawn(body), begun, 3);
    const std::vector<std::string> words = log.words();
    EXPECT_EQ(words.size(), 4U);
    EXPECT_EQ(words.back(), "frame") << "the parts end before what forked them";
  });
}

TEST_P(ForkAllTest, ACancelComesToThePartsOfAllForksAtOnce) {
  run([]() -> Task<void> {
    Semaphore outer_ended(0);
    std::atomic<int> begun = 0;
    auto waits = [&]() -> Task<void> {
      begun.fetch_add(1);
      co_await sleep_for(1h);
    };
    auto ends_after_outer = [&] {
      return finally(waits(),
                     [&]() -> Task<void> { const Permit permit = co_await outer_ended.acquire(); });
    };
    auto outer = [&] { return finally(waits(), [&] { outer_ended.release(); }); };
    auto inner = [&]() -> Task<void> {
      auto fork = fork_all(waits, ends_after_outer);
      co_await std::move(fork);
    };
    auto body = [&]() -> Task<void> {
      auto fork = fork_all(inner, outer);
      co_await std::move(fork);
    };
    co_await cancel_when_begun(spawn(body), begun, 3);
  });
}

TEST_P(ForkAllTest, NothingBeginsInACancelledTask) {
  run([]() -> Task<void> {
    std::atomic<int> begun = 0;
    auto part = [&]() -> Task<void> {
      begun.fetch_add(1);
      co_return;
    };
    std::atomic<bool> cancelled = false;
    auto body = [&]() -> Task<void> {
      while (!cancelled.load()) std::this_thread::yield();
      auto fork = fork_all(part, part);
      co_await std::move(fork);
    };
    if (GetParam() < 2) co_return;
    JoinHandle<void> task = spawn(body);
    task.cancel();
    cancelled = true;
    const Outcome<void> ended = co_await std::move(task).outcome();
    EXPECT_TRUE(ended.cancelled());
    EXPECT_EQ(begun.load(), 0);
  });
}

TEST_P(ForkAllTest, ATimeoutEndsAForkThatComputes) {
  run([]() -> Task<void> {
    bool timed_out = false;
    try {
      co_await timeout(fibonacci(80), 2ms);
    } catch (const IoError& error) {
      timed_out = error.code() == std::errc::timed_out;
    }
    EXPECT_TRUE(timed_out);
  });
}

TEST_P(ForkAllTest, FibersForkAsWell) {
  run([]() -> Task<void> {
    auto work = fiber([] {
      const auto [a, b] = weft::await(
          fork_all([] { return fibonacci(12); }, [] { return fiber([] { return 3; }); }));
      return a + static_cast<std::uint64_t>(b);
    });
    const std::uint64_t sum = co_await std::move(work);
    EXPECT_EQ(sum, 147U);
  });
}

/// A chain of forks, each within the first part of the one before.
Task<int> chain(int depth) {
  if (depth == 0) co_return 1;
  auto fork = fork_all([depth] { return chain(depth - 1); }, [] { return number(1); });
  auto [a, b] = co_await std::move(fork);
  co_return a + b;
}

TEST_P(ForkAllTest, APartIsMadeWithWhatIsBoundWhereTheTaskForks) {
  run([]() -> Task<void> {
    static const TaskLocal<std::string> name;
    auto forks = []() -> Task<void> {
      // The first part waits within a binding of its own, and then the second is made.
      auto fork = fork_all([] { return name.with("inner", sleep_for(1ms)); },
                           []() -> Task<std::string> { co_return name.get(); },
                           [] { return then_value(name.get()); });
      const auto [unit, called, made] = co_await std::move(fork);
      EXPECT_EQ(called, "outer");
      EXPECT_EQ(made, "outer");
    };
    co_await name.with("outer", forks());
  });
}

TEST_P(ForkAllTest, AFunctionThatThrowsAsItsPartIsGivenHasFailedAndIsNotCalledAgain) {
  run([]() -> Task<void> {
    int calls = 0;
    std::string what;
    try {
      auto fork = fork_all([] { return sleep_for(1h); },
                           [&calls]() -> Task<int> {
                             ++calls;
                             throw_from_function();
                             return number(1);
                           });
      co_await std::move(fork);
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "no part");
    EXPECT_EQ(calls, 1);
  });
}

TEST_P(ForkAllTest, PartsOfABoundTaskStayOnItsWorker) {
  run([]() -> Task<void> {
    auto bound = []() -> Task<void> {
      const std::thread::id here = std::this_thread::get_id();
      auto stays = [here]() -> Task<void> {
        for (int i = 0; i < 20; ++i) {
          EXPECT_EQ(std::this_thread::get_id(), here);
          co_await sleep_for(10us);
        }
      };
      auto fork = fork_all(stays, stays, stays);
      co_await std::move(fork);
      // The same from a fiber.
      auto work = fiber([&stays] { weft::await(fork_all(stays, stays)); });
      co_await std::move(work);
    };
    co_await spawn(SpawnOptions().local(), bound);
  });
}

TEST_P(ForkAllTest, AGuestForksInAFiberAndOutsideOfOne) {
  Runtime host(options_for(1));
  run([&host]() -> Task<void> {
    co_await resume_on(host);
    auto outside = fork_all([] { return sleep_for(1us); }, [] { return number(1); });
    const auto [unit, one] = co_await std::move(outside);
    EXPECT_EQ(one, 1);
    auto work = fiber([&host] {
      const auto [nothing_, two] =
          weft::await(fork_all([] { return sleep_for(1us); }, [] { return number(2); }));
      EXPECT_THROW(weft::await(resume_on(host)), std::logic_error);
      return two;
    });
    const int two = co_await std::move(work);
    EXPECT_EQ(two, 2);
  });
}

TEST_P(ForkAllTest, DeepForksUseNoStack) {
  run([]() -> Task<void> {
    const int depth = fewer_if_sanitized(50'000);
    const int sum = co_await chain(depth);
    EXPECT_EQ(sum, depth + 1);
  });
}

TEST_P(ForkAllTest, ForkForDoesEveryPartOnce) {
  run([]() -> Task<void> {
    std::vector<std::atomic<int>> times(10'000);
    auto step = [&](int first, int last) -> Task<void> {
      for (int i = first; i < last; ++i) times[static_cast<std::size_t>(i)].fetch_add(1);
      if (first % 7 == 0) co_await yield_now();
    };
    co_await fork_for(0, 10'000, 16U, step);
    for (const std::atomic<int>& each : times) EXPECT_EQ(each.load(), 1);
    bool called = false;
    co_await fork_for(3, 3, 1U, [&](int, int) -> Task<void> {
      called = true;
      co_return;
    });
    EXPECT_FALSE(called);
    // The whole range of the type, and a grain larger than it.
    co_await fork_for<signed char>(-128, 127, 255U, [&](signed char first, signed char last) {
      called = first == -128 && last == 127;
      return nothing();
    });
    EXPECT_TRUE(called);
  });
}

TEST_P(ForkAllTest, WithoutMemoryItFailsOrDoesWithoutHelp) {
  bool failed = true;
  for (std::int64_t successes = 0; failed; ++successes) {
    run([&]() -> Task<void> {
      failed = false;
      auto work = [&]() -> Task<void> {
        auto part = []() -> Task<int> {
          co_await yield_now();
          co_return 1;
        };
        auto inner = [part]() -> Task<int> {
          auto fork = fork_all(part, part);
          const auto [a, b] = co_await std::move(fork);
          co_return a + b;
        };
        auto fork = fork_all(part, inner, part);
        co_await std::move(fork);
      };
      // On this worker's thread alone: the other workers go on allocating.
      set_frame_failure_after(successes);
      try {
        co_await work();
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      set_frame_failure_after(-1);
    });
    if (GetParam() > 1) break;  // there the thread may have changed
  }
}

/// Random trees of forks whose parts compute, wait, fail, catch; and cancels from outside at any
/// time.
class RandomForks {
 public:
  explicit RandomForks(std::uint64_t seed) : random_(seed) {}

  Task<int> tree(int depth, std::uint64_t choice) {
    const Counted here(living_);
    if (depth == 0) {
      switch (choice % 8) {
        case 0:
          co_await yield_now();
          break;
        case 1:
          co_await sleep_for(std::chrono::microseconds(choice % 50));
          break;
        case 2:
          if (choice % 5 == 0) throw std::runtime_error("leaf");
          break;
        default:
          break;
      }
      co_return 1;
    }
    const auto part = [this, depth, choice](std::uint64_t salt) {
      return [this, depth, next = choice * 6364136223846793005U + salt] {
        return tree(depth - 1, next >> 7U);
      };
    };
    int sum = 0;
    try {
      auto fork = fork_all(part(1), part(2), part(3));
      auto [a, b, c] = co_await std::move(fork);
      sum = a + b + c;
    } catch (const std::runtime_error&) {
      if (choice % 3 != 0) throw;
    }
    if (sum == 0) co_await yield_now();  // it was not cancelled itself, or ends here
    co_return sum;
  }
  std::uint64_t next() { return random_(); }
  [[nodiscard]] int living() const { return living_.load(); }

 private:
  struct Counted {
    explicit Counted(std::atomic<int>& count) : counted(count) { counted.fetch_add(1); }
    ~Counted() { counted.fetch_sub(1); }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    std::atomic<int>& counted;
  };
  std::mt19937_64 random_;
  std::atomic<int> living_ = 0;
};

TEST_P(ForkAllTest, RandomTreesWithFailuresAndCancelsEndCompletely) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  run([seed]() -> Task<void> {
    RandomForks forks(seed);
    for (int round = 0; round < 60; ++round) {
      JoinHandle<int> task = spawn([&] { return forks.tree(5, forks.next()); });
      const std::uint64_t when = forks.next() % 4;
      if (when == 0) task.cancel();
      if (when == 1) co_await sleep_for(std::chrono::microseconds(forks.next() % 200));
      if (when == 2) co_await yield_now();
      if (when != 3) task.cancel();
      const Outcome<int> ended = co_await std::move(task).outcome();
      EXPECT_TRUE(ended.cancelled() || ended.failed() || ended.has_value());
      EXPECT_EQ(forks.living(), 0);
    }
  });
}

}  // namespace
}  // namespace weft::test::fork_all_test
