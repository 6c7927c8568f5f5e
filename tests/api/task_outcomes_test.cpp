// Every outcome of spawn × body × cancel × join, by tables. The end of a task depends on its body
// and on when a cancel came. What a joiner learns depends on that end, on the owner, and on the
// kind of join.
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::task_outcomes_test {
namespace {

class TaskOutcomesTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(TaskOutcomesTest);

enum class Kind { spawn, fiber, scope_spawn, scope_fiber, detached };
enum class Body { value, error, value_after_wait, error_after_wait, waits_for_ever };
enum class Moment {
  none,
  before_start,  // or soon after it, where there are more workers
  computing,     // before it waits or ends
  waiting,
  served,  // what it waits for is there, but it has not gone on yet
  after_end,
};
enum class Canceller { task, thread };
enum class Join { await, outcome, fiber, block_on, dropped, joiner_cancelled };
enum class End { value, error, cancelled, not_possible };

constexpr Kind kinds[] = {Kind::spawn, Kind::fiber, Kind::scope_spawn, Kind::scope_fiber,
                          Kind::detached};
constexpr Body bodies[] = {Body::value, Body::error, Body::value_after_wait, Body::error_after_wait,
                           Body::waits_for_ever};
constexpr Moment moments[] = {Moment::none,    Moment::before_start, Moment::computing,
                              Moment::waiting, Moment::served,       Moment::after_end};
constexpr Join joins[] = {Join::await,    Join::outcome, Join::fiber,
                          Join::block_on, Join::dropped, Join::joiner_cancelled};

// The end: a row for each body, a column for each moment. A body that has passed its last wait ends
// as if there were no cancel. A wait that has got what it waited for delivers it.
constexpr auto value = End::value;
constexpr auto error = End::error;
constexpr auto cancelled = End::cancelled;
constexpr auto no = End::not_possible;
constexpr End ends[5][6] = {
    // none, before_start, computing, waiting, served, after_end
    {value, value, value, no, no, value},
    {error, error, error, no, no, error},
    {value, cancelled, cancelled, cancelled, value, value},
    {error, cancelled, cancelled, cancelled, error, error},
    {no, cancelled, cancelled, cancelled, no, no},
};

// What the joiner learns: a row for each join, a column for each end.
constexpr const char* told_of[6][3] = {
    // value, error, cancelled
    {"7", "E", "IoError"},    // await
    {"7", "E", "cancelled"},  // outcome
    {"7", "E", "IoError"},    // fiber
    {"7", "E", "IoError"},    // block_on
    {"", "", ""},             // dropped
    {"stopped waiting", "stopped waiting", "stopped waiting"},
};

constexpr bool in_scope(Kind kind) { return kind != Kind::spawn && kind != Kind::fiber; }
constexpr bool waits(Body body) { return body != Body::value && body != Body::error; }

struct Case {
  Kind kind;
  Body body;
  Moment moment;
  Canceller canceller;
  Join join;

  [[nodiscard]] End end() const { return ends[static_cast<int>(body)][static_cast<int>(moment)]; }
  /// The combinations that exist. A detached task has no handle, so its scope cancels it, as long
  /// as that is open.
  [[nodiscard]] bool possible() const {
    if (end() == End::not_possible) return false;
    if (moment == Moment::none && canceller == Canceller::thread) return false;
    if (kind == Kind::detached) {
      return join == Join::dropped && !(moment == Moment::after_end && end() == End::error);
    }
    // The joiner must be there before the end.
    if (join == Join::joiner_cancelled) return moment == Moment::none && waits(body);
    return true;
  }
  friend std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << "kind " << static_cast<int>(c.kind) << ", body " << static_cast<int>(c.body)
               << ", moment " << static_cast<int>(c.moment) << ", canceller "
               << static_cast<int>(c.canceller) << ", join " << static_cast<int>(c.join);
  }
};

/// The objects of one case, and its observations.
struct Stage {
  Stage(const Case& which, Runtime& on) : c(which), runtime(on) {}
  const Case& c;
  Runtime& runtime;
  Scope* scope = nullptr;
  ManualEvent close_scope;
  ManualEvent gate;
  Log log;
  std::atomic<int> begun{0};
  std::atomic<bool> may_go_on{false};
  std::atomic<bool> scope_open{false};
  std::string scope_told = "nothing";
  std::string told;
};

// Bodies

void compute(Stage& s) {
  ++s.begun;
  while (!s.may_go_on) std::this_thread::yield();
}

int end_of_body(const Stage& s) {
  if (s.c.body == Body::error || s.c.body == Body::error_after_wait) throw std::runtime_error("E");
  return 7;
}

Task<int> coroutine_body(Stage& s) {
  const Logged local(s.log, "body");
  compute(s);
  if (waits(s.c.body)) co_await s.gate;
  co_return end_of_body(s);
}

int fiber_body(Stage& s) {
  const Logged local(s.log, "body");
  compute(s);
  if (waits(s.c.body)) await(s.gate);
  return end_of_body(s);
}

/// The spawned callable. Records its end, once, wherever it was moved to.
template <class F>
auto with_capture(Stage& s, F body) {
  return [&s, body, capture = Logged(s.log, "callable")] { return body(s); };
}

JoinHandle<int> start(Stage& s) {
  switch (s.c.kind) {
    case Kind::spawn:
      return spawn(with_capture(s, coroutine_body));
    case Kind::fiber:
      return spawn(fiber(with_capture(s, fiber_body)));
    case Kind::scope_fiber:
      return s.scope->spawn(fiber(with_capture(s, fiber_body)));
    case Kind::scope_spawn:
    case Kind::detached:
      break;
  }
  return s.scope->spawn(with_capture(s, coroutine_body));
}

// Cancellers

/// Cancels by the handle, or by the scope.
void cancel(Stage& s, JoinHandle<int>* handle) {
  const auto ask = [&s, handle] {
    if (handle != nullptr) {
      handle->cancel();
    } else {
      s.scope->cancel_children();
    }
  };
  if (s.c.canceller == Canceller::task) {
    ask();
  } else {
    std::thread(ask).join();
  }
}

/// Returns whether it has ended, with or without a handle.
bool has_ended(const Stage& s, const JoinHandle<int>* handle) {
  return handle != nullptr ? handle->ended() : s.log.words().size() == 2 && s.scope->size() == 0;
}

/// While the body computes on the thread of a runtime that has no other, nothing else runs there.
void cancel_while_computing(Stage& s, JoinHandle<int>* handle) {
  while (s.begun == 0) std::this_thread::yield();
  cancel(s, handle);
  s.may_go_on = true;
}

Task<void> bring_about(Stage& s, JoinHandle<int>* handle) {
  std::thread beside;
  switch (s.c.moment) {
    case Moment::none:
      s.may_go_on = true;
      s.gate.set();
      break;
    case Moment::before_start:
      cancel(s, handle);
      s.may_go_on = true;
      break;
    case Moment::computing:
      beside = std::thread([&] { cancel_while_computing(s, handle); });
      co_await until([&] { return s.may_go_on.load(); });
      beside.join();
      break;
    case Moment::waiting:
      s.may_go_on = true;
      co_await until([&] { return s.gate.awaited(); });
      cancel(s, handle);
      break;
    case Moment::served:
      s.may_go_on = true;
      co_await until([&] { return s.gate.awaited(); });
      s.gate.set();
      if (handle != nullptr) cancel(s, handle);  // a scope may be closed by now
      break;
    case Moment::after_end:
      s.may_go_on = true;
      if (waits(s.c.body)) s.gate.set();
      co_await until([&] { return has_ended(s, handle); });
      cancel(s, handle);
      break;
  }
}

// Joins

/// The exception is not read: another thread may hold it as well, and libstdc++'s count of its
/// holders is hidden from ThreadSanitizer.
template <class Call>
std::string told_by(Call call) {
  try {
    return std::to_string(call());
  } catch (const IoError& failure) {
    return failure.code() == std::errc::operation_canceled ? "IoError" : failure.what();
  } catch (const std::runtime_error&) {
    return "E";
  }
}

Task<std::string> told_by_await(JoinHandle<int> handle) {
  Outcome<int> outcome;
  try {
    const int value_given = co_await std::move(handle);
    outcome.set_value(value_given);
  } catch (...) {
    outcome.set_error(std::current_exception());
  }
  co_return told_by([&] { return outcome.take(); });
}

Task<std::string> told_by_outcome(JoinHandle<int> handle) {
  Outcome<int> outcome = co_await std::move(handle).outcome();
  if (outcome.cancelled()) co_return "cancelled";
  co_return told_by([&] { return outcome.take(); });
}

Task<std::string> told_by_block_on(Stage& s, JoinHandle<int> handle) {
  std::atomic<bool> done{false};
  std::string told;
  std::thread outside([&] {
    told = told_by([&] { return s.runtime.block_on(std::move(handle)); });
    done = true;
  });
  co_await until([&] { return done.load(); });
  outside.join();
  co_return told;
}

Task<std::string> told_to_a_cancelled_joiner(Stage& s, JoinHandle<int> handle) {
  s.may_go_on = true;
  auto joiner = spawn([](JoinHandle<int> of) -> Task<int> { co_return co_await std::move(of); },
                      std::move(handle));
  co_await until([&] { return s.gate.awaited(); });
  joiner.cancel();
  const Outcome<int> ended = co_await std::move(joiner).outcome();
  s.gate.set();
  co_return ended.cancelled() ? "stopped waiting" : "went on";
}

Task<void> join(Stage& s, JoinHandle<int> handle) {
  switch (s.c.join) {
    case Join::await:
      s.told = co_await told_by_await(std::move(handle));
      break;
    case Join::outcome:
      s.told = co_await told_by_outcome(std::move(handle));
      break;
    case Join::fiber: {
      auto in_fiber = [&] { return told_by([&] { return await(std::move(handle)); }); };
      s.told = co_await fiber(std::ref(in_fiber));
      break;
    }
    case Join::block_on:
      s.told = co_await told_by_block_on(s, std::move(handle));
      break;
    case Join::dropped:
      std::move(handle).detach();
      break;
    case Join::joiner_cancelled:
      break;
  }
}

Task<void> perform(Stage& s) {
  JoinHandle<int> handle = start(s);
  if (s.c.kind == Kind::detached) {
    std::move(handle).detach();
    co_await bring_about(s, nullptr);
  } else if (s.c.join == Join::joiner_cancelled) {
    s.told = co_await told_to_a_cancelled_joiner(s, std::move(handle));
  } else {
    co_await bring_about(s, &handle);
    co_await join(s, std::move(handle));
  }
  co_await until([&s] { return s.log.words().size() == 2; });
}

/// A task of its own keeps the scope open, since a child's failure ends the task that waits in it.
Task<void> keep_scope(Stage& s) {
  try {
    co_await scope([&s](Scope& opened) -> Task<void> {
      s.scope = &opened;
      s.scope_open = true;
      co_await s.close_scope;
    });
  } catch (const std::runtime_error&) {
    s.scope_told = "E";
  }
}

Task<void> perform_with_owner(Stage& s) {
  if (!in_scope(s.c.kind)) {
    co_await perform(s);
    // A report is made while the runtime still counts the task.
    co_await until([&s] { return s.runtime.live_tasks() == 1; });
    co_return;
  }
  auto keeper = spawn(keep_scope, std::ref(s));
  co_await until([&s] { return s.scope_open.load(); });
  co_await perform(s);
  s.close_scope.set();
  co_await std::move(keeper);
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const Kind kind : kinds) {
    for (const Body body : bodies) {
      for (const Moment moment : moments) {
        for (const Canceller canceller : {Canceller::task, Canceller::thread}) {
          for (const Join join : joins) {
            const Case c{kind, body, moment, canceller, join};
            if (c.possible()) all.push_back(c);
          }
        }
      }
    }
  }
  return all;
}

TEST_P(TaskOutcomesTest, EverySpawnBodyCancelAndJoin) {
  allow_failures();
  const std::vector<Case> cases = all_cases();
  EXPECT_GT(cases.size(), 700U);
  for (const Case& c : cases) {
    SCOPED_TRACE(::testing::Message() << c);
    const std::size_t reports = failures().size();
    Stage s(c, runtime());
    run([&s] { return perform_with_owner(s); });
    const bool dropped = c.join == Join::dropped || c.join == Join::joiner_cancelled;
    if (c.kind != Kind::detached) {
      EXPECT_EQ(s.told, told_of[static_cast<int>(c.join)][static_cast<int>(c.end())]);
    }
    // Once, the callable after the frame.
    EXPECT_EQ(s.log.words(), (std::vector<std::string>{"body", "callable"}));
    EXPECT_EQ(s.begun, 1);
    // A scope learns of each failure; the runtime's handler of those that are not joined.
    const bool failed = c.end() == End::error;
    EXPECT_EQ(s.scope_told, failed && in_scope(c.kind) ? "E" : "nothing");
    const std::size_t expected = failed && dropped && !in_scope(c.kind) ? 1 : 0;
    // A handle that is dropped as its task ends leaves the report to the task, which may be late.
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (failures().size() - reports < expected && std::chrono::steady_clock::now() < patience) {
      std::this_thread::yield();
    }
    EXPECT_EQ(failures().size() - reports, expected);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace weft::test::task_outcomes_test
