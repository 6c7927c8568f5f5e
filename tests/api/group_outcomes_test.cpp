// Every outcome of a combinator, by a table: its result when the awaited child ends with a value or
// an error, and a cancel of the whole comes at a given moment.
#include <weft/deadline.hpp>
#include <weft/fiber.hpp>
#include <weft/finally.hpp>
#include <weft/first_success.hpp>
#include <weft/join.hpp>
#include <weft/scope.hpp>
#include <weft/shield.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>
#include <weft/when_any.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/futures.hpp"
#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::group_outcomes_test {
namespace {

using namespace std::chrono_literals;

class GroupOutcomesTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(GroupOutcomesTest);

enum class Moment {
  none,
  before,   // before the combinator is awaited
  waiting,  // while it waits
  served,   // what the child waits for is there, but no task has gone on yet
};
constexpr std::array moments{Moment::none, Moment::before, Moment::waiting, Moment::served};

struct Stage {
  bool fails = false;
  ManualEvent gate;   // the first child waits for it
  ManualEvent never;  // the other children wait for it
  Signal signal;      // the gate of futures
  Signal silence;
  std::atomic<int> begun{0};
  std::atomic<int> living{0};
  std::atomic<int> cleaned{0};
  std::atomic<bool> running{false};
  std::atomic<bool> may_go_on{false};
};

struct Counted {
  explicit Counted(std::atomic<int>& living) noexcept : count(living) { ++count; }
  ~Counted() { --count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  std::atomic<int>& count;
};

Task<int> first_child(Stage& s) {
  const Counted counted(s.living);
  ++s.begun;
  co_await s.gate;
  if (s.fails) throw std::runtime_error("E");
  co_return 7;
}

Task<int> other_child(Stage& s) {
  const Counted counted(s.living);
  co_await s.never;
  co_return 8;
}

std::vector<Task<int>> both(Stage& s) {
  std::vector<Task<int>> tasks;
  tasks.push_back(first_child(s));
  tasks.push_back(other_child(s));
  return tasks;
}

/// The combinator of a row. All children have ended when it has.
using Combine = Task<int> (*)(Stage&);

Task<int> by_select(Stage& s) {
  auto first = co_await select(first_child(s), other_child(s));
  EXPECT_EQ(s.living, 0);
  co_return first.take<0>();
}
Task<int> by_when_any(Stage& s) {
  auto first = co_await when_any(both(s));
  EXPECT_EQ(s.living, 0);
  co_return first.take(0);
}
Task<int> by_first_success(Stage& s) {
  auto first = co_await first_success(first_child(s), other_child(s));
  EXPECT_EQ(s.living, 0);
  co_return first.take<0>();
}
Task<int> by_first_success_range(Stage& s) {
  auto first = co_await first_success(both(s));
  EXPECT_EQ(s.living, 0);
  co_return first.take();
}
Task<int> by_when_all(Stage& s) {
  auto all = co_await when_all(first_child(s), other_child(s));
  co_return std::get<0>(all);
}
Task<int> by_when_all_range(Stage& s) {
  auto all = co_await when_all(both(s));
  co_return all[0];
}
Task<int> by_when_all_of_one(Stage& s) {
  auto all = co_await when_all(first_child(s));
  co_return std::get<0>(all);
}
Task<int> by_timeout(Stage& s) { co_return co_await timeout(first_child(s), 1h); }
Task<int> by_deadline(Stage& s) { co_return co_await with_deadline(first_child(s), 1h); }
Task<int> by_later_deadline(Stage& s) {
  co_return co_await with_deadline(with_deadline(first_child(s), 2h), 1h);
}
Task<int> by_scope_body(Stage& s) {
  co_return co_await scope([&s](Scope&) { return first_child(s); });
}
Task<int> by_scope_child(Stage& s) {
  co_return co_await scope([&s](Scope& children) -> Task<int> {
    auto child = children.spawn(first_child, std::ref(s));
    co_return co_await std::move(child);
  });
}
Task<int> by_shield(Stage& s) { co_return co_await shield(first_child(s)); }
Task<int> by_finally(Stage& s) {
  co_return co_await finally(first_child(s), [&s] {
    EXPECT_EQ(s.living, 0);
    ++s.cleaned;
    return yield_now();
  });
}
Task<int> by_race(Stage& s) {
  ++s.begun;
  auto winner = co_await futures::race(s.signal.wait(), s.silence.wait());
  if (s.fails) throw std::runtime_error("E");
  co_return std::get<0>(winner);
}

// "-": it would wait for ever. `begins`: whether the child is begun after a cancel.
struct Row {
  const char* name;
  Combine combine;
  std::array<const char*, 4> value;  // none, before, waiting, served
  std::array<const char*, 4> error;
  bool begins = false;
};

constexpr auto cancelled = "cancelled";
const Row rows[] = {
    {"select", by_select, {"7", cancelled, cancelled, "7"}, {"E", cancelled, cancelled, "E"}},
    {"when_any", by_when_any, {"7", cancelled, cancelled, "7"}, {"E", cancelled, cancelled, "E"}},
    {"first_success",
     by_first_success,
     {"7", cancelled, cancelled, "7"},
     {"-", cancelled, cancelled, cancelled}},
    {"first_success of a range",
     by_first_success_range,
     {"7", cancelled, cancelled, "7"},
     {"-", cancelled, cancelled, cancelled}},
    {"when_all",
     by_when_all,
     {"-", cancelled, cancelled, cancelled},
     {"E", cancelled, cancelled, "E"}},
    {"when_all of a range",
     by_when_all_range,
     {"-", cancelled, cancelled, cancelled},
     {"E", cancelled, cancelled, "E"}},
    {"when_all of one",
     by_when_all_of_one,
     {"7", cancelled, cancelled, "7"},
     {"E", cancelled, cancelled, "E"}},
    {"timeout", by_timeout, {"7", cancelled, cancelled, "7"}, {"E", cancelled, cancelled, "E"}},
    {"deadline", by_deadline, {"7", cancelled, cancelled, "7"}, {"E", cancelled, cancelled, "E"}},
    {"later deadline",
     by_later_deadline,
     {"7", cancelled, cancelled, "7"},
     {"E", cancelled, cancelled, "E"}},
    {"scope's body",
     by_scope_body,
     {"7", cancelled, cancelled, "7"},
     {"E", cancelled, cancelled, "E"}},
    // The child has its value, but the body, which waits for it, is cancelled as well.
    {"scope's child",
     by_scope_child,
     {"7", cancelled, cancelled, "7 or cancelled"},
     {"E", cancelled, cancelled, "E"}},
    {"shield", by_shield, {"7", "7", "7", "7"}, {"E", "E", "E", "E"}, true},
    {"finally", by_finally, {"7", cancelled, cancelled, "7"}, {"E", cancelled, cancelled, "E"}},
    {"race", by_race, {"7", cancelled, cancelled, "7"}, {"E", cancelled, cancelled, "E"}, true},
};

/// Begins only when it is allowed to, so that a cancel can come before.
Task<int> victim(const Row& row, Stage& s) {
  s.running = true;
  while (!s.may_go_on) std::this_thread::yield();
  co_return co_await row.combine(s);
}

void open_gate(Stage& s) {
  s.gate.set();
  s.signal.set(7);
}

Task<void> cancel_before(Stage& s, JoinHandle<int>& handle) {
  std::thread beside([&] {
    while (!s.running) std::this_thread::yield();
    handle.cancel();
    s.may_go_on = true;
  });
  co_await until([&] { return s.may_go_on.load(); });
  beside.join();
}

std::string text_of(Outcome<int> outcome) {
  if (outcome.cancelled()) return cancelled;
  try {
    return std::to_string(outcome.take());
  } catch (const std::exception& error) {
    return error.what();
  }
}

Task<std::string> perform(const Row& row, Stage& s, Moment moment, bool in_fiber) {
  auto handle = in_fiber ? spawn(fiber([&row, &s] { return await(victim(row, s)); }))
                         : spawn([&row, &s] { return victim(row, s); });
  if (moment == Moment::before) {
    co_await cancel_before(s, handle);
  } else {
    s.may_go_on = true;
    co_await until([&s] { return s.gate.awaited() || s.signal.polls() > 0; });
  }
  if (moment == Moment::waiting) handle.cancel();
  // Children that are not cancelled wait for the gate. Others may still be about to look at it.
  if (moment != Moment::waiting || row.combine == by_shield) open_gate(s);
  if (moment == Moment::served) handle.cancel();
  Outcome<int> outcome = co_await std::move(handle).outcome();
  co_return text_of(std::move(outcome));
}

TEST_P(GroupOutcomesTest, EveryCombinatorEndAndCancel) {
  for (const Row& row : rows) {
    for (const Moment moment : moments) {
      for (const bool fails : {false, true}) {
        for (const bool in_fiber : {false, true}) {
          SCOPED_TRACE(::testing::Message()
                       << row.name << ", moment " << static_cast<int>(moment)
                       << (fails ? ", fails" : "") << (in_fiber ? ", in a fiber" : ""));
          const auto column = static_cast<std::size_t>(moment);
          const std::string expected = fails ? row.error[column] : row.value[column];
          if (expected == "-") continue;
          Stage s;
          s.fails = fails;
          const std::string told = run([&] { return perform(row, s, moment, in_fiber); });
          EXPECT_NE(expected.find(told), std::string::npos) << told << " instead of " << expected;
          EXPECT_EQ(s.living, 0);
          EXPECT_EQ(s.begun, moment == Moment::before && !row.begins ? 0 : 1);
          EXPECT_EQ(s.cleaned, row.combine == by_finally ? 1 : 0);
          EXPECT_FALSE(s.never.awaited());
        }
      }
    }
  }
}

}  // namespace
}  // namespace weft::test::group_outcomes_test
