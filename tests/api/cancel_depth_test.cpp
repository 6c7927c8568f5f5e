// A cancel of tasks that wait for tasks, many levels deep: it takes constant stack. It is requested
// on a fiber, or on a thread, whose stack is small.
#include <weft/fiber.hpp>
#include <weft/finally.hpp>
#include <weft/first_success.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>
#include <weft/when_any.hpp>

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::cancel_depth_test {
namespace {

using namespace std::chrono_literals;

class CancelDepthTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(CancelDepthTest);

constexpr int levels = 20'000;

/// What the levels share: the innermost waits for `never`; each counts its end.
struct Depth {
  ManualEvent never;
  std::atomic<int> ended = 0;
};

class Counted {
 public:
  explicit Counted(Depth& depth) : depth_(depth) {}
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { ++depth_.ended; }

 private:
  Depth& depth_;
};

Task<void> in_when_all(Depth& depth, int left) {
  const Counted counted(depth);
  if (left == 0) {
    co_await depth.never;
  } else {
    (void)co_await when_all(in_when_all(depth, left - 1));
  }
}
Task<void> in_select(Depth& depth, int left) {
  const Counted counted(depth);
  if (left == 0) {
    co_await depth.never;
  } else {
    (void)co_await select(in_select(depth, left - 1), never());
  }
}
Task<void> in_when_any(Depth& depth, int left) {
  const Counted counted(depth);
  if (left == 0) {
    co_await depth.never;
  } else {
    std::vector<Task<void>> tasks;
    tasks.push_back(in_when_any(depth, left - 1));
    (void)co_await when_any(std::move(tasks));
  }
}
Task<void> in_scope(Depth& depth, int left) {
  const Counted counted(depth);
  if (left == 0) {
    co_await depth.never;
  } else {
    co_await scope([&](Scope&) { return in_scope(depth, left - 1); });
  }
}
Task<void> in_children(Depth& depth, int left) {
  const Counted counted(depth);
  if (left == 0) {
    co_await depth.never;
  } else {
    co_await scope([&](Scope& s) -> Task<void> {
      s.spawn(in_children, std::ref(depth), left - 1).detach();
      co_return;
    });
  }
}
Task<void> in_timeout(Depth& depth, int left) {
  const Counted counted(depth);
  if (left == 0) {
    co_await depth.never;
  } else {
    co_await timeout(in_timeout(depth, left - 1), 24h);
  }
}
Task<void> in_finally(Depth& depth, int left) {
  const Counted counted(depth);
  if (left == 0) {
    co_await depth.never;
  } else {
    co_await finally(in_finally(depth, left - 1), [] {});
  }
}

struct Nest {
  const char* name;
  Task<void> (*make)(Depth&, int);
};
constexpr Nest nests[] = {
    {"when_all", in_when_all},        {"select", in_select},
    {"when_any", in_when_any},        {"scope: body", in_scope},
    {"scope: children", in_children}, {"timeout", in_timeout},
    {"finally", in_finally},
};

TEST_P(CancelDepthTest, NestedGroupsAreCancelledOnConstantStack) {
  for (const Nest& nest : nests) {
    SCOPED_TRACE(nest.name);
    Depth depth;
    run(fiber([&] {
      auto handle = spawn(nest.make, std::ref(depth), levels);
      await(until([&] { return depth.never.awaited(); }));
      handle.cancel();
      const Outcome<void> outcome = await(std::move(handle).outcome());
      EXPECT_TRUE(outcome.cancelled());
    }));
    EXPECT_EQ(depth.ended.load(), levels + 1);
  }
}

/// The loser is cancelled on the stack of the thread that runs the tasks.
void cancel_a_loser() {
  Depth depth;
  block_on([&]() -> Task<void> {
    ManualEvent go;
    auto handle = spawn(
        [&]() -> Task<void> { (void)co_await select(in_when_all(depth, levels), go.wait()); });
    co_await until([&] { return depth.never.awaited() && go.awaited(); });
    go.set();
    co_await std::move(handle);
  });
  EXPECT_EQ(depth.ended.load(), levels + 1);
}

TEST(CancelDepth, ALoserIsCancelledWithAllLevelsBelow) {
  constexpr std::size_t small_stack = std::size_t{512} * 1024;
  pthread_attr_t attributes;
  ASSERT_EQ(::pthread_attr_init(&attributes), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&attributes, small_stack), 0);
  pthread_t thread{};
  const auto body = [](void*) -> void* {
    cancel_a_loser();
    return nullptr;
  };
  ASSERT_EQ(::pthread_create(&thread, &attributes, body, nullptr), 0);
  ::pthread_attr_destroy(&attributes);
  ::pthread_join(thread, nullptr);
}

TEST_P(CancelDepthTest, AllHaveBeenAskedWhenCancelReturns) {
  run([]() -> Task<void> {
    ManualEvent one;
    ManualEvent other;
    auto inner = [](ManualEvent& event) -> Task<void> {
      (void)co_await when_all(select(event.wait(), never()), never());
    };
    auto outer = [&]() -> Task<void> { (void)co_await when_all(inner(one), inner(other)); };
    // A group that is still being suspended asks its children itself, later. All run on one worker:
    // when that has run another task, each of them has suspended.
    const SpawnOptions there = SpawnOptions().on_worker(0);
    auto handle = spawn(there, outer);
    co_await until([&] { return one.awaited() && other.awaited(); });
    co_await spawn(there, []() -> Task<void> { co_return; });
    handle.cancel();
    // A wait that was asked takes no token any more.
    one.set();
    other.set();
    EXPECT_EQ(one.tokens(), 1U);
    EXPECT_EQ(other.tokens(), 1U);
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
}

}  // namespace
}  // namespace weft::test::cancel_depth_test
