// spawn(): every end of a task × every use of its handle × before and after the end; and the fate
// of captures, arguments, failures and memory.
#include <weft/extend/frame_pool.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::spawn_test {
namespace {

class SpawnTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(SpawnTest);

enum class Body { returns, throws, waits };
enum class Use { join, outcome, cancel_then_join, cancel_at_once, drop, detach, cancel_then_drop };
enum class When { before_end, after_end };

/// The expected end of the task, as its joiner or its failure handler sees it.
enum class End { value, failure, cancelled };

struct Case {
  Body body;
  Use use;
  When when;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  constexpr std::array bodies{"returns", "throws", "waits"};
  constexpr std::array uses{"join", "outcome", "cancel_then_join", "cancel_at_once",
                            "drop", "detach",  "cancel_then_drop"};
  return out << bodies[static_cast<std::size_t>(c.body)] << " × "
             << uses[static_cast<std::size_t>(c.use)]
             << (c.when == When::before_end ? " before" : " after") << " the end";
}

/// Shared by the task and its test.
struct Stage {
  Log log;
  ManualEvent gate;   // before the end: the task waits here until the handle was used
  ManualEvent never;  // a task that does not end by itself waits here
};

Task<int> body_of(Case c, Stage& stage, Logged) {
  const Logged local(stage.log, "local");
  if (c.when == When::before_end && c.body != Body::waits) co_await stage.gate;
  if (c.body == Body::waits) co_await stage.never;
  if (c.body == Body::throws) throw std::runtime_error("body");
  co_return 7;
}

End expected_end(Case c) {
  const bool cancelled = c.use == Use::cancel_then_join || c.use == Use::cancel_at_once ||
                         c.use == Use::cancel_then_drop;
  if (cancelled && c.when == When::before_end) return End::cancelled;
  return c.body == Body::throws ? End::failure : End::value;
}

End end_of(const Outcome<int>& outcome) {
  return outcome.cancelled() ? End::cancelled : outcome.failed() ? End::failure : End::value;
}

Task<End> join(JoinHandle<int> handle) {
  End end = End::value;
  try {
    const int value = co_await std::move(handle);
    EXPECT_EQ(value, 7);
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), std::errc::operation_canceled);
    end = End::cancelled;
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "body");
    end = End::failure;
  }
  co_return end;
}

Task<void> open_later(Stage& stage) {
  for (int i = 0; i < 3; ++i) co_await yield_now();
  stage.gate.set();
  stage.never.set();
}

Task<void> use_handle(Case c, Stage& stage, JoinHandle<int> handle) {
  if (c.use == Use::cancel_then_join || c.use == Use::cancel_at_once ||
      c.use == Use::cancel_then_drop) {
    handle.cancel();
  }
  if (c.use == Use::drop || c.use == Use::cancel_then_drop) co_return;
  if (c.use == Use::detach) {
    std::move(handle).detach();
    co_return;
  }
  auto opener = spawn(open_later, std::ref(stage));
  if (c.use == Use::outcome) {
    Outcome<int> outcome = co_await std::move(handle).outcome();
    EXPECT_EQ(end_of(outcome), expected_end(c));
  } else {
    const End end = co_await join(std::move(handle));
    EXPECT_EQ(end, expected_end(c));
  }
  co_await std::move(opener);
}

Task<void> play(Case c, Stage& stage) {
  auto handle = spawn(body_of, c, std::ref(stage), Logged(stage.log, "argument"));
  if (c.when == When::after_end) {
    if (c.body == Body::waits) stage.never.set();
    co_await until([&] { return handle.ended(); });
  } else if (c.use != Use::cancel_at_once) {
    ManualEvent& place = c.body == Body::waits ? stage.never : stage.gate;
    co_await until([&] { return place.awaited(); });
  }
  co_await use_handle(c, stage, std::move(handle));
  stage.gate.set();  // for the dropped ones
  stage.never.set();
  const std::vector<std::string> once{"argument", "local"};
  co_await until([&] { return stage.log.words().size() >= once.size(); });
}

TEST_P(SpawnTest, EveryEndTimesEveryUseOfTheHandle) {
  allow_failures();
  for (const Body body : {Body::returns, Body::throws, Body::waits}) {
    for (const Use use : {Use::join, Use::outcome, Use::cancel_then_join, Use::cancel_at_once,
                          Use::drop, Use::detach, Use::cancel_then_drop}) {
      for (const When when : {When::before_end, When::after_end}) {
        const Case c{body, use, when};
        SCOPED_TRACE(::testing::Message() << c);
        const std::size_t reported_before = failures().size();
        Stage stage;
        run([&]() { return play(c, stage); });
        run([&]() { return until([&] { return runtime().live_tasks() == 1; }); });
        const bool unseen =
            (use == Use::drop || use == Use::detach || use == Use::cancel_then_drop) &&
            expected_end(c) == End::failure;
        EXPECT_EQ(failures().size() - reported_before, unseen ? 1U : 0U);
        auto words = stage.log.words();
        std::sort(words.begin(), words.end());
        EXPECT_EQ(words, (std::vector<std::string>{"argument", "local"}));
      }
    }
  }
}

TEST_P(SpawnTest, AFailureIsReportedWhicheverThreadDropsTheHandle) {
  allow_failures();
  auto fail = []() -> Task<int> {
    throw std::runtime_error("unseen");
    co_return 0;
  };
  {
    auto handle = runtime().spawn(fail);
    run([&]() { return until([&] { return handle.ended(); }); });
    EXPECT_TRUE(failures().empty());
  }  // dropped on a thread that works for no runtime
  ASSERT_EQ(failures().size(), 1U);
  EXPECT_EQ(failures()[0].what, "unseen");

  auto outliving = runtime().spawn(fail);
  run([&]() { return until([&] { return outliving.ended(); }); });
  end_runtime();
  {
    auto dropped = std::move(outliving);
  }
  EXPECT_EQ(failures().size(), 2U);
}

TEST_P(SpawnTest, AFailureDuringTheShutdownMayBeHandledByATask) {
  if (GetParam() == 0) GTEST_SKIP() << "somebody has to be in block_on";
  std::atomic<int> handled{0};
  RuntimeOptions options = options_for(GetParam());
  options.on_failure = [&handled](const UnhandledFailure&) {
    spawn([&handled]() -> Task<void> {
      ++handled;
      co_return;
    }).detach();
  };
  Runtime own(std::move(options));
  std::atomic<bool> running{false};
  own.spawn([&]() -> Task<void> {
       running = true;
       for (;;) {  // until the shutdown has begun
         try {
           own.spawn([]() -> Task<void> { co_return; }).detach();
         } catch (const std::logic_error&) {
           break;
         }
       }
       throw std::runtime_error("late");
       co_return;
     })
      .detach();
  while (!running) std::this_thread::yield();
  own.shutdown();
  EXPECT_EQ(handled, 1);
}

TEST_P(SpawnTest, AHandleMayOutliveTheRuntime) {
  auto handle = runtime().spawn([]() -> Task<std::string> { co_return std::string(100, 'x'); });
  run([&]() { return until([&] { return handle.ended(); }); });
  end_runtime();
  EXPECT_TRUE(handle.ended());
  handle.cancel();  // harmless: it has ended
  handle.task().note_taken();
  EXPECT_EQ(handle.task().outcome().take().size(), 100U);
}

TEST_P(SpawnTest, CapturesAndArgumentsLiveAsLongAsTheTask) {
  const std::string text(1000, 'y');
  const bool same = run([&]() -> Task<bool> {
    ManualEvent event;
    auto handle = [&] {
      const std::string copy = text;
      return spawn(
          [copy, &event](const std::string& argument) -> Task<bool> {
            co_await event;
            co_return copy == argument;
          },
          copy);
    }();
    co_await until([&] { return event.awaited(); });
    event.set();
    const bool equal = co_await std::move(handle);
    co_return equal;
  });
  EXPECT_TRUE(same);
}

TEST_P(SpawnTest, FrameThenCallableThenArgumentsAreGoneBeforeTheJoinerGoesOn) {
  Log log;
  run([&]() -> Task<void> {
    auto body = [capture = Logged(log, "capture"), &log](Logged&&) -> Task<void> {
      const Logged local(log, "local");
      co_await yield_now();
    };
    auto handle = spawn(std::move(body), Logged(log, "argument"));
    co_await std::move(handle);
    log.add("joined");
  });
  const auto words = log.words();
  ASSERT_EQ(words.size(), 4U);
  EXPECT_EQ(words.front(), "local");
  EXPECT_EQ(words.back(), "joined");
}

TEST_P(SpawnTest, TakesAnythingAwaitableAndAnythingCallable) {
  struct Member {
    Task<int> value(int factor) { co_return number* factor; }
    int number = 21;
  };
  run([]() -> Task<void> {
    ManualEvent event;
    event.set();
    auto leaf = spawn([&event] { return event.wait(); });
    co_await std::move(leaf);
    Member member;
    auto from_member = spawn(&Member::value, &member, 2);
    const int value = co_await std::move(from_member);
    EXPECT_EQ(value, 42);
    auto owner = spawn([](std::unique_ptr<int> number) -> Task<int> { co_return *number; },
                       std::make_unique<int>(5));
    const int owned = co_await std::move(owner);
    EXPECT_EQ(owned, 5);
  });
}

TEST(SpawnOutside, ThrowsOnAThreadThatWorksForNoRuntime) {
  auto nothing = []() -> Task<void> { co_return; };
  EXPECT_THROW({ auto handle = spawn(nothing); }, std::logic_error);
  Runtime runtime(options_for(2));
  EXPECT_THROW({ auto handle = spawn(nothing); }, std::logic_error);
}

TEST_P(SpawnTest, WhatTheCallableThrowsReachesTheCaller) {
  run([]() -> Task<void> {
    auto refuse = []() -> Task<void> { throw std::domain_error("no task"); };  // no coroutine
    EXPECT_THROW({ auto handle = spawn(refuse); }, std::domain_error);
    co_return;
  });
}

TEST_P(SpawnTest, OutOfMemoryFailsTheCallAndNothingElse) {
  run([]() -> Task<void> {
    int failed = 0;
    bool done = false;
    for (int successes = 0; !done; ++successes) {
      auto body = []() -> Task<int> { co_return 1; };
      set_frame_failure_after(successes);
      try {
        auto handle = spawn(body);
        set_frame_failure_after(-1);
        const int value = co_await std::move(handle);
        EXPECT_EQ(value, 1);
        done = true;
      } catch (const std::bad_alloc&) {
        ++failed;
      }
      set_frame_failure_after(-1);
    }
    EXPECT_EQ(failed, 2) << "the task's block and its frame";
  });
}

TEST_P(SpawnTest, ManyTasksAllRun) {
  constexpr int count = 20'000;
  const long sum = run([]() -> Task<long> {
    std::vector<JoinHandle<int>> handles;
    handles.reserve(count);
    for (int i = 0; i < count; ++i) {
      handles.push_back(spawn(
          [](int number) -> Task<int> {
            if (number % 3 == 0) co_await yield_now();
            co_return number;
          },
          i));
    }
    long total = 0;
    for (JoinHandle<int>& handle : handles) {
      const int value = co_await std::move(handle);
      total += value;
    }
    co_return total;
  });
  EXPECT_EQ(sum, long{count} * (count - 1) / 2);
}

TEST_P(SpawnTest, AJoinThatIsCancelledLeavesTheTaskWithItsOwner) {
  run([]() -> Task<void> {
    ManualEvent event;
    ManualEvent ended;
    auto body = [&]() -> Task<void> {
      co_await event;
      ended.set();
    };
    auto handle = spawn(body);
    co_await until([&] { return event.awaited(); });
    auto at_once = []() -> Task<void> { co_await yield_now(); };
    auto first = co_await select(std::move(handle), at_once());
    EXPECT_EQ(first.index(), 1U);
    EXPECT_FALSE(first.has<0>());
    event.set();
    co_await ended;
  });
}

}  // namespace
}  // namespace weft::test::spawn_test
