// Cancellation: the third outcome. At every kind of suspension, from the same worker and from
// another thread, before, at and after the suspension: destructors run innermost first, nothing
// that arrived is lost, each task ends once.
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::cancel_test {
namespace {

using namespace std::chrono_literals;

class CancelTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(CancelTest);

using Words = std::vector<std::string>;

TEST_P(CancelTest, DestructorsRunInnermostFirst) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    auto inner = [&](Logged) -> Task<void> {
      const Logged local(log, "3 local");
      co_await never;
    };
    auto middle = [&]() -> Task<void> {
      const Logged local(log, "2 local");
      co_await inner(Logged(log, "3 argument"));
    };
    auto outer = [&]() -> Task<void> {
      const Logged first(log, "1 first");
      const Logged second(log, "1 second");
      co_await middle();
    };
    auto handle = spawn(outer);
    co_await until([&] { return never.awaited(); });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    log.add("joined");
  });
  EXPECT_EQ(log.words(),
            (Words{"3 local", "3 argument", "2 local", "1 second", "1 first", "joined"}));
}

TEST_P(CancelTest, ADeepChainIsUnwoundOnConstantStack) {
  std::atomic<std::size_t> unwound{0};
  struct Counted {
    explicit Counted(std::atomic<std::size_t>& c) : count(c) {}
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { ++count; }
    std::atomic<std::size_t>& count;
  };
  run([&]() -> Task<void> {
    ManualEvent never;
    std::function<Task<void>(int)> chain = [&](int left) -> Task<void> {
      const Counted local(unwound);
      if (left == 0) {
        co_await never;
      } else {
        co_await chain(left - 1);
      }
    };
    auto handle = spawn(std::ref(chain), 100'000);
    co_await until([&] { return never.awaited(); });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(unwound.load(), 100'001U);
}

TEST_P(CancelTest, NoCatchSwallowsIt) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    auto body = [&]() -> Task<void> {
      const Logged local(log, "unwound");
      try {
        co_await never;
      } catch (...) {
        log.add("caught");
      }
      log.add("went on");
    };
    auto handle = spawn(body);
    co_await until([&] { return never.awaited(); });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(log.words(), Words{"unwound"});
}

TEST_P(CancelTest, ItIsStickyAndTwiceIsOnce) {
  int reached = 0;
  run([&]() -> Task<void> {
    ManualEvent event;
    Turnstile turnstile;
    auto body = [&]() -> Task<void> {
      co_await event;  // set before the cancel: delivered
      turnstile.pass();
      reached = 1;
      co_await yield_now();
      reached = 2;
    };
    auto handle = spawn(body);
    co_await until([&] { return event.awaited(); });
    event.set();
    handle.cancel();
    handle.cancel();
    turnstile.open();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(reached, 1);
}

TEST_P(CancelTest, ATaskThatSuspendsNoMoreEndsWithItsValue) {
  run([]() -> Task<void> {
    ManualEvent event;
    auto child = []() -> Task<int> { co_return 1; };
    auto body = [&]() -> Task<int> {
      co_await event;
      const int one = co_await child();  // awaiting a task is no leaf
      co_return one + 1;
    };
    auto handle = spawn(body);
    co_await until([&] { return event.awaited(); });
    event.set();
    handle.cancel();
    Outcome<int> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.has_value());
    const int value = outcome.has_value() ? outcome.take() : 0;
    EXPECT_EQ(value, 2);
  });
}

TEST_P(CancelTest, ATaskMayCancelItself) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent go;
    JoinHandle<void>* self = nullptr;
    auto body = [&]() -> Task<void> {
      const Logged local(log, "unwound");
      co_await go;
      self->cancel();
      log.add("still here");
      co_await yield_now();
      log.add("never here");
    };
    auto handle = spawn(body);
    self = &handle;
    go.set();
    co_await until([&] { return handle.ended(); });
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(log.words(), (Words{"still here", "unwound"}));
}

// Every kind of suspension
// ------------------------------------------------------------------------------

/// A kind of suspension (a join has a test of its own). `never` is never set.
struct Place {
  const char* name;
  Task<void> (*wait)(ManualEvent& never, ManualEvent& other);
};

Task<void> wait_on(ManualEvent& event) { co_await event; }
Task<int> wait_on_with_value(ManualEvent& event) {
  co_await event;
  co_return 1;
}

const Place places[] = {
    {"event", [](ManualEvent& never, ManualEvent&) -> Task<void> { co_await never; }},
    {"sleep", [](ManualEvent&, ManualEvent&) -> Task<void> { co_await sleep_for(1h); }},
    {"attempt",
     [](ManualEvent&, ManualEvent&) -> Task<void> {
       const Result<void> result = co_await attempt(sleep_for(1h));
       EXPECT_TRUE(result.has_value()) << "a cancelled attempt is unwound, it gives no error";
     }},
    {"yield",
     [](ManualEvent&, ManualEvent&) -> Task<void> {
       for (;;) co_await yield_now();
     }},
    {"when_all",
     [](ManualEvent& never, ManualEvent& other) -> Task<void> {
       co_await when_all(wait_on(never), wait_on_with_value(other), sleep_for(1h));
     }},
    {"select",
     [](ManualEvent& never, ManualEvent& other) -> Task<void> {
       auto first = co_await select(wait_on(never), wait_on_with_value(other), sleep_for(1h));
       ADD_FAILURE() << first.index();
     }},
    {"timeout",
     [](ManualEvent& never, ManualEvent&) -> Task<void> { co_await timeout(wait_on(never), 1h); }},
    {"scope body",
     [](ManualEvent& never, ManualEvent&) -> Task<void> {
       co_await scope([&](Scope&) -> Task<void> { co_await never; });
     }},
    {"scope children",
     [](ManualEvent& never, ManualEvent& other) -> Task<void> {
       co_await scope([&](Scope& s) -> Task<void> {
         s.spawn(wait_on, std::ref(never));
         s.spawn(wait_on, std::ref(other));
         s.spawn([]() -> Task<void> { co_await sleep_for(1h); });
         co_return;
       });
     }},
    {"all of them",
     [](ManualEvent& never, ManualEvent& other) -> Task<void> {
       co_await scope([&](Scope& s) -> Task<void> {
         auto child = s.spawn([&]() -> Task<void> {
           auto first = co_await select(timeout(wait_on(never), 1h), sleep_for(1h));
           (void)first;
         });
         co_await when_all(std::move(child), timeout(wait_on_with_value(other), 1h));
       });
     }},
};

Task<void> victim(Place place, ManualEvent& never, ManualEvent& other, Log& log,
                  std::atomic<int>& begun) {
  const Logged local(log, "unwound");
  ++begun;
  co_await place.wait(never, other);
  ADD_FAILURE() << "went on after " << place.name;
}

/// Cancels a victim at `place` after some turns of the canceller.
Task<void> cancel_once(Place place, int turns, bool from_thread) {
  Log log;
  ManualEvent never;
  ManualEvent other;
  std::atomic<int> begun{0};
  auto handle =
      spawn(victim, place, std::ref(never), std::ref(other), std::ref(log), std::ref(begun));
  for (int i = 0; i < turns; ++i) co_await yield_now();
  std::thread thread;
  if (from_thread) {
    thread = std::thread([&task = handle.task()] { task.cancel(); });
  } else {
    handle.cancel();
  }
  detail::SpawnedTask& task = handle.task();
  co_await until([&] { return task.ended(); });
  if (thread.joinable()) thread.join();
  Outcome<void> outcome = co_await std::move(handle).outcome();
  EXPECT_TRUE(outcome.cancelled()) << place.name << " after " << turns << " turns";
  EXPECT_EQ(log.words(), Words{"unwound"}) << place.name;
}

TEST_P(CancelTest, AtEveryKindOfSuspensionAndEveryMoment) {
  for (const Place& place : places) {
    for (int turns = 0; turns < 12; ++turns) {
      run([&]() { return cancel_once(place, turns, false); });
    }
  }
}

TEST_P(CancelTest, AtEveryKindOfSuspensionFromAnotherThread) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(::testing::Message() << "WEFT_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 6; ++round) {
    for (const Place& place : places) {
      const int turns = static_cast<int>(random() % 12);
      run([&]() { return cancel_once(place, turns, true); });
    }
  }
}

/// Waits until it is cancelled; the canceller is held until `released`.
class HoldsItsCanceller final : private CancelHook {
 public:
  explicit HoldsItsCanceller(const std::atomic<bool>& released) noexcept
      : CancelHook(&HoldsItsCanceller::on_cancel_request), released_(released) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    task_ = &innermost.promise().task();
    (void)task_->suspended_and_armed(innermost.promise(), *this);
    return true;
  }
  void await_resume() const noexcept {}

 private:
  static void on_cancel_request(CancelHook& self) noexcept {
    auto& leaf = static_cast<HoldsItsCanceller&>(self);
    TaskHeader* const task = leaf.task_;
    while (!leaf.released_) std::this_thread::yield();
    task->leaf_ended(true);
    task->request_finished();
  }

  const std::atomic<bool>& released_;
  TaskHeader* task_ = nullptr;
};

// A scope's children are asked before what its body waits for. Here the canceller is held until the
// body has seen the end of a child: no error comes of it.
TEST_P(CancelTest, AJoinerThatIsAskedAfterWhatItJoinsEndsAsCancelled) {
  std::atomic<bool> joined{false};
  ManualEvent never;
  ManualEvent held;
  auto join = [&](JoinHandle<void> target) -> Task<void> {
    struct Mark {
      explicit Mark(std::atomic<bool>& seen) noexcept : ended(seen) {}
      ~Mark() { ended = true; }
      std::atomic<bool>& ended;
    };
    const Mark mark(joined);
    co_await std::move(target);
  };
  auto hold = [&]() -> Task<void> {
    held.set();
    co_await HoldsItsCanceller(joined);
  };
  run([&]() -> Task<void> {
    auto whole = spawn([&]() -> Task<void> {
      co_await scope([&](Scope& s) -> Task<void> {
        auto child = s.spawn(wait_on, std::ref(never));
        co_await when_all(hold(), join(std::move(child)));
      });
      ADD_FAILURE() << "went on after the scope";
    });
    co_await held;
    co_await until([&] { return never.awaited(); });
    std::jthread canceller([&task = whole.task()] { task.cancel(); });
    const Outcome<void> outcome = co_await std::move(whole).outcome();
    EXPECT_TRUE(outcome.cancelled()) << "failed: " << outcome.failed();
  });
}

TEST_P(CancelTest, AJoinStopsWaitingAndTheTargetGoesOn) {
  for (int turns = 0; turns < 8; ++turns) {
    run([turns]() -> Task<void> {
      ManualEvent event;
      ManualEvent ended;
      auto target = [&]() -> Task<void> {
        co_await event;
        ended.set();
      };
      auto joiner = [&](JoinHandle<void> handle) -> Task<void> {
        co_await std::move(handle);
        ADD_FAILURE() << "the target had not ended";
      };
      auto joining = spawn(joiner, spawn(target));
      for (int i = 0; i < turns; ++i) co_await yield_now();
      joining.cancel();
      const Outcome<void> outcome = co_await std::move(joining).outcome();
      EXPECT_TRUE(outcome.cancelled());
      event.set();
      co_await ended;
    });
  }
}

// Races
// -------------------------------------------------------------------------------------------------

TEST_P(CancelTest, NoTokenIsLostWhenSetAndCancelRace) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(::testing::Message() << "WEFT_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    ManualEvent event;
    std::atomic<std::size_t> received{0};
    const std::size_t tokens = random() % 8;
    const std::size_t spins = random() % 500;
    auto receiver = runtime().spawn([&]() -> Task<void> {
      for (;;) {
        co_await event;
        ++received;
      }
    });
    std::thread setter([&] {
      for (std::size_t i = 0; i < tokens; ++i) event.set();
    });
    std::thread canceller([&] {
      for (std::size_t i = 0; i < spins; ++i) atomic_fence(std::memory_order_seq_cst);
      receiver.task().cancel();
    });
    run([&]() { return until([&] { return receiver.ended(); }); });
    setter.join();
    canceller.join();
    EXPECT_EQ(received.load() + event.tokens(), tokens);
    EXPECT_TRUE(receiver.task().outcome().cancelled());
  }
}

TEST_P(CancelTest, AJoinRacesWithItsTargetsEndAndACancel) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(::testing::Message() << "WEFT_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    ManualEvent event;
    auto target = runtime().spawn([&]() -> Task<int> {
      co_await event;
      co_return 3;
    });
    auto joiner = runtime().spawn(
        [&](JoinHandle<int> handle) -> Task<int> {
          const int value = co_await std::move(handle);
          co_return value;
        },
        std::move(target));
    const auto spin = [&](std::uint64_t times) {
      for (std::uint64_t i = 0; i < times; ++i) atomic_fence(std::memory_order_seq_cst);
    };
    const std::uint64_t first = random() % 300;
    const std::uint64_t second = random() % 300;
    std::thread setter([&] {
      spin(first);
      event.set();
    });
    std::thread canceller([&] {
      spin(second);
      joiner.task().cancel();
    });
    run([&]() { return until([&] { return joiner.ended(); }); });
    setter.join();
    canceller.join();
    Outcome<int>& outcome = joiner.task().outcome();
    EXPECT_TRUE(outcome.cancelled() || outcome.take() == 3);
    // The target goes on anyway.
    run([&]() { return until([&] { return runtime().live_tasks() == 1; }); });
  }
}

TEST_P(CancelTest, GroupsRaceWithTheirChildrenAndACancel) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(::testing::Message() << "WEFT_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    ManualEvent a;
    ManualEvent b;
    std::atomic<int> got{0};
    auto wait = [&](ManualEvent& event) -> Task<void> {
      co_await event;
      ++got;
    };
    const bool in_scope = round % 2 == 0;
    auto parent = runtime().spawn([&]() -> Task<void> {
      if (in_scope) {
        co_await scope([&](Scope& s) -> Task<void> {
          s.spawn(wait, std::ref(a));
          co_await wait(b);
        });
      } else {
        auto first = co_await select(wait(a), wait(b));
        (void)first;
      }
    });
    const std::uint64_t spins = random() % 400;
    std::thread first([&] { a.set(); });
    std::thread second([&] { b.set(); });
    std::thread canceller([&] {
      for (std::uint64_t i = 0; i < spins; ++i) atomic_fence(std::memory_order_seq_cst);
      parent.task().cancel();
    });
    run([&]() { return until([&] { return parent.ended(); }); });
    first.join();
    second.join();
    canceller.join();
    EXPECT_EQ(static_cast<std::size_t>(got.load()) + a.tokens() + b.tokens(), 2U);
  }
}

TEST_P(CancelTest, ASleepRacesWithACancelFromAnotherThread) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(::testing::Message() << "WEFT_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    const auto duration = Nanoseconds(random() % 400'000);
    const std::uint64_t spins = random() % 20'000;
    auto sleeper = runtime().spawn([duration]() -> Task<void> { co_await sleep_for(duration); });
    std::thread canceller([&] {
      for (std::uint64_t i = 0; i < spins; ++i) atomic_fence(std::memory_order_seq_cst);
      sleeper.task().cancel();
    });
    run([&]() { return until([&] { return sleeper.ended(); }); });
    canceller.join();
    EXPECT_FALSE(sleeper.task().outcome().failed());
  }
}

}  // namespace
}  // namespace weft::test::cancel_test
