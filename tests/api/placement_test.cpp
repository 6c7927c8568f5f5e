// SpawnOptions: which worker a task runs on, when it has its turn, and what owns it.
#include <weft/fiber.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/resume_on.hpp>
#include <weft/scope.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::placement_test {
namespace {

using namespace std::chrono_literals;

class SpawnLocalTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(SpawnLocalTest);
class SpawnOptionsTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(SpawnOptionsTest);
class PriorityTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(PriorityTest);

/// Counts how often it finds itself on another thread.
struct HomeSick {
  std::thread::id home = std::this_thread::get_id();
  int strayed = 0;
  void look() { strayed += std::this_thread::get_id() == home ? 0 : 1; }
};

Task<void> wander(HomeSick& self) {
  for (int i = 0; i < 200; ++i) {
    co_await yield_now();
    self.look();
    if (i % 20 == 0) co_await sleep_for(10us);
    self.look();
  }
}

TEST_P(SpawnLocalTest, NeverLeavesItsWorker) {
  run([]() -> Task<void> {
    // Enough for all workers to have something to steal.
    auto crowd = [] {
      return scope([](Scope& all) -> Task<void> {
        for (int i = 0; i < 50; ++i) {
          all.spawn([]() -> Task<void> {
            for (int turn = 0; turn < 200; ++turn) co_await yield_now();
          });
        }
        co_return;
      });
    };
    auto others = spawn(crowd);
    std::vector<JoinHandle<int>> locals;
    for (int i = 0; i < 8; ++i) {
      locals.push_back(
          spawn(SpawnOptions().local(), [self = std::make_unique<HomeSick>()]() -> Task<int> {
            self->look();
            co_await wander(*self);
            co_return self->strayed;
          }));
      co_await yield_now();  // the next one from another worker, maybe
    }
    for (auto& local : locals) {
      const int strayed = co_await std::move(local);
      EXPECT_EQ(strayed, 0);
    }
    co_await std::move(others);
  });
}

TEST_P(SpawnLocalTest, SoDoTheChildrenItWaitsFor) {
  run([]() -> Task<void> {
    auto local = spawn(SpawnOptions().local(), [self = HomeSick()]() mutable -> Task<int> {
      co_await when_all(wander(self), wander(self));
      auto body = [&self](Scope& all) -> Task<void> {
        all.spawn([&self] { return wander(self); });
        all.spawn([&self] { return wander(self); });
        co_await wander(self);
      };
      co_await scope(body);
      self.look();
      co_return self.strayed;
    });
    const int strayed = co_await std::move(local);
    EXPECT_EQ(strayed, 0);
  });
}

struct DestroyedOn {
  explicit DestroyedOn(std::thread::id& thread) : where(&thread) {}
  DestroyedOn(DestroyedOn&& other) noexcept : where(std::exchange(other.where, nullptr)) {}
  DestroyedOn& operator=(DestroyedOn&&) = delete;
  ~DestroyedOn() {
    if (where != nullptr) *where = std::this_thread::get_id();
  }
  std::thread::id* where;
};

TEST_P(SpawnLocalTest, ACancelFromElsewhereUnwindsItThere) {
  std::thread::id home;
  std::thread::id destroyed;
  ManualEvent never;
  auto started = runtime().spawn([&]() -> Task<void> {
    home = std::this_thread::get_id();
    auto local = spawn(SpawnOptions().local(), [&, mark = DestroyedOn(destroyed)]() -> Task<void> {
      co_await never.wait();
    });
    co_await yield_now();
    std::thread([&] { local.cancel(); }).join();
    const Outcome<void> outcome = co_await std::move(local).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  run([&] { return std::move(started); });
  EXPECT_EQ(destroyed, home);
}

TEST_P(SpawnLocalTest, IsRefusedOutsideOfAWorker) {
  static_cast<void>(runtime());
  EXPECT_THROW(spawn(SpawnOptions().local(), yield_now()), std::logic_error);
  EXPECT_THROW(runtime().spawn(SpawnOptions().local(), yield_now()), std::logic_error);
}

TEST_P(SpawnLocalTest, SpawnOnRunsOnThatWorker) {
  const std::size_t workers = runtime().workers();
  std::vector<std::thread::id> threads(workers);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < workers; ++i) {
      auto there = runtime().spawn(SpawnOptions().on_worker(i), [&, i]() -> Task<void> {
        const std::thread::id here = std::this_thread::get_id();
        if (threads[i] == std::thread::id()) threads[i] = here;
        EXPECT_EQ(threads[i], here);
        co_await sleep_for(10us);
        EXPECT_EQ(threads[i], std::this_thread::get_id());
      });
      run([&] { return std::move(there); });
    }
  }
  for (std::size_t i = 1; i < workers; ++i) EXPECT_NE(threads[i], threads[i - 1]);
  EXPECT_THROW(runtime().spawn(SpawnOptions().on_worker(workers), [] { return yield_now(); }),
               std::out_of_range);
}

/// What spawn() with `options`, of the current runtime, throws: its text, or nothing.
std::string refused(SpawnOptions options) {
  try {
    spawn(options, yield_now()).detach();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

TEST_P(SpawnOptionsTest, ContradictionsAreRefusedByName) {
  run([]() -> Task<void> {
    EXPECT_EQ(refused(SpawnOptions().local().on_worker(0)),
              "weft::SpawnOptions: local() and on_worker() contradict each other");
    EXPECT_EQ(refused(SpawnOptions().priority(Priority::low).local()),
              "weft::SpawnOptions: local() and priority() contradict each other");
    EXPECT_EQ(refused(SpawnOptions().on_worker(0).priority(Priority::high)),
              "weft::SpawnOptions: on_worker() and priority() contradict each other");
    EXPECT_EQ(refused(SpawnOptions()), "");
    co_return;
  });
}

TEST_P(SpawnOptionsTest, TheOwnerIsTheOneThatIsNamed) {
  Runtime other;
  run([&]() -> Task<void> {
    ManualResetEvent go;
    co_await scope([&](Scope& children) -> Task<void> {
      const SpawnOptions in_scope = SpawnOptions().owner(children);
      spawn(in_scope, go.wait()).detach();
      spawn(in_scope, fiber([&] { await(go.wait()); })).detach();
      children.spawn(in_scope, go.wait()).detach();
      EXPECT_EQ(children.size(), 3U);
      EXPECT_THROW(other.spawn(in_scope, yield_now()), std::invalid_argument);
      EXPECT_THROW(children.spawn(SpawnOptions().owner(other), yield_now()), std::invalid_argument);
      EXPECT_EQ(children.size(), 3U);
      go.set();
      co_return;
    });
    co_await spawn(SpawnOptions().owner(other), [&]() -> Task<void> {
      EXPECT_EQ(detail::OwnedTasks::current_or_null(), &detail::owned_tasks_of(other));
      co_return;
    });
    EXPECT_THROW(other.spawn(SpawnOptions().local(), yield_now()), std::logic_error)
        << "this thread is no worker of that runtime";
  });
  const SpawnOptions kept = SpawnOptions().owner(other);
  other.shutdown();
  EXPECT_THROW(spawn(kept, yield_now()), std::logic_error);
  EXPECT_THROW(spawn(SpawnOptions(), yield_now()), std::logic_error) << "outside of a runtime";
}

TEST_P(SpawnOptionsTest, FibersRunWhereTheyAreTold) {
  const auto stays = [] {
    const std::thread::id here = std::this_thread::get_id();
    await(sleep_for(10us));
    return std::this_thread::get_id() == here ? here : std::thread::id();
  };
  run([&]() -> Task<void> {
    const std::thread::id here = std::this_thread::get_id();
    const std::thread::id there = co_await spawn(SpawnOptions().local(), fiber(stays));
    EXPECT_EQ(there, here);
  });
  std::vector<std::thread::id> threads;
  for (std::size_t i = 0; i < runtime().workers(); ++i) {
    const SpawnOptions there = SpawnOptions().on_worker(i);
    const std::thread::id first = run(runtime().spawn(there, fiber(stays)));
    EXPECT_EQ(run(runtime().spawn(there, fiber(stays))), first);
    for (const std::thread::id other : threads) EXPECT_NE(other, first);
    threads.push_back(first);
  }
  EXPECT_NE(run(runtime().spawn(SpawnOptions().priority(Priority::low), fiber(stays))),
            std::thread::id());
}

TEST_P(PriorityTest, HighComesFirstAndLowLast) {
  if (GetParam() > 1) GTEST_SKIP() << "an order is promised only on one worker";
  Log log;
  run([&]() -> Task<void> {
    auto note = [&](std::string word) -> Task<void> {
      log.add(word);
      co_await yield_now();
      log.add(word);
    };
    auto low = spawn(SpawnOptions().priority(Priority::low), note, std::string("low"));
    auto normal = spawn(SpawnOptions().priority(Priority::normal), note, std::string("normal"));
    auto high = spawn(SpawnOptions().priority(Priority::high), note, std::string("high"));
    co_await std::move(low);
    co_await std::move(normal);
    co_await std::move(high);
  });
  const std::vector<std::string> order{"high", "high", "normal", "normal", "low", "low"};
  EXPECT_EQ(log.words(), order);
}

/// Yields until `done`. More of them than workers keep all workers busy for ever.
std::vector<JoinHandle<void>> keep_busy(Runtime& runtime, Priority priority,
                                        const std::atomic<bool>& done) {
  std::vector<JoinHandle<void>> all;
  for (std::size_t i = 0; i < 4 * runtime.workers(); ++i) {
    all.push_back(runtime.spawn(SpawnOptions().priority(priority),
                                [&done] { return until([&done] { return done.load(); }); }));
  }
  return all;
}

// Each would never end if tasks of low or normal priority waited for the others' end.
TEST_P(PriorityTest, LowIsNotStarved) {
  std::atomic<bool> done{false};
  auto busy = keep_busy(runtime(), Priority::normal, done);
  run([&]() -> Task<void> {
    auto low = spawn(SpawnOptions().priority(Priority::low), [&]() -> Task<void> {
      for (int i = 0; i < 10; ++i) co_await yield_now();
      done.store(true);
    });
    co_await std::move(low);
    for (auto& each : busy) co_await std::move(each);
  });
}

TEST_P(PriorityTest, NormalAndLowAreNotStarvedByHigh) {
  std::atomic<bool> done{false};
  auto busy = keep_busy(runtime(), Priority::high, done);
  run([&]() -> Task<void> {
    for (int i = 0; i < 100; ++i) co_await yield_now();
    auto low = spawn(SpawnOptions().priority(Priority::low), []() -> Task<void> {
      for (int i = 0; i < 10; ++i) co_await yield_now();
    });
    co_await std::move(low);
    done.store(true);
    for (auto& each : busy) co_await std::move(each);
  });
}

TEST_P(PriorityTest, ItMayWaitForAnythingAndBeCancelled) {
  for (const Priority priority : {Priority::high, Priority::low}) {
    ManualEvent never;
    auto waits = runtime().spawn(SpawnOptions().priority(priority), [&]() -> Task<int> {
      co_await sleep_for(10us);
      co_await when_all(sleep_for(10us), yield_now());
      co_return 7;
    });
    EXPECT_EQ(run([&] { return std::move(waits); }), 7);
    auto stuck = runtime().spawn(SpawnOptions().priority(priority), [&] { return never.wait(); });
    stuck.cancel();
    EXPECT_TRUE(run([&] { return std::move(stuck).outcome(); }).cancelled());
  }
}

}  // namespace
}  // namespace weft::test::placement_test
