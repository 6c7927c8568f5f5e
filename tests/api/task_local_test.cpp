// TaskLocal: which tasks see a binding, on any worker, and for how long.
#include <weft/as_future.hpp>
#include <weft/blocking.hpp>
#include <weft/fiber.hpp>
#include <weft/finally.hpp>
#include <weft/future.hpp>
#include <weft/on_complete.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/shield.hpp>
#include <weft/spawn.hpp>
#include <weft/task_local.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::task_local_test {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

class TaskLocalTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(TaskLocalTest);

const TaskLocal<std::string> name;
const TaskLocal<int> number;

/// The value that a plain function sees.
[[gnu::noinline]] std::string seen() {
  const std::string* const bound = name.find();
  return bound != nullptr ? *bound : "-";
}

Task<void> expect(std::string expected, int turns) {
  for (int i = 0; i < turns; ++i) {
    EXPECT_EQ(seen(), expected);
    co_await yield_now();
  }
  EXPECT_EQ(seen(), expected);
}

TEST_P(TaskLocalTest, IsSeenByAllThatIsAwaitedAndNotAfterwards) {
  run([]() -> Task<void> {
    EXPECT_EQ(seen(), "-");
    EXPECT_THROW((void)name.get(), std::logic_error);
    auto deep = []() -> Task<std::string> {
      co_await expect("a", 3);
      EXPECT_EQ(name->size(), 1U);
      co_return *name;
    };
    const std::string inside = co_await name.with("a", deep());
    EXPECT_EQ(inside, "a");
    EXPECT_EQ(seen(), "-");
    co_await expect("-", 3);
  });
}

TEST_P(TaskLocalTest, TheInnermostBindingIsSeenAndTheOuterOneAgainAfterwards) {
  run([]() -> Task<void> {
    auto outer = []() -> Task<void> {
      co_await expect("a", 1);
      co_await name.with("b", expect("b", 2));
      EXPECT_EQ(seen(), "a");
      auto both = []() -> Task<void> {
        EXPECT_EQ(number.get(), 4);
        co_await expect("a", 1);
      };
      co_await number.with(4, both);
      EXPECT_EQ(number.find(), nullptr);
      co_await expect("a", 1);
    };
    co_await name.with("a", outer());
  });
}

TEST_P(TaskLocalTest, ABindingEndsByAnException) {
  run([]() -> Task<void> {
    auto fails = []() -> Task<void> {
      co_await yield_now();
      throw std::runtime_error(seen());
    };
    std::string what;
    try {
      co_await name.with("a", fails());
    } catch (const std::exception& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "a");
    EXPECT_EQ(seen(), "-");
    co_await expect("-", 2);
  });
}

// Destructors that a cancel runs see the bindings of the place where the objects were made.
TEST_P(TaskLocalTest, DestructorsOfACancelledTaskSeeIt) {
  struct Seer {
    explicit Seer(Log& to) noexcept : log(to) {}
    ~Seer() { log.add(seen()); }
    Seer(const Seer&) = delete;
    Seer& operator=(const Seer&) = delete;
    Log& log;
  };
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    auto inner = [&]() -> Task<void> {
      const Seer seer(log);
      co_await never;
    };
    auto outer = [&]() -> Task<void> {
      const Seer seer(log);
      co_await name.with("b", inner());
    };
    auto task = spawn([&]() -> Task<void> {
      const Seer seer(log);
      co_await name.with("a", outer());
    });
    co_await until([&] { return never.awaited(); });
    task.cancel();
    (void)co_await std::move(task).outcome();
    EXPECT_EQ(seen(), "-");
  });
  EXPECT_EQ(log.words(), (Words{"b", "a", "-"}));
}

TEST_P(TaskLocalTest, ChildrenOfGroupsInheritIt) {
  run([]() -> Task<void> {
    auto group = []() -> Task<void> {
      co_await when_all(expect("a", 3), name.with("b", expect("b", 3)), expect("a", 2));
      co_await select(expect("a", 2), expect("a", 4));
      co_await timeout(expect("a", 2), 1h);
      co_await shield(expect("a", 2));
      co_await finally(expect("a", 2), [] { return expect("a", 2); });
      EXPECT_EQ(seen(), "a");
    };
    co_await name.with("a", group());
  });
}

TEST_P(TaskLocalTest, ChildrenOfAScopeInheritWhatWasBoundWhereItWasOpened) {
  run([]() -> Task<void> {
    std::atomic<int> callbacks{0};
    auto body = [&](Scope& s) -> Task<void> {
      s.spawn(expect, "a", 5);
      auto late = [&s]() -> Task<void> {
        s.spawn(expect, "a", 3);  // the child may outlive the inner binding
        co_await expect("b", 2);
      };
      co_await name.with("b", late());
      s.spawn(fiber([] {
        EXPECT_EQ(seen(), "a");
        await(yield_now());
        EXPECT_EQ(seen(), "a");
      }));
      on_complete(SpawnOptions().owner(s), yield_now(), [&] {
        EXPECT_EQ(seen(), "a");
        ++callbacks;
      });
      co_await expect("a", 2);
    };
    co_await name.with("a", scope(body));
    EXPECT_EQ(callbacks, 1);
  });
}

TEST_P(TaskLocalTest, WhatIsSpawnedForTheRuntimeInheritsNothing) {
  run([]() -> Task<void> {
    auto body = []() -> Task<void> {
      auto task = spawn(expect, "-", 3);
      co_await std::move(task);
      auto fiber = spawn(weft::fiber([] { EXPECT_EQ(seen(), "-"); }));
      co_await std::move(fiber);
      auto elsewhere = []() { return seen(); };
      const std::string on_thread = co_await blocking(elsewhere);
      EXPECT_EQ(on_thread, "-");
      co_await as_future(expect("-", 2));
      EXPECT_EQ(seen(), "a");
    };
    co_await name.with("a", body());
  });
}

// With tasks that have bindings, others, and none, in turn on the same workers.
TEST_P(TaskLocalTest, EachTaskSeesItsOwnAcrossWorkersAndTurns) {
  run([]() -> Task<void> {
    co_await scope([](Scope& s) -> Task<void> {
      for (int i = 0; i < 60; ++i) {
        const std::string own = i % 3 == 0 ? "-" : std::to_string(i);
        auto work = [own]() -> Task<void> {
          for (int turn = 0; turn < 20; ++turn) {
            if (own == "-") {
              co_await expect("-", 2);
            } else {
              co_await name.with(own, expect(own, 5));
              EXPECT_EQ(seen(), "-");
            }
          }
        };
        auto in_fiber = [own] {
          for (int turn = 0; turn < 20; ++turn) {
            const auto body = [&own] {
              for (int step = 0; step < 5; ++step) {
                EXPECT_EQ(seen(), own);
                await(yield_now());
              }
            };
            if (own == "-") {
              body();
            } else {
              name.call_with(own, body);
            }
            EXPECT_EQ(seen(), "-");
            await(yield_now());
          }
        };
        s.spawn(work);
        s.spawn(fiber(in_fiber));
      }
      co_return;
    });
  });
}

TEST_P(TaskLocalTest, AFiberBindsForAllThatItCallsAndAwaits) {
  run([]() -> Task<void> {
    auto task = spawn(fiber([] {
      EXPECT_EQ(seen(), "-");
      const int given = name.call_with("a", [] {
        EXPECT_EQ(seen(), "a");
        await(expect("a", 2));
        EXPECT_EQ(seen(), "a");
        name.call_with("b", [] { await(expect("b", 2)); });
        EXPECT_EQ(seen(), "a");
        await(name.with("c", expect("c", 2)));
        await(when_all(expect("a", 1), expect("a", 2)));
        await(fiber([] { EXPECT_EQ(seen(), "a"); }));
        return 6;
      });
      EXPECT_EQ(given, 6);
      EXPECT_EQ(seen(), "-");
    }));
    co_await std::move(task);
  });
}

TEST_P(TaskLocalTest, ACancelledFiberLeavesItsBinding) {
  run([]() -> Task<void> {
    ManualEvent never;
    auto task = spawn(fiber([&] { name.call_with("a", [&] { await(never); }); }));
    co_await until([&] { return never.awaited(); });
    task.cancel();
    const Outcome<void> ended = co_await std::move(task).outcome();
    EXPECT_TRUE(ended.cancelled());
    EXPECT_EQ(seen(), "-");
  });
}

TEST_P(TaskLocalTest, PollsOfFuturesSeeIt) {
  struct Future {
    Poll<std::string> poll(Context& cx) {
      EXPECT_EQ(seen(), "a");
      if (left-- == 0) return seen();
      cx.waker().wake_by_ref();
      return Pending();
    }
    int left = 3;
  };
  run([]() -> Task<void> {
    Future own;
    auto body = [&]() -> Task<std::string> { co_return co_await own; };
    const std::string given = co_await name.with("a", body());
    EXPECT_EQ(given, "a");
    auto task = spawn(fiber([] {
      Future in_fiber;
      EXPECT_EQ(name.call_with("a", [&] { return await(in_fiber); }), "a");
    }));
    co_await std::move(task);
  });
}

TEST_P(TaskLocalTest, CallWithWorksWithoutARuntimeAndIsNotInheritedByOne) {
  const std::string given = name.call_with("thread", [] { return seen(); });
  EXPECT_EQ(given, "thread");
  EXPECT_EQ(seen(), "-");
  name.call_with("thread", [&] {
    run([]() -> Task<void> { co_await expect("-", 2); });
    EXPECT_EQ(seen(), "thread");
  });
  run([]() -> Task<void> {
    EXPECT_EQ(name.call_with("call", [] { return seen(); }), "call");
    EXPECT_EQ(seen(), "-");
    co_return;
  });
}

// Bindings one after the other, without a wait between them, use a constant stack.
TEST_P(TaskLocalTest, BindingsInARowUseConstantStack) {
  run([]() -> Task<void> {
    StackMeter meter;
    auto nothing = [&]() -> Task<void> {
      meter.note();
      co_return;
    };
    static constexpr int times = fewer_if_sanitized(100'000);
    for (int i = 0; i < times; ++i) co_await name.with("a", nothing());
    auto nested = [&]() -> Task<void> {
      for (int i = 0; i < times; ++i) co_await name.with("b", nothing());
    };
    co_await name.with("a", nested());
    EXPECT_LT(meter.bytes(), 65'536U);
  });
}

TEST_P(TaskLocalTest, TheValueIsDestroyedWithItsBinding) {
  const TaskLocal<std::shared_ptr<int>> shared;
  run([&]() -> Task<void> {
    auto value = std::make_shared<int>(3);
    auto body = [&]() -> Task<int> { co_return **shared; };
    const int given = co_await shared.with(value, body());
    EXPECT_EQ(given, 3);
    EXPECT_EQ(value.use_count(), 1);
  });
}

}  // namespace
}  // namespace weft::test::task_local_test
