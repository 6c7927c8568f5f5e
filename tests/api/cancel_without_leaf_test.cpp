// A cancel of a task whose awaits all complete at once: there is no leaf that it could meet. It
// takes effect within a budget of awaits, on the way down, so that no result is lost.
#include <weft/async_generator.hpp>
#include <weft/fiber.hpp>
#include <weft/fork_all.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/task_local.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <coroutine>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::cancel_without_leaf_test {
namespace {

using namespace std::chrono_literals;

class CancelWithoutLeafTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(CancelWithoutLeafTest);

/// Far more awaits than a budget. A loop that a cancel does not end comes to its end all the same.
constexpr std::size_t very_many = 1'000'000;

Task<int> one() { co_return 1; }
Task<int> two() {
  const int value = co_await one();
  co_return value + 1;
}
AsyncGenerator<int> numbers() {
  for (int i = 0;; ++i) co_yield i;
}
AsyncGenerator<int> none() { co_return; }

// Loops of awaits that never wait. Each counts its rounds.
using Rounds = std::size_t;

Task<void> tasks(Rounds& rounds) {
  for (; rounds < very_many; ++rounds) (void)co_await one();
}
/// Three of the six transfers of a round go up. Each budget may end at one of them: see
/// ABudgetMayAlwaysEndOnTheWayUp.
Task<void> deep_and_flat(Rounds& rounds) {
  for (; rounds < very_many; ++rounds) {
    (void)co_await two();
    (void)co_await one();
  }
}
Task<void> items(Rounds& rounds) {
  AsyncGenerator<int> source = numbers();
  while (auto item = co_await source.next()) {
    if (++rounds == very_many) co_return;
  }
}
Task<void> ends_of_a_generator(Rounds& rounds) {
  AsyncGenerator<int> source = none();
  for (; rounds < very_many; ++rounds) (void)co_await source.next();
}
Task<void> groups(Rounds& rounds) {
  for (; rounds < very_many; ++rounds) (void)co_await when_all(one(), one());
}
Task<void> empty_groups(Rounds& rounds) {
  for (; rounds < very_many; ++rounds) {
    std::vector<Task<int>> no_tasks;
    (void)co_await when_all(std::move(no_tasks));
  }
}
Task<void> forks(Rounds& rounds) {
  for (; rounds < very_many; ++rounds) (void)co_await fork_all(one, two);
}
Task<void> foreign(Rounds& rounds) {
  for (; rounds < very_many; ++rounds) co_await std::suspend_never();
}
Task<void> children(Rounds& rounds) {
  for (; rounds < very_many; ++rounds) (void)co_await spawn(one);
}
Task<void> bindings(Rounds& rounds) {
  TaskLocal<int> local;
  for (; rounds < very_many; ++rounds) (void)co_await local.with(1, one());
}
Task<void> sleeps(Rounds& rounds) {
  for (; rounds < very_many; ++rounds) co_await sleep_for(0s);
}
Task<void> fibers(Rounds& rounds) {
  co_await fiber([&rounds] {
    for (; rounds < very_many; ++rounds) (void)await(one());
  });
}
Task<void> whole_fibers(Rounds& rounds) {
  for (; rounds < very_many; ++rounds) co_await fiber([] {});
}
Task<void> whole_fibers_in_a_fiber(Rounds& rounds) {
  co_await fiber([&rounds] {
    for (; rounds < very_many; ++rounds) await(fiber([] {}));
  });
}
Task<void> deep_and_flat_in_a_fiber(Rounds& rounds) {
  co_await fiber([&rounds] {
    for (; rounds < very_many; ++rounds) {
      (void)await(two());
      (void)await(one());
    }
  });
}

struct Loop {
  const char* name;
  Task<void> (*run)(Rounds&);
};
constexpr Loop loops[] = {
    {"tasks", tasks},
    {"deep and flat tasks", deep_and_flat},
    {"items of a generator", items},
    {"the end of a generator", ends_of_a_generator},
    {"groups", groups},
    {"groups of none", empty_groups},
    {"forks", forks},
    {"foreign awaitables", foreign},
    {"spawned tasks", children},
    {"bindings", bindings},
    {"sleeps of no time", sleeps},
    {"tasks in a fiber", fibers},
    {"deep and flat tasks in a fiber", deep_and_flat_in_a_fiber},
    {"whole fibers", whole_fibers},
    {"whole fibers in a fiber", whole_fibers_in_a_fiber},
};

TEST_P(CancelWithoutLeafTest, ALoopOfAwaitsThatNeverWaitEndsWithinABudget) {
  for (const Loop& loop : loops) {
    SCOPED_TRACE(loop.name);
    Rounds rounds = 0;
    run([&]() -> Task<void> {
      // The loop begins with the cancel requested: from there on one budget is left, and another
      // one if a result was on its way up at the end of the first.
      ManualEvent go;
      auto waiting = [&]() -> Task<void> {
        co_await go;
        co_await loop.run(rounds);
      };
      auto handle = spawn(waiting);
      co_await until([&] { return go.awaited(); });
      go.set();  // its wait has ended: a cancel finds no leaf
      handle.cancel();
      const Outcome<void> outcome = co_await std::move(handle).outcome();
      EXPECT_TRUE(outcome.cancelled());
    });
    EXPECT_LE(rounds, 4U * TaskHeader::full_budget);
  }
}

/// Runs the loop in `frames` frames of its own: its transfers come that much later in the budget.
Task<void> below(int frames, const Loop& loop, Rounds& rounds) {
  if (frames == 0) {
    co_await loop.run(rounds);
  } else {
    co_await below(frames - 1, loop, rounds);
  }
}

TEST_P(CancelWithoutLeafTest, ABudgetMayAlwaysEndOnTheWayUp) {
  static_assert(TaskHeader::full_budget % 6 == 3, "budgets end at two places of a round");
  for (const Loop loop : {Loop{"tasks", deep_and_flat}, {"in a fiber", deep_and_flat_in_a_fiber}}) {
    for (int frames = 0; frames < 6; ++frames) {
      SCOPED_TRACE(loop.name + std::string(" below ") + std::to_string(frames));
      Rounds rounds = 0;
      run([&]() -> Task<void> {
        ManualEvent go;
        auto waiting = [&]() -> Task<void> {
          co_await go;
          co_await below(frames, loop, rounds);
        };
        auto handle = spawn(waiting);
        co_await until([&] { return go.awaited(); });
        go.set();
        handle.cancel();
        const Outcome<void> outcome = co_await std::move(handle).outcome();
        EXPECT_TRUE(outcome.cancelled());
      });
      EXPECT_LE(rounds, 4U * TaskHeader::full_budget);
    }
  }
}

TEST_P(CancelWithoutLeafTest, TimeoutEndsIt) {
  for (const Loop& loop : loops) {
    SCOPED_TRACE(loop.name);
    Rounds rounds = 0;
    auto body = [&]() -> Task<void> {
      while (rounds < 10 * very_many) {
        Rounds these = 0;
        co_await loop.run(these);
        rounds += these;
      }
    };
    run([&]() -> Task<void> {
      std::error_code code;
      try {
        co_await timeout(body(), 1ms);
      } catch (const IoError& error) {
        code = error.code();
      }
      EXPECT_EQ(code, std::errc::timed_out);
    });
  }
}

TEST_P(CancelWithoutLeafTest, AResultOnItsWayUpIsNotLost) {
  // Each take() returns through a frame of its own; where the budget ends on the way up the cancel
  // must wait for the next way down.
  for (int frames = 1; frames <= 4; ++frames) {
    SCOPED_TRACE(frames);
    std::size_t taken = 0;
    std::size_t delivered = 0;
    run([&]() -> Task<void> {
      std::function<Task<void>(int)> take = [&](int left) -> Task<void> {
        if (left == 1) {
          ++taken;
        } else {
          co_await take(left - 1);
        }
      };
      ManualEvent go;
      auto body = [&]() -> Task<void> {
        co_await go;
        while (delivered < very_many) {
          co_await take(frames);
          ++delivered;
        }
      };
      auto handle = spawn(body);
      co_await until([&] { return go.awaited(); });
      go.set();
      handle.cancel();
      const Outcome<void> outcome = co_await std::move(handle).outcome();
      EXPECT_TRUE(outcome.cancelled());
    });
    EXPECT_EQ(taken, delivered);
    EXPECT_LT(delivered, very_many);
  }
}

}  // namespace
}  // namespace weft::test::cancel_without_leaf_test
