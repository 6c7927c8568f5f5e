// scope(): children end before it does, on every path; the first failure cancels the rest and is
// rethrown.
#include <weft/finally.hpp>
#include <weft/resume_on.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::scope_test {
namespace {

using namespace std::chrono_literals;

class ScopeTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(ScopeTest);

using Words = std::vector<std::string>;

Task<void> wait_for(ManualEvent& event, Log& log, std::string name) {
  const Logged local(log, std::move(name));
  co_await event;
}

Task<void> fail(std::string what, int yields) {
  for (int i = 0; i < yields; ++i) co_await yield_now();
  throw std::runtime_error(what);
}

/// Runs `awaitable` and returns the text of its exception.
template <class A>
Task<std::string> error_of(A awaitable) {
  std::string what = "nothing thrown";
  try {
    co_await std::move(awaitable);
  } catch (const std::exception& error) {
    what = error.what();
  }
  co_return what;
}

TEST_P(ScopeTest, GivesTheBodysResultWhenAllHaveEnded) {
  std::atomic<int> ended{0};
  run([&]() -> Task<void> {
    auto child = [&](int yields) -> Task<void> {
      for (int i = 0; i < yields; ++i) co_await yield_now();
      ++ended;
    };
    const std::unique_ptr<int> value = co_await scope([&](Scope& s) -> Task<std::unique_ptr<int>> {
      for (int i = 0; i < 100; ++i) s.spawn(child, i % 7);
      co_return std::make_unique<int>(8);
    });
    EXPECT_EQ(*value, 8);
    EXPECT_EQ(ended.load(), 100);
  });
}

TEST_P(ScopeTest, ChildrenMayUseTheFrameAroundTheScope) {
  run([]() -> Task<void> {
    int sum = 0;
    ManualEvent a;
    co_await scope([&](Scope& s) -> Task<void> {
      s.spawn([&]() -> Task<void> {
        co_await a;
        sum += 1;
      });
      a.set();
      co_return;
    });
    EXPECT_EQ(sum, 1);
  });
}

TEST_P(ScopeTest, AChildMaySpawnSiblingsAfterTheBodyHasEnded) {
  std::atomic<int> ended{0};
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      s.spawn([&]() -> Task<void> {
        for (int i = 0; i < 5; ++i) co_await yield_now();
        s.spawn([&]() -> Task<void> {
          co_await yield_now();
          ++ended;
        });
        ++ended;
      });
      co_return;
    });
    EXPECT_EQ(ended.load(), 2);
  });
}

TEST_P(ScopeTest, AFailingChildCancelsSiblingsAndBody) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    ManualEvent never_either;
    auto body = [&](Scope& s) -> Task<void> {
      s.spawn(wait_for, std::ref(never), std::ref(log), std::string("sibling"));
      s.spawn(fail, std::string("child failed"), 3);
      const Logged local(log, "body");
      co_await never_either;
      log.add("never here");
    };
    const std::string what = co_await error_of(scope(body));
    EXPECT_EQ(what, "child failed");
  });
  Words words = log.words();
  std::sort(words.begin(), words.end());
  EXPECT_EQ(words, (Words{"body", "sibling"}));
}

TEST_P(ScopeTest, AFailingBodyCancelsTheChildren) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    auto body = [&](Scope& s) -> Task<int> {
      s.spawn(wait_for, std::ref(never), std::ref(log), std::string("child"));
      co_await until([&] { return never.awaited(); });
      throw std::runtime_error("body failed");
    };
    const std::string what = co_await error_of(scope(body));
    log.add("after");
    EXPECT_EQ(what, "body failed");
  });
  EXPECT_EQ(log.words(), (Words{"child", "after"}));
}

TEST_P(ScopeTest, OnlyTheFirstFailureIsRethrown) {
  run([]() -> Task<void> {
    auto stubborn = []() -> Task<void> {  // fails while it is being cancelled
      struct ThrowLater {};
      for (int i = 0; i < 3; ++i) co_await yield_now();
      throw std::runtime_error("second");
    };
    auto body = [&](Scope& s) -> Task<void> {
      s.spawn(fail, std::string("first"), 0);
      for (int i = 0; i < 20; ++i) s.spawn(stubborn);
      co_return;
    };
    const std::string what = co_await error_of(scope(body));
    EXPECT_TRUE(what == "first" || what == "second") << what;
  });
}

TEST_P(ScopeTest, AFailureThatWasJoinedStillFailsTheScopeAndIsNotReportedTwice) {
  run([]() -> Task<void> {
    auto body = [](Scope& s) -> Task<void> {
      auto handle = s.spawn(fail, std::string("joined"), 1);
      co_await until([&] { return handle.ended(); });
      co_await yield_now();
    };  // the handle is dropped after the end; the fixture would see a report
    const std::string what = co_await error_of(scope(body));
    EXPECT_EQ(what, "joined");
  });
}

TEST_P(ScopeTest, WhoeverJoinsTheFailingChildSeesItsFailureBeforeTheCancel) {
  std::string seen;
  auto opened = [&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      auto handle = s.spawn([]() -> Task<void> {
        co_await yield_now();
        throw std::runtime_error("child");
      });
      try {
        co_await std::move(handle);
      } catch (const std::runtime_error& error) {
        seen = error.what();
      }
    });
  };
  // All on one worker: the join comes before the end.
  auto program = [&]() -> Task<void> { co_await spawn(SpawnOptions().local(), opened); };
  EXPECT_THROW(run(program), std::runtime_error);
  EXPECT_EQ(seen, "child");
}

TEST_P(ScopeTest, CancelChildrenLeavesTheBody) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    const int value = co_await scope([&](Scope& s) -> Task<int> {
      s.spawn(wait_for, std::ref(never), std::ref(log), std::string("child"));
      co_await until([&] { return never.awaited(); });
      s.cancel_children();
      co_await until([&] { return s.size() == 0; });
      auto late = s.spawn(wait_for, std::ref(never), std::ref(log), std::string("late child"));
      const Outcome<void> outcome = co_await std::move(late).outcome();
      EXPECT_TRUE(outcome.cancelled()) << "spawned after the cancel";
      co_return 3;
    });
    EXPECT_EQ(value, 3);
  });
  EXPECT_EQ(log.words(), (Words{"child", "late child"}));
}

/// A scope that has its value. Its child is still cleaning up after `ends` when the cancel of the
/// whole comes.
template <class End>
Task<Outcome<int>> outcome_of_one_cancelled_late(End ends) {
  ManualEvent never;
  ManualEvent cleaned;
  auto child = [&] { return finally(never.wait(), [&] { return cleaned.wait(); }); };
  auto work = [&]() -> Task<int> {
    co_return co_await scope([&](Scope& s) -> Task<int> {
      auto handle = s.spawn(child);
      co_await until([&] { return never.awaited(); });
      ends(s, handle);
      co_return 42;
    });
  };
  JoinHandle<int> whole = spawn(work);
  co_await until([&] { return cleaned.awaited(); });
  whole.cancel();
  cleaned.set();
  co_return co_await std::move(whole).outcome();
}

TEST_P(ScopeTest, AResultStandsWhoseChildrenTheUserHadCancelled) {
  run([]() -> Task<void> {
    auto all = [](Scope& s, JoinHandle<void>&) { s.cancel_children(); };
    Outcome<int> after_all = co_await outcome_of_one_cancelled_late(all);
    EXPECT_TRUE(after_all.has_value());
    auto one = [](Scope&, JoinHandle<void>& handle) { handle.cancel(); };
    Outcome<int> after_one = co_await outcome_of_one_cancelled_late(one);
    EXPECT_TRUE(after_one.has_value());
  });
}

TEST_P(ScopeTest, AChildThatSharedTheCancelLeavesNoResult) {
  run([]() -> Task<void> {
    ManualEvent never;
    auto child = [&]() -> Task<void> { co_await never.wait(); };
    std::optional<JoinHandle<void>> handle;
    auto work = [&]() -> Task<int> {
      co_return co_await scope([&](Scope& s) -> Task<int> {
        handle = s.spawn(child);
        co_return 42;
      });
    };
    // All on one worker: so when the child waits, the whole waits for it.
    co_await spawn(SpawnOptions().local(), [&]() -> Task<void> {
      JoinHandle<int> whole = spawn(SpawnOptions().local(), work);
      co_await until([&] { return never.awaited(); });
      whole.cancel();
      handle->cancel();  // too late to be the reason
      const Outcome<int> outcome = co_await std::move(whole).outcome();
      EXPECT_TRUE(outcome.cancelled());
    });
  });
}

TEST_P(ScopeTest, ACancelReachesNestedScopesAndIsAwaited) {
  Log log;
  run([&]() -> Task<void> {
    std::vector<std::unique_ptr<ManualEvent>> events;
    for (int i = 0; i < 3; ++i) events.push_back(std::make_unique<ManualEvent>());
    auto body = [&](Scope& s) -> Task<void> {
      s.spawn(wait_for, std::ref(*events[0]), std::ref(log), std::string("inner"));
      co_await scope([&](Scope& nested) -> Task<void> {
        nested.spawn(wait_for, std::ref(*events[1]), std::ref(log), std::string("inner"));
        const Logged local(log, "inner");
        co_await *events[2];
      });
    };
    auto all = [&]() -> Task<void> {
      const Logged local(log, "outer");
      co_await scope(body);
    };
    auto handle = spawn(all);
    co_await until(
        [&] { return events[0]->awaited() && events[1]->awaited() && events[2]->awaited(); });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(log.words(), (Words{"inner", "inner", "inner", "outer"}));
}

TEST_P(ScopeTest, ABodyThatIsNoCoroutineMaySpawnAndThrow) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent event;
    event.set();
    auto plain = [&](Scope& s) {  // runs before there is any awaitable
      for (int i = 0; i < 50; ++i) s.spawn([]() -> Task<void> { co_return; });
      return wait_for(event, log, "body");
    };
    co_await scope(plain);
    auto throws = [&](Scope& s) -> Task<void> {
      s.spawn(wait_for, std::ref(event), std::ref(log), std::string("child"));
      throw std::domain_error("from the call");
    };
    auto throws_plainly = [&](Scope& s) {
      s.spawn(wait_for, std::ref(event), std::ref(log), std::string("child"));
      if (s.size() < 1000) throw std::domain_error("from the call");
      return wait_for(event, log, "unreachable");
    };
    const std::string what = co_await error_of(scope(throws));
    EXPECT_EQ(what, "from the call");
    const std::string what_plainly = co_await error_of(scope(throws_plainly));
    EXPECT_EQ(what_plainly, "from the call");
  });
  EXPECT_EQ(log.words(), (Words{"body", "child", "child"}));
}

TEST_P(ScopeTest, AScopeWithAFailingChildDuringABodyThatIsStillCalled) {
  // The child may fail on another worker before the body, which is no coroutine, has returned its
  // awaitable.
  run([]() -> Task<void> {
    for (int i = 0; i < 300; ++i) {
      auto body = [](Scope& s) {
        s.spawn(fail, std::string("early"), 0);
        for (int j = 0; j < 20; ++j) s.spawn([]() -> Task<void> { co_await yield_now(); });
        return until([] { return false; });
      };
      const std::string what = co_await error_of(scope(body));
      EXPECT_EQ(what, "early");
    }
  });
}

TEST_P(ScopeTest, HandlesGiveResultsInsideTheScope) {
  const int total = run([]() -> Task<int> {
    const int sum = co_await scope([](Scope& s) -> Task<int> {
      auto value = [](int n) -> Task<int> {
        co_await yield_now();
        co_return n;
      };
      auto a = s.spawn(value, 1);
      auto b = s.spawn(value, 2);
      const int first = co_await std::move(a);
      const int second = co_await std::move(b);
      co_return first + second;
    });
    co_return sum;
  });
  EXPECT_EQ(total, 3);
}

TEST_P(ScopeTest, AResultThatNobodyTookIsGoneBeforeTheScopeEnds) {
  Log log;
  run([&]() -> Task<void> {
    for (int i = 0; i < 100; ++i) {
      co_await scope([&](Scope& s) -> Task<void> {
        s.spawn([&]() -> Task<std::unique_ptr<Logged>> {
          co_await yield_now();
          co_return std::make_unique<Logged>(log, "result");
        });
        co_return;
      });
      log.add("scope");
    }
  });
  const Words words = log.words();
  EXPECT_EQ(words.size(), 200U);
  for (std::size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(words[i], i % 2 == 0 ? "result" : "scope");
  }
}

TEST_P(ScopeTest, AHandleMayOutliveItsScope) {
  run([]() -> Task<void> {
    std::optional<JoinHandle<int>> kept;
    co_await scope([&](Scope& s) -> Task<void> {
      kept.emplace(s.spawn([]() -> Task<int> { co_return 6; }));
      co_return;
    });
    EXPECT_TRUE(kept->ended());
    kept->cancel();
    const int value = co_await std::move(*kept);
    EXPECT_EQ(value, 6);
  });
}

}  // namespace
}  // namespace weft::test::scope_test
