// on_complete(): every end of the work × every kind of function × every use of the handle × before
// and after the end; where the functions run, their arguments, and their cost.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/on_complete.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <new>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::on_complete_test {
namespace {

using namespace std::chrono_literals;

class OnCompleteTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(OnCompleteTest);

using Words = std::vector<std::string>;

enum class Work { returns, throws, waits };
enum class Kind { value, value_and_error, outcome, outcome_throws };
enum class Use { join, drop, cancel_then_join, cancel_then_drop };
enum class When { before_end, after_end };
enum class End { value, failure, cancelled };

struct Case {
  Work work;
  Kind kind;
  Use use;
  When when;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  constexpr std::array works{"returns", "throws", "waits"};
  constexpr std::array kinds{"value", "value and error", "outcome", "outcome that throws"};
  constexpr std::array uses{"join", "drop", "cancel then join", "cancel then drop"};
  return out << works[static_cast<std::size_t>(c.work)] << " × "
             << kinds[static_cast<std::size_t>(c.kind)] << " × "
             << uses[static_cast<std::size_t>(c.use)]
             << (c.when == When::before_end ? " before" : " after") << " the end";
}

End end_of_work(Case c) {
  const bool cancelled = c.use == Use::cancel_then_join || c.use == Use::cancel_then_drop;
  if (cancelled && c.when == When::before_end) return End::cancelled;
  return c.work == Work::throws ? End::failure : End::value;
}

End end_of_handle(Case c) {
  const End work = end_of_work(c);
  switch (c.kind) {
    case Kind::value:
      return work;
    case Kind::value_and_error:
      return work == End::failure ? End::value : work;
    case Kind::outcome:
      return End::value;
    case Kind::outcome_throws:
      return End::failure;
  }
  return work;
}

/// The log of the functions.
Words expected_calls(Case c) {
  const End end = end_of_work(c);
  if (c.kind == Kind::outcome || c.kind == Kind::outcome_throws) {
    return {end == End::value ? "7" : end == End::failure ? "work" : "cancelled"};
  }
  if (end == End::value) return {"7"};
  if (end == End::failure && c.kind == Kind::value_and_error) return {"work"};
  return {};
}

std::string what_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  }
}

struct Stage {
  Log calls;
  Log destroyed;
  ManualEvent gate;
};

Task<int> work_of(Case c, Stage& stage, Logged) {
  const Logged local(stage.destroyed, "local");
  if (c.when == When::before_end || c.work == Work::waits) co_await stage.gate;
  if (c.work == Work::throws) throw std::runtime_error("work");
  co_return 7;
}

JoinHandle<int> start(Case c, Stage& stage) {
  auto work = work_of(c, stage, Logged(stage.destroyed, "argument"));
  if (c.kind == Kind::outcome || c.kind == Kind::outcome_throws) {
    return on_complete(std::move(work),
                       [c, &stage, held = Logged(stage.destroyed, "function")](Outcome<int> end) {
                         stage.calls.add(end.has_value() ? std::to_string(end.take())
                                         : end.failed()  ? what_of(end.error())
                                                         : "cancelled");
                         if (c.kind == Kind::outcome_throws) throw std::runtime_error("function");
                         return 0;
                       });
  }
  auto on_value = [&stage, held = Logged(stage.destroyed, "function")](int value) {
    stage.calls.add(std::to_string(value));
    return value;
  };
  if (c.kind == Kind::value) return on_complete(std::move(work), std::move(on_value));
  return on_complete(std::move(work), std::move(on_value),
                     [&stage](const std::exception_ptr& error) {
                       stage.calls.add(what_of(error));
                       return 0;
                     });
}

Task<void> join(Case c, Stage& stage, JoinHandle<int> handle) {
  Outcome<int> outcome = co_await std::move(handle).outcome();
  const End end = outcome.cancelled() ? End::cancelled
                  : outcome.failed()  ? End::failure
                                      : End::value;
  EXPECT_EQ(end, end_of_handle(c));
  EXPECT_EQ(stage.destroyed.words().size(), 3U) << "nothing outlives the end";
}

Task<void> play(Case c, Stage& stage) {
  {
    auto handle = start(c, stage);
    if (c.when == When::after_end) {
      if (c.work == Work::waits) stage.gate.set();
      co_await until([&] { return handle.ended(); });
    } else {
      co_await until([&] { return stage.gate.awaited(); });
    }
    if (c.use == Use::cancel_then_join || c.use == Use::cancel_then_drop) handle.cancel();
    if (c.use == Use::join) stage.gate.set();
    if (c.use == Use::join || c.use == Use::cancel_then_join) {
      co_await join(c, stage, std::move(handle));
    }
  }
  stage.gate.set();  // for the dropped ones
  co_await until([&] { return stage.destroyed.words().size() >= 3; });
}

TEST_P(OnCompleteTest, EveryEndTimesEveryFunctionTimesEveryUse) {
  allow_failures();
  for (const Work work : {Work::returns, Work::throws, Work::waits}) {
    for (const Kind kind :
         {Kind::value, Kind::value_and_error, Kind::outcome, Kind::outcome_throws}) {
      for (const Use use : {Use::join, Use::drop, Use::cancel_then_join, Use::cancel_then_drop}) {
        for (const When when : {When::before_end, When::after_end}) {
          const Case c{work, kind, use, when};
          SCOPED_TRACE(::testing::Message() << c);
          const std::size_t reported_before = failures().size();
          Stage stage;
          run([&]() { return play(c, stage); });
          run([&]() { return until([&] { return runtime().live_tasks() == 1; }); });
          EXPECT_EQ(stage.calls.words(), expected_calls(c));
          const bool dropped = use == Use::drop || use == Use::cancel_then_drop;
          EXPECT_EQ(failures().size() - reported_before,
                    dropped && end_of_handle(c) == End::failure ? 1U : 0U);
        }
      }
    }
  }
}

// What is started, and the arguments of the functions

TEST_P(OnCompleteTest, AnyAwaitableAndAnyCallable) {
  run([]() -> Task<void> {
    ManualEvent event;
    ManualEvent other;
    event.set();
    other.set();
    int object = 3;
    auto none = on_complete(event.wait(), [] { return 1; });
    auto call = on_complete([&other] { return other.wait(); }, [] { return 2; });
    auto itself = on_complete(yield_now(), [] { return 3; });
    auto reference = on_complete([&object]() -> Task<int&> { co_return object; },
                                 [](int& value) { return ++value; });
    auto owner =
        on_complete([]() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(5); },
                    [](std::unique_ptr<int> value) { return value; });
    auto group = on_complete(when_all(yield_now(), sleep_for(0ns)), [](auto&&) { return 6; });
    auto joined =
        on_complete(on_complete(yield_now(), [] { return 7; }), [](int value) { return value; });
    const int first = co_await std::move(none);
    const int second = co_await std::move(call);
    const int third = co_await std::move(itself);
    const int fourth = co_await std::move(reference);
    const auto fifth = co_await std::move(owner);
    const int sixth = co_await std::move(group);
    const int seventh = co_await std::move(joined);
    EXPECT_EQ(first + second + third, 6);
    EXPECT_EQ(fourth, 4);
    EXPECT_EQ(object, 4);
    EXPECT_EQ(*fifth, 5);
    EXPECT_EQ(sixth + seventh, 13);
  });
}

TEST_P(OnCompleteTest, WhatTheCallableThrowsIsAnErrorOfTheWork) {
  Log log;
  run([&]() -> Task<void> {
    auto refuse = []() -> Task<int> { throw std::domain_error("no task"); };  // no coroutine
    auto handle = on_complete(
        refuse, [](int) {}, [&](const std::exception_ptr& error) { log.add(what_of(error)); });
    co_await std::move(handle);
  });
  EXPECT_EQ(log.words(), Words{"no task"});
}

TEST_P(OnCompleteTest, ACancelledWaitOfAnotherTaskIsAnError) {
  run([]() -> Task<void> {
    ManualEvent never;
    auto inner = spawn([&never] { return never.wait(); });
    co_await until([&] { return never.awaited(); });
    inner.cancel();
    auto handle = on_complete(std::move(inner), [](const Outcome<void>& end) {
      EXPECT_TRUE(end.failed()) << "its own task was not cancelled";
    });
    co_await std::move(handle);
  });
}

// Where and when the functions run

TEST_P(OnCompleteTest, NeverWithinTheCallAndOnAWorker) {
  std::atomic<bool> called = false;
  run([&]() -> Task<void> {
    auto body = [&]() -> Task<void> {
      bool returned = false;
      auto handle = on_complete([]() -> Task<void> { co_return; },
                                [&] {
                                  EXPECT_NE(detail::OwnedTasks::current_or_null(), nullptr);
                                  called = true;
                                });
      EXPECT_TRUE(runtime().workers() != 1 || !called);
      returned = true;
      co_await std::move(handle);
      EXPECT_TRUE(returned);
    };
    co_await body();
  });
  EXPECT_TRUE(called);
}

TEST_P(OnCompleteTest, AFunctionStartsTheNextOne) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent done;
    on_complete(sleep_for(1ms), [&] {
      log.add("first");
      on_complete(sleep_for(1ms), [&] {
        log.add("second");
        on_complete(yield_now(), [&] {
          log.add("third");
          done.set();
        });
      });
    });
    co_await done;
  });
  EXPECT_EQ(log.words(), (Words{"first", "second", "third"}));
}

TEST_P(OnCompleteTest, InAScopeItIsAChild) {
  Log log;
  std::string what;
  run([&]() -> Task<void> {
    auto body = [&](Scope& s) -> Task<void> {
      on_complete(SpawnOptions().owner(s), sleep_for(1ms), [&] { log.add("function"); });
      co_return;
    };
    co_await scope(body);
    log.add("scope over");
    auto failing = [&](Scope& s) -> Task<void> {
      on_complete(SpawnOptions().owner(s), yield_now(), [] { throw std::runtime_error("child"); });
      co_await sleep_for(1h);
    };
    try {
      co_await scope(failing);
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
  });
  EXPECT_EQ(log.words(), (Words{"function", "scope over"}));
  EXPECT_EQ(what, "child");
}

TEST_P(OnCompleteTest, FromAThreadOfNoRuntime) {
  EXPECT_THROW(on_complete(yield_now(), [] {}), std::logic_error);
  if (GetParam() == 0) return;  // no thread would run it
  ThreadParker called;
  on_complete(SpawnOptions().owner(runtime()), yield_now(), [&] { called.unpark(); });
  called.park();
}

TEST_P(OnCompleteTest, AfterTheShutdownItIsRefused) {
  Runtime& ended = runtime();
  ended.shutdown();
  bool called = false;
  EXPECT_THROW(on_complete(SpawnOptions().owner(ended), yield_now(), [&] { called = true; }),
               std::logic_error);
  EXPECT_FALSE(called);
}

TEST_P(OnCompleteTest, AShutdownCancelsAndTheFunctionIsTold) {
  std::atomic<bool> told = false;
  run([&]() -> Task<void> {
    on_complete(sleep_for(1h), [&](const Outcome<void>& end) { told = end.cancelled(); });
    co_await yield_now();
  });
  end_runtime();
  EXPECT_TRUE(told);
}

TEST_P(OnCompleteTest, AnErrorThatNobodyHandlesHasItsPlace) {
  allow_failures();
  run([&]() -> Task<void> {
    auto work = []() -> Task<int> {
      co_await yield_now();
      throw std::runtime_error("unhandled");
    };
    on_complete(work, [](int) {});
    co_await until([&] { return !failures().empty(); });
  });
  const std::vector<Failure> noted = failures();
  ASSERT_EQ(noted.size(), 1U);
  EXPECT_EQ(noted[0].what, "unhandled");
  bool here = false;
  for (const std::source_location& site : noted[0].sites) {
    here = here || std::string(site.file_name()).ends_with("on_complete_test.cpp");
  }
  EXPECT_TRUE(here) << "the backtrace names the call of then()";
}

// Cost

TEST_P(OnCompleteTest, OneBlockForAnOperation) {
  run([]() -> Task<void> {
    const std::int64_t before = frame_pool_stats().live_blocks;
    auto handle = on_complete(sleep_for(1ms), [] {});
    EXPECT_EQ(frame_pool_stats().live_blocks - before, 1);
    co_await std::move(handle);
  });
}

TEST_P(OnCompleteTest, OutOfMemoryFailsTheCallAndNothingElse) {
  run([]() -> Task<void> {
    set_frame_failure_after(0);
    EXPECT_THROW(on_complete(sleep_for(1h), [] {}), std::bad_alloc);
    set_frame_failure_after(-1);
    co_return;
  });
}

TEST_P(OnCompleteTest, ManyOfThem) {
  constexpr int count = 20'000;
  std::atomic<int> called = 0;
  run([&]() -> Task<void> {
    auto body = [&](Scope& s) -> Task<void> {
      for (int i = 0; i < count; ++i)
        on_complete(SpawnOptions().owner(s), yield_now(), [&] { ++called; });
      co_return;
    };
    co_await scope(body);
  });
  EXPECT_EQ(called, count);
}

TEST_P(OnCompleteTest, AFiberMayAwaitAndBeTheWork) {
  run([]() -> Task<void> {
    auto work = fiber([] {
      await(sleep_for(1ms));
      return 5;
    });
    auto handle = on_complete(std::move(work), [](int value) { return value + 1; });
    auto outer = fiber([&] { return await(std::move(handle)); });
    const int value = co_await std::move(outer);
    EXPECT_EQ(value, 6);
  });
}

}  // namespace
}  // namespace weft::test::on_complete_test
