// Tasks and handles that are empty: awaited, spawned, joined. Each ends the process with a text
// that names the object and says what to do. And what an assignment to a handle lets go.
#include <weft/as_future.hpp>
#include <weft/fork_all.hpp>
#include <weft/on_complete.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/shield.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::misuse_test {
namespace {

using namespace std::chrono_literals;

class MisuseTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(MisuseTest);

Task<int> one() { co_return 1; }
Task<int> empty() { return {}; }

/// Runs `work` in a runtime of its own, in the process that is to die.
void run_here(Task<void> work) { block_on(std::move(work)); }

using Misuse = std::function<Task<void>()>;

TEST(Misuse, AnEmptyTaskThatIsStartedIsNamed) {
  const Misuse misuses[] = {
      []() -> Task<void> {
        Task<int> task;
        (void)co_await std::move(task);
      },
      []() -> Task<void> {
        Task<int> task = one();
        const Task<int> elsewhere = std::move(task);
        (void)co_await std::move(task);
      },
      []() -> Task<void> {
        Task<int> task = one();
        (void)co_await std::move(task);
        (void)co_await std::move(task);
      },
      []() -> Task<void> { (void)co_await empty(); },
      []() -> Task<void> { (void)co_await spawn(empty); },
      []() -> Task<void> { (void)co_await spawn(empty()); },
      []() -> Task<void> { (void)co_await when_all(one(), empty()); },
      []() -> Task<void> { (void)co_await select(empty(), one()); },
      []() -> Task<void> { (void)co_await timeout(empty(), 1h); },
      []() -> Task<void> { (void)co_await shield(empty()); },
      []() -> Task<void> { (void)co_await fork_all(one, empty); },
      []() -> Task<void> { (void)co_await on_complete(empty(), [](int) {}); },
      []() -> Task<void> { (void)co_await as_future(empty()); },
      []() -> Task<void> { (void)co_await scope([](Scope&) { return empty(); }); },
  };
  for (const Misuse& misuse : misuses) {
    EXPECT_DEATH(run_here(misuse()), "weft::Task: it has no coroutine to start");
  }
}

TEST(Misuse, AnEmptyHandleThatIsUsedIsNamed) {
  const Misuse misuses[] = {
      []() -> Task<void> {
        auto handle = spawn(one);
        const auto elsewhere = std::move(handle);
        (void)co_await std::move(handle);
      },
      []() -> Task<void> {
        auto handle = spawn(one);
        (void)co_await std::move(handle);
        (void)co_await std::move(handle);
      },
      []() -> Task<void> {
        auto handle = spawn(one);
        (void)co_await handle.join();
        (void)co_await handle.join();
      },
      []() -> Task<void> {
        auto handle = spawn(one);
        std::move(handle).detach();
        handle.cancel();
        co_return;
      },
      []() -> Task<void> {
        auto handle = spawn(one);
        std::move(handle).detach();
        (void)handle.ended();
        co_return;
      },
      []() -> Task<void> {
        auto handle = spawn(one);
        std::move(handle).detach();
        (void)co_await std::move(handle).outcome();
      },
  };
  for (const Misuse& misuse : misuses) {
    EXPECT_DEATH(run_here(misuse()), "weft::JoinHandle: it has no task");
  }
}

TEST_P(MisuseTest, AnAssignmentLetsGoAtOnce) {
  run([]() -> Task<void> {
    Log log;
    auto holds = [&](const char* name) -> Task<Logged> { co_return Logged(log, name); };
    auto first = spawn(holds, "first");
    auto second = spawn(holds, "second");
    co_await until([&] { return first.ended() && second.ended(); });
    first = std::move(second);
    EXPECT_EQ(log.words(), std::vector<std::string>{"first"});
    EXPECT_FALSE(second);
    EXPECT_TRUE(first);
    const Logged result = co_await std::move(first);
    EXPECT_FALSE(first);
  });
}

TEST_P(MisuseTest, AHandleThatIsJoinedByReferenceKeepsItsTaskUntilThen) {
  run([]() -> Task<void> {
    ManualEvent go;
    auto waits = [&]() -> Task<int> {
      co_await go;
      co_return 7;
    };
    auto handle = spawn(waits);
    auto first = co_await select(handle.join(), one());
    EXPECT_EQ(first.index(), 1U);
    EXPECT_TRUE(handle) << "it lost, and is still joined by its owner";
    go.set();
    auto second = co_await select(handle.join(), never());
    EXPECT_EQ(second.index(), 0U);
    EXPECT_EQ(second.take<0>(), 7);
    EXPECT_FALSE(handle);
  });
}

TEST_P(MisuseTest, AJoinByReferenceGivesFailureAndCancel) {
  run([]() -> Task<void> {
    auto fails = []() -> Task<int> {
      co_await yield_now();
      throw std::domain_error("inside");
    };
    auto failing = spawn(fails);
    std::string what;
    try {
      (void)co_await failing.join();
    } catch (const std::domain_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "inside");
    auto cancelled = spawn(never());
    cancelled.cancel();
    std::error_code code;
    try {
      co_await cancelled.join();
    } catch (const IoError& error) {
      code = error.code();
    }
    EXPECT_EQ(code, std::errc::operation_canceled);
  });
}

}  // namespace
}  // namespace weft::test::misuse_test
