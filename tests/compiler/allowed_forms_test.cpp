// The forms of co_await that weft and its users write, on the compiler in use. Each gives the right
// result and destroys every object exactly once (docs/decisions/002-gxx12-coroutine-rules.md). Does
// not use weft.
#include <array>
#include <memory>
#include <vector>

#include "battery.hpp"

namespace {

using battery::Counted;
using battery::counted;
using battery::Noting;
using battery::NotingMember;
using battery::number;
using battery::observed;
using battery::Pair;
using battery::Row;
using battery::Task;
using battery::text;

/// As a Pair, but no aggregate: a constructor is sufficient.
struct MadePair {
  explicit MadePair(Counted a = Counted(3), int b = 0) noexcept : first(std::move(a)), second(b) {}
  Counted first;
  int second;
};

struct MadeAwaiter {
  explicit MadeAwaiter(Counted object) noexcept : held(std::move(object)) {}
  Counted held;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return held.value(); }
};

Task<int> task_sum(Pair pair) { co_return pair.first.value() + pair.second; }
Task<int> task_sum_made(MadePair pair = MadePair()) { co_return pair.first.value() + pair.second; }
Task<int> task_sum_of_array(std::array<Counted, 2> pair) {
  co_return pair[0].value() + pair[1].value();
}
Task<int> task_of_object(Counted object) { co_return object.value(); }
Task<Pair> task_of_pair() { co_return Pair{Counted(1), 2}; }
template <class F>
Task<int> call(F callable) {
  co_return callable();
}

Task<int> operand_with_constructor() {
  Counted object(3);
  co_return co_await MadeAwaiter(object);
}
Task<int> arguments_with_constructor() {
  const int sum = co_await task_sum_made(MadePair(Counted(1), 2));
  co_return sum;
}
Task<int> default_argument_with_constructor() { co_return co_await task_sum_made(); }
Task<int> object_argument() { co_return co_await task_of_object(Counted(3)); }
Task<int> named_aggregate() {
  Pair pair{Counted(1), 2};
  co_return co_await task_sum(std::move(pair));
}
Task<int> copied_aggregate() {
  const Pair pair{Counted(1), 2};
  co_return co_await task_sum(pair);
}
Task<int> named_array() {
  std::array<Counted, 2> pair{Counted(1), Counted(2)};
  co_return co_await task_sum_of_array(std::move(pair));
}
Task<int> named_task() {
  auto task = task_sum({Counted(1), 2});
  co_return co_await std::move(task);
}
Task<int> awaited_into_a_variable() {
  const Pair pair = co_await task_of_pair();
  co_return pair.first.value() + pair.second;
}
Task<int> awaited_into_a_binding() {
  const auto [first, second] = co_await task_of_pair();
  co_return first.value() + second;
}
Task<int> aggregate_after_awaits() {
  Counted first = co_await counted(1);
  const int second = co_await number(2);
  const Pair pair{std::move(first), second};
  co_return pair.first.value() + pair.second;
}
Task<int> lambda_by_reference() {
  Counted object(3);
  co_return co_await call([&object] { return object.value(); });
}
Task<int> named_lambda() {
  auto object = std::make_unique<Counted>(3);
  auto body = [object = std::move(object)] { return object->value(); };
  co_return co_await call(std::move(body));
}
Task<int> task_of_lambda() {
  const Counted object(3);
  auto task = call([object] { return object.value(); });
  co_return co_await std::move(task);
}
Task<int> lambda_coroutine() {
  const Counted object(3);
  auto body = [object]() -> Task<int> {
    const int zero = co_await number(0);
    co_return object.value() + zero;
  };
  co_return co_await body();
}
Task<int> member_of_the_awaited() {
  const auto size = (co_await text("abc")).size();
  co_return static_cast<int>(size);
}
Task<int> branch(bool which) {
  Counted chosen(0);
  if (which) {
    chosen = co_await counted(3);
  } else {
    chosen = Counted(3);
  }
  co_return chosen.value();
}
Task<int> condition_from_a_variable() {
  const int answer = co_await number(1);
  if (answer == 1) co_return 3;
  co_return 0;
}
Task<int> condition_with_a_declaration() {
  if (const int answer = co_await number(1); answer == 1) co_return 3;
  co_return 0;
}
Task<int> loop() {
  for (int rounds = 0;;) {
    const Counted object = co_await counted(rounds);
    if (object.value() == 3) co_return rounds;
    ++rounds;
  }
}
Task<int> range_loop() {
  int rounds = 0;
  const std::vector<Counted> objects(3);
  for (Counted object : objects) rounds += co_await number(1 + object.value());
  co_return rounds;
}
Task<int> thrown() {
  int caught = 0;
  try {
    const Counted object(1);
    const int zero = co_await number(0);
    throw object.value() + zero;
  } catch (int one) {
    caught = one;
  }
  const int two = co_await number(2);
  co_return caught + two;
}
Task<int> thrown_object() {
  int caught = 0;
  try {
    const int value = co_await number(3);
    throw Counted(value);
  } catch (const Counted& object) {
    caught = object.value();
  }
  co_return caught;
}
Task<int> thrown_below_a_condition() {
  int caught = 0;
  try {
    if (const int value = co_await number(3); value == 3) throw Counted(value);
  } catch (const Counted& object) {
    caught = object.value();
  }
  co_return caught;
}
Task<int> allocated_afterwards() {
  Counted object = co_await counted(3);
  const std::unique_ptr<Counted> owned(new Counted(std::move(object)));
  co_return owned->value();
}

Task<int> awaiter_variable() {
  Noting awaiter;
  co_await awaiter;
  co_return awaiter.value;
}
Task<int> awaiter_reference() {
  const auto owned = std::make_unique<Noting>();
  Noting& awaiter = *owned;
  co_await awaiter;
  co_return owned->value;
}
Task<int> awaiter_pointer() {
  const auto owned = std::make_unique<Noting>();
  Noting* const awaiter = owned.get();
  co_await *awaiter;
  co_return owned->value;
}
Task<int> awaiter_member() {
  NotingMember object;
  co_await object.noting;
  co_return object.noting.value;
}
Task<int> awaiter_of_a_capture() {
  Noting awaiter;
  auto body = [&awaiter]() -> Task<int> {
    Noting& named = awaiter;
    co_await named;
    co_return 0;
  };
  co_await body();
  co_return awaiter.value;
}

constexpr auto rows = std::to_array<Row>({
    {"co_await HasConstructor(object)", observed<operand_with_constructor>, 3},
    {"co_await f(HasConstructor(object, 2))", observed<arguments_with_constructor>, 3},
    {"co_await f(), with f(HasConstructor a = …)", observed<default_argument_with_constructor>, 3},
    {"co_await f(Object(3))", observed<object_argument>, 3},
    {"Aggregate a{…}; co_await f(std::move(a))", observed<named_aggregate>, 3},
    {"Aggregate a{…}; co_await f(a)", observed<copied_aggregate>, 3},
    {"std::array a{…}; co_await f(std::move(a))", observed<named_array>, 3},
    {"auto t = f({…}); co_await std::move(t)", observed<named_task>, 3},
    {"Aggregate a = co_await x", observed<awaited_into_a_variable>, 3},
    {"auto [a, b] = co_await x", observed<awaited_into_a_binding>, 3},
    {"a = co_await x; b = co_await y; Aggregate c{a, b}", observed<aggregate_after_awaits>, 3},
    {"co_await f([&object] {…})", observed<lambda_by_reference>, 3},
    {"auto g = [object] {…}; co_await f(std::move(g))", observed<named_lambda>, 3},
    {"auto t = f([object] {…}); co_await std::move(t)", observed<task_of_lambda>, 3},
    {"auto g = [object]() -> Task {…}; co_await g()", observed<lambda_coroutine>, 3},
    {"(co_await x).member()", observed<member_of_the_awaited>, 3},
    {"if (c) a = co_await x; else …, c", observed<branch, true>, 3},
    {"if (c) a = co_await x; else …, not c", observed<branch, false>, 3},
    {"auto a = co_await x; if (a)", observed<condition_from_a_variable>, 3},
    {"if (auto a = co_await x; a)", observed<condition_with_a_declaration>, 3},
    {"for (;;) { auto a = co_await x; … }", observed<loop>, 3},
    {"for (Object a : objects) n += co_await x", observed<range_loop>, 3},
    {"try { co_await x; throw … } catch (…) {…} co_await y", observed<thrown>, 3},
    {"auto a = co_await x; throw Object(a)", observed<thrown_object>, 3},
    {"if (auto a = co_await x; a) throw Object(a)", observed<thrown_below_a_condition>, 3},
    {"auto a = co_await object; new Object(std::move(a))", observed<allocated_afterwards>, 3},
    {"co_await awaiter", observed<awaiter_variable>, 3},
    {"auto& a = *unique_ptr; co_await a", observed<awaiter_reference>, 3},
    {"co_await *pointer", observed<awaiter_pointer>, 3},
    {"co_await object.awaiter", observed<awaiter_member>, 3},
    {"[&a] { auto& b = a; co_await b; }", observed<awaiter_of_a_capture>, 3},
});

}  // namespace

int main() {
  const int wrong = battery::report(rows);
  std::printf("%d of %zu forms wrong\n", wrong, rows.size());
  return wrong == 0 ? 0 : 1;
}
