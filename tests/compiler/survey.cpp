// Shows what this compiler makes of the forms of co_await that weft's rules forbid
// (docs/decisions/002-gxx12-coroutine-rules.md). Not a test: a wrong line is the compiler's fault and the
// reason for the rule. Objects are counted instead of owning memory, so a double destruction is seen, not felt.
#include <array>
#include <cstdio>
#include <string_view>

#include "battery.hpp"

namespace {

using battery::Counted;
using battery::counted;
using battery::number;
using battery::Outcome;
using battery::Task;

/// An aggregate that holds an object with a destructor.
struct Pair {
  Counted first;
  int second;
};

/// The same with a constructor.
struct MadePair {
  MadePair(Counted a, int b) noexcept : first(std::move(a)), second(b) {}
  Counted first;
  int second;
};

/// An awaiter that is an aggregate.
struct AggregateAwaiter {
  Counted held;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return held.value(); }
};

/// The same with a constructor.
struct MadeAwaiter {
  explicit MadeAwaiter(Counted object) noexcept : held(std::move(object)) {}
  Counted held;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return held.value(); }
};

int sum(const Pair& pair) { return pair.first.value() + pair.second; }
int sum_made(const MadePair& pair) { return pair.first.value() + pair.second; }
int sum(const Counted& a, int b) { return a.value() + b; }
int sum_by_value(Counted a, int b) { return a.value() + b; }

Task<int> aggregate_operand() {
  Counted object(3);
  co_return co_await AggregateAwaiter{object};
}
Task<int> aggregate_operand_in_parentheses() {
  Counted object(3);
  co_return co_await AggregateAwaiter(object);
}
Task<int> named_aggregate_operand() {
  AggregateAwaiter awaiter{Counted(3)};
  co_return co_await awaiter;
}
Task<int> made_operand() {
  Counted object(3);
  co_return co_await MadeAwaiter{object};
}
Task<int> aggregate_initializer() {
  Counted object(1);
  Pair pair = Pair{object, co_await number(2)};
  co_return sum(pair);
}
Task<int> direct_aggregate_initializer() {
  Counted object(1);
  Pair pair{object, co_await number(2)};
  co_return sum(pair);
}
Task<int> designated_initializer() {
  Counted object(1);
  Pair pair = {.first = object, .second = co_await number(2)};
  co_return sum(pair);
}
Task<int> awaited_class_member() {
  Pair pair{co_await counted(1), 2};
  co_return sum(pair);
}
Task<int> made_initializer() {
  Counted object(1);
  MadePair pair{object, co_await number(2)};
  co_return sum_made(pair);
}
Task<int> braced_argument() {
  Counted object(1);
  co_return sum({object, co_await number(2)});
}
Task<int> aggregate_temporary_beside() {
  Counted object(1);
  co_return sum(Pair{object, 1}) + co_await number(1);
}
Task<int> conditional_awaited_first(bool which) {
  Counted other(2);
  Counted chosen = which ? co_await counted(1) : other;
  co_return chosen.value();
}
Task<int> conditional_awaited_second(bool which) {
  Counted chosen = which ? Counted(1) : co_await counted(2);
  co_return chosen.value();
}
Task<int> conditional_of_int(bool which) {
  const int chosen = which ? co_await number(1) : 2;
  co_return chosen;
}
Task<int> lambda_temporary() {
  Counted object(1);
  co_return [object](int b) { return object.value() + b; }(co_await number(2));
}
Task<int> argument() {
  Counted object(1);
  co_return sum(object, co_await number(2));
}
Task<int> argument_by_value() {
  Counted object(1);
  co_return sum_by_value(object, co_await number(2));
}
Task<int> argument_temporary() { co_return sum(Counted(1), co_await number(2)); }
Task<int> and_operand(bool which) {
  const bool both = which && (co_await counted(1)).value() == 1;
  co_return both ? 1 : 0;
}
Task<int> condition() {
  int rounds = 0;
  while ((co_await counted(rounds)).value() < 3) ++rounds;
  co_return rounds;
}
Task<int> aggregate_parameter_object(Pair pair) { co_return sum(pair); }
Task<int> aggregate_argument() {
  Counted object(1);
  co_return co_await aggregate_parameter_object(Pair{object, 2});
}
Task<int> aggregate_argument_in_parentheses() {
  Counted object(1);
  co_return co_await aggregate_parameter_object(Pair(object, 2));
}

struct Row {
  std::string_view form;
  Outcome (*observe)();
  int expected;
};

template <auto form, auto... arguments>
Outcome observed() {
  return battery::observe([] { return form(arguments...); });
}

constexpr auto rows = std::to_array<Row>({
    {"co_await Aggregate{object}", observed<aggregate_operand>, 3},
    {"co_await Aggregate(object)", observed<aggregate_operand_in_parentheses>, 3},
    {"Aggregate a{…}; co_await a", observed<named_aggregate_operand>, 3},
    {"co_await HasConstructor{object}", observed<made_operand>, 3},
    {"Aggregate a = Aggregate{object, co_await x}", observed<aggregate_initializer>, 3},
    {"Aggregate a{object, co_await x}", observed<direct_aggregate_initializer>, 3},
    {"Aggregate a = {.first = object, .second = co_await x}", observed<designated_initializer>, 3},
    {"Aggregate a{co_await object, x}", observed<awaited_class_member>, 3},
    {"HasConstructor a{object, co_await x}", observed<made_initializer>, 3},
    {"f({object, co_await x})", observed<braced_argument>, 3},
    {"f(Aggregate{object, 1}) + co_await x", observed<aggregate_temporary_beside>, 3},
    {"c ? co_await object : other   (c)", observed<conditional_awaited_first, true>, 1},
    {"c ? co_await object : other   (not c)", observed<conditional_awaited_first, false>, 2},
    {"c ? object : co_await other   (c)", observed<conditional_awaited_second, true>, 1},
    {"c ? object : co_await other   (not c)", observed<conditional_awaited_second, false>, 2},
    {"c ? co_await number : 2       (c)", observed<conditional_of_int, true>, 1},
    {"[object](…) {…}(co_await x)", observed<lambda_temporary>, 3},
    {"f(object, co_await x)", observed<argument>, 3},
    {"f(object by value, co_await x)", observed<argument_by_value>, 3},
    {"f(Object(1), co_await x)", observed<argument_temporary>, 3},
    {"c && (co_await object).value() == 1", observed<and_operand, true>, 1},
    {"while ((co_await object).value() < 3)", observed<condition>, 3},
    {"co_await f(Aggregate{object, 2})", observed<aggregate_argument>, 3},
    {"co_await f(Aggregate(object, 2))", observed<aggregate_argument_in_parentheses>, 3},
});

}  // namespace

int main() {
  int wrong = 0;
  for (const Row& row : rows) {
    const Outcome outcome = row.observe();
    const bool right = outcome.left == 0 && outcome.result == row.expected;
    wrong += right ? 0 : 1;
    std::printf("%-56s %s  (made - destroyed = %d, result %d)\n", row.form.data(),
                right ? "right" : "WRONG", outcome.left, outcome.result);
  }
  std::printf("%d of %zu forms wrong\n", wrong, rows.size());
}
