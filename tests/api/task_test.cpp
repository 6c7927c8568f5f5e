// Task<T>: results of every kind, exceptions, laziness, depth, stack use, backtraces.
#include <weft/scope.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::task_test {
namespace {

using namespace std::chrono_literals;

class TaskTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(TaskTest);

// Chains and loops of any length may use this much stack: the budget's worth of frames.
constexpr std::size_t most_stack = 512 * 1024;

struct NoDefault {
  explicit NoDefault(int v) : value(v) {}
  NoDefault(const NoDefault&) = delete;
  NoDefault(NoDefault&&) = default;
  NoDefault& operator=(const NoDefault&) = delete;
  NoDefault& operator=(NoDefault&&) = delete;
  ~NoDefault() = default;
  int value;
};

template <class T>
Task<T> give(T value) {
  co_return std::move(value);
}
Task<NoDefault> give_no_default(int value) { co_return NoDefault(value); }
Task<int&> give_reference(int& object) { co_return object; }
Task<const std::string&> give_const_reference(const std::string& object) { co_return object; }
Task<std::string> give_converted() { co_return "literal"; }
Task<void> set_to(int& object, int value) {
  object = value;
  co_return;
}

TEST_P(TaskTest, GivesValuesOfEveryKind) {
  run([]() -> Task<void> {
    const int number = co_await give(42);
    EXPECT_EQ(number, 42);
    const std::string text = co_await give(std::string(1000, 'x'));
    EXPECT_EQ(text.size(), 1000U);
    const std::unique_ptr<int> owner = co_await give(std::make_unique<int>(7));
    EXPECT_EQ(*owner, 7);
    const NoDefault object = co_await give_no_default(3);
    EXPECT_EQ(object.value, 3);
    const std::string converted = co_await give_converted();
    EXPECT_EQ(converted, "literal");
  });
}

TEST_P(TaskTest, GivesReferencesToTheSameObject) {
  int number = 1;
  const std::string text = "text";
  run([&]() -> Task<void> {
    int& same = co_await give_reference(number);
    EXPECT_EQ(&same, &number);
    const std::string& same_text = co_await give_const_reference(text);
    EXPECT_EQ(&same_text, &text);
    co_await set_to(number, 5);
    EXPECT_EQ(number, 5);
  });
  decltype(auto) through_block_on = run(give_reference(number));
  EXPECT_EQ(&through_block_on, &number);
}

TEST_P(TaskTest, BlockOnGivesResultsOfEveryKind) {
  EXPECT_EQ(run(give(42)), 42);
  EXPECT_EQ(*run(give(std::make_unique<int>(7))), 7);
  EXPECT_EQ(run(give_no_default(3)).value, 3);
  int number = 0;
  run(set_to(number, 9));
  EXPECT_EQ(number, 9);
}

struct Odd {
  int code;
};

Task<int> throw_odd(int code) {
  co_await yield_now();
  throw Odd{code};
}
Task<int> pass_on(int code) {
  const int value = co_await throw_odd(code);
  co_return value;
}

TEST_P(TaskTest, ExceptionsOfAnyTypeReachTheAwaiter) {
  run([]() -> Task<void> {
    int caught = 0;
    try {
      const int value = co_await pass_on(11);
      caught = -value;
    } catch (const Odd& odd) {
      caught = odd.code;
    }
    EXPECT_EQ(caught, 11);
  });
  EXPECT_THROW(run(pass_on(1)), Odd);
}

TEST_P(TaskTest, ADroppedTaskNeverRuns) {
  int runs = 0;
  auto body = [](int& count, std::string) -> Task<void> {
    ++count;
    co_return;
  };
  {
    Task<void> dropped = body(runs, std::string(1000, 'x'));
  }
  run([&]() -> Task<void> {
    {
      Task<void> dropped = body(runs, "in a task");
      Task<void> moved = std::move(dropped);
      EXPECT_FALSE(dropped);
      EXPECT_TRUE(moved);
      moved = body(runs, "another");
    }
    co_return;
  });
  EXPECT_EQ(runs, 0);
}

TEST_P(TaskTest, AFrameIsGoneWhenItsAwaitIsOver) {
  Log log;
  run([&]() -> Task<void> {
    auto child = [](Logged) -> Task<int> { co_return 1; };
    const int value = co_await child(Logged(log, "argument"));
    log.add("after " + std::to_string(value));
  });
  EXPECT_EQ(log.words(), (std::vector<std::string>{"argument", "after 1"}));
}

TEST_P(TaskTest, AValueWhoseMoveThrowsFailsOnlyItsTask) {
  struct Stubborn {
    explicit Stubborn(int moves) : moves_left(moves) {}
    Stubborn(Stubborn&& other) : moves_left(other.moves_left - 1) {
      if (moves_left < 0) throw Odd{99};
    }
    Stubborn& operator=(Stubborn&&) = delete;
    ~Stubborn() = default;
    int moves_left;
  };
  auto make = [](int moves) -> Task<Stubborn> { co_return Stubborn(moves); };
  run([&]() -> Task<void> {
    bool enough = false;
    for (int moves = 0; !enough; ++moves) {
      try {
        auto handle = spawn(make, moves);
        const Stubborn got = co_await std::move(handle);
        enough = got.moves_left >= 0;
      } catch (const Odd& odd) {
        EXPECT_EQ(odd.code, 99);
      }
      EXPECT_LT(moves, 20);
    }
  });
}

Task<std::size_t> descend(std::size_t levels, StackMeter& meter, bool fail) {
  meter.note();
  std::size_t below = 0;
  if (levels != 0) {
    below = co_await descend(levels - 1, meter, fail);
  } else if (fail) {
    throw Odd{1};
  }
  meter.note();
  co_return below + 1;
}

TEST_P(TaskTest, AChainOfAwaitsMayBeDeep) {
  constexpr std::size_t levels = 100'000;
  StackMeter meter;
  const std::size_t counted = run(descend(levels, meter, false));
  EXPECT_EQ(counted, levels + 1);
  EXPECT_LT(meter.bytes(), most_stack);
  EXPECT_THROW(run(descend(levels / 10, meter, true)), Odd);
  EXPECT_LT(meter.bytes(), most_stack);
}

TEST_P(TaskTest, AMillionInlineAwaitsUseConstantStack) {
  StackMeter meter;
  auto child = [&]() -> Task<std::size_t> {
    meter.note();
    co_return 1;
  };
  constexpr std::size_t times = fewer_if_sanitized(1'000'000U);
  const std::size_t sum = run([&]() -> Task<std::size_t> {
    std::size_t total = 0;
    for (std::size_t i = 0; i < times; ++i) {
      const std::size_t one = co_await child();
      total += one;
    }
    co_return total;
  });
  EXPECT_EQ(sum, times);
  EXPECT_LT(meter.bytes(), most_stack);
}

TEST_P(TaskTest, OperationsThatEndInPlaceUseConstantStack) {
  StackMeter meter;
  run([&]() -> Task<void> {
    ManualEvent event;
    for (int i = 0; i < fewer_if_sanitized(300'000); ++i) {
      event.set();
      co_await event;
      if (i % 16 == 0) meter.note();
    }
    for (int i = 0; i < 50'000; ++i) {
      co_await sleep_for(0ns);
      if (i % 16 == 0) meter.note();
    }
    auto nothing = []() -> Task<void> { co_return; };
    for (int i = 0; i < 50'000; ++i) {
      co_await when_all(nothing(), nothing());
      if (i % 16 == 0) meter.note();
    }
  });
  EXPECT_LT(meter.bytes(), most_stack);
}

Task<int> nest_groups(int depth, StackMeter& meter) {
  meter.note();
  if (depth == 0) co_return 0;
  auto [below, one] = co_await when_all(nest_groups(depth - 1, meter), give(1));
  co_return below + one;
}

TEST_P(TaskTest, GroupsMayBeNestedDeep) {
  StackMeter meter;
  EXPECT_EQ(run(nest_groups(20'000, meter)), 20'000);
  EXPECT_LT(meter.bytes(), most_stack);
}

constexpr auto line_of_leaf_await = __LINE__ + 2;
Task<void> fail_after_await() {
  co_await yield_now();
  throw std::runtime_error("deep failure");
}
constexpr auto line_of_middle_await = __LINE__ + 1;
Task<void> middle() { co_await fail_after_await(); }
constexpr auto line_of_outer_await = __LINE__ + 1;
Task<void> outer() { co_await middle(); }

TEST_P(TaskTest, AFailuresBacktraceNamesTheAwaits) {
  allow_failures();
  run([]() -> Task<void> {
    auto handle = spawn(outer);
    co_await until([&] { return handle.ended(); });
    std::move(handle).detach();
  });
  end_runtime();
  const auto seen = failures();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].what, "deep failure");
  ASSERT_EQ(seen[0].sites.size(), 3U);
  EXPECT_EQ(seen[0].sites[0].line(), static_cast<unsigned>(line_of_leaf_await));
  EXPECT_EQ(seen[0].sites[1].line(), static_cast<unsigned>(line_of_middle_await));
  EXPECT_EQ(seen[0].sites[2].line(), static_cast<unsigned>(line_of_outer_await));
  for (const std::source_location& site : seen[0].sites) {
    EXPECT_NE(std::strstr(site.file_name(), "task_test.cpp"), nullptr) << site.file_name();
  }
}

TEST_P(TaskTest, ASecondFailureHasABacktraceOfItsOwn) {
  allow_failures();
  auto twice = []() -> Task<void> {
    try {
      co_await outer();
    } catch (const std::runtime_error&) {  // handled
    }
    throw std::logic_error("second");
  };
  run([&]() -> Task<void> {
    auto handle = spawn(twice);
    co_await until([&] { return handle.ended(); });
  });
  end_runtime();
  const auto seen = failures();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].what, "second");
  EXPECT_EQ(seen[0].sites.size(), 1U);
}

}  // namespace
}  // namespace weft::test::task_test
