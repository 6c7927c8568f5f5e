// Shows how this compiler treats the forms of co_await that weft's rules forbid
// (docs/decisions/002-gxx12-coroutine-rules.md). A line that says WRONG is the compiler's fault and
// the reason for the rule. With g++ 12 weft-lint must find exactly these (tests/lint). The last
// forms are forbidden by the text rule of tidy, which sees no types, and every compiler has them
// right. Objects are counted instead of owning memory, so that a double destruction is counted and
// does not crash.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <vector>

#include "battery.hpp"

namespace {

using battery::Counted;
using battery::counted;
using battery::Noting;
using battery::NotingMember;
using battery::NotingOperator;
using battery::NotingReference;
using battery::number;
using battery::observed;
using battery::Pair;
using battery::Pairs;
using battery::Passing;
using battery::Row;
using battery::Task;

/// A Pair, by its base instead of a member.
struct Derived : Counted {
  int second = 0;
};

/// Of numbers, with a destructor of its own. A copy would be destroyed without being counted.
struct Guard {
  int value = 0;
  int counted = ++Counted::living;
  ~Guard() { --Counted::living; }
};

/// The same of plain numbers: its destruction does nothing.
struct Numbers {
  int first = 0;
  int second = 0;
};

/// An awaiter that is an aggregate.
struct AggregateAwaiter {
  Counted held;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return held.value(); }
};

bool flag = true;
Noting program_noting;
Noting& program_awaiter() { return program_noting; }

int sum(const Pair& pair) { return pair.first.value() + pair.second; }
Task<int> task_sum(Pair pair) { co_return sum(pair); }
Task<int> task_sum_of_default(Pair pair = {}) { co_return sum(pair); }
Task<int> task_sum_of_array(std::array<Counted, 2> pair) {
  co_return pair[0].value() + pair[1].value();
}
Task<int> task_sum_of_numbers(Numbers numbers) { co_return numbers.first + numbers.second; }
Task<int> task_of_object(Counted object) { co_return object.value(); }
Task<int> task_of_pointer(std::unique_ptr<Pair> pair) { co_return sum(*pair); }
Task<int> task_of_derived(Derived object) { co_return object.value() + object.second; }
Task<int> task_of_object_pointer(std::unique_ptr<Counted> object) { co_return object->value(); }
int value_of(const Guard& guard) { return guard.value; }
Counted made_object() { return Counted(3); }
Task<Pair> task_of_pair() { co_return Pair{Counted(1), 2}; }
Pair made_pair() { return Pair{Counted(1), 2}; }
template <class F>
Task<int> call(F callable) {
  co_return callable();
}

// Temporaries that are aggregates.
Task<int> aggregate_operand() {
  Counted object(3);
  co_return co_await AggregateAwaiter{object};
}
Task<int> aggregate_operand_in_parentheses() {
  Counted object(3);
  co_return co_await AggregateAwaiter(object);
}
Task<int> aggregate_argument() { co_return co_await task_sum(Pair{Counted(1), 2}); }
Task<int> aggregate_argument_in_parentheses() { co_return co_await task_sum(Pair(Counted(1), 2)); }
Task<int> braced_argument() { co_return co_await task_sum({Counted(1), 2}); }
Task<int> default_argument() { co_return co_await task_sum_of_default(); }
Task<int> array_argument() {
  co_return co_await task_sum_of_array(std::array<Counted, 2>{Counted(1), Counted(2)});
}
Task<int> aggregate_beside() { co_return sum(Pair{Counted(1), 1}) + co_await number(1); }
Task<int> aggregate_member() { co_return co_await task_of_object(Pair{Counted(3), 2}.first); }
Task<int> new_aggregate() {
  co_return co_await task_of_pointer(std::unique_ptr<Pair>(new Pair{Counted(1), 2}));
}

// Initializers.
Task<int> aggregate_initializer() {
  Pair pair{Counted(1), co_await number(2)};
  co_return sum(pair);
}
Task<int> aggregate_initializer_with_equals() {
  Pair pair = Pair{Counted(1), co_await number(2)};
  co_return sum(pair);
}
Task<int> designated_initializer() {
  Pair pair = {.first = Counted(1), .second = co_await number(2)};
  co_return sum(pair);
}
Task<int> awaited_member() {
  Pair pair{co_await counted(1), 2};
  co_return sum(pair);
}
Task<int> braced_await() { co_return sum({Counted(1), co_await number(2)}); }
Task<int> array_initializer() {
  Counted objects[]{Counted(1), co_await counted(2)};
  co_return objects[0].value() + objects[1].value();
}
Task<int> parenthesized_initializer() {
  Pair pair(Counted(1), co_await number(2));
  co_return sum(pair);
}

// Lambdas that capture an object.
Task<int> lambda_argument() {
  Counted object(3);
  co_return co_await call([object] { return object.value(); });
}
Task<int> called_lambda() {
  Counted object(1);
  co_return [object](int b) { return object.value() + b; }(co_await number(2));
}
Task<int> lambda_awaited() {
  Counted object(3);
  co_return co_await [object]() -> Task<int> { co_return object.value(); }();
}
Task<int> awaited_capture() {
  Counted object(1);
  auto add = [object, second = co_await number(2)] { return object.value() + second; };
  co_return add();
}

// Conditional expressions.
Task<int> conditional_first(bool which) {
  Counted other(3);
  Counted chosen = which ? co_await counted(3) : other;
  co_return chosen.value();
}
Task<int> conditional_second(bool which) {
  Counted chosen = which ? Counted(3) : co_await counted(3);
  co_return chosen.value();
}
Task<int> conditional_operand() { co_return co_await (flag ? number(3) : number(0)); }
Task<int> conditional_argument() {
  co_return co_await task_of_object(flag ? Counted(3) : Counted(1));
}
Task<int> conditional_beside() {
  co_return (flag ? Counted(2) : Counted(1)).value() + co_await number(1);
}
Task<int> conditional_condition() {
  Counted chosen = co_await number(1) ? Counted(3) : Counted(0);
  co_return chosen.value();
}

// What is thrown, and what is allocated.
template <class F>
Task<int> caught_from(F body) {
  int caught = 0;
  try {
    co_await body();
  } catch (const Counted& object) {
    caught = object.value();
  } catch (int number) {
    caught = number;
  } catch (const Pair& pair) {
    caught = sum(pair);
  }
  co_return caught;
}
Task<int> throw_object() {
  auto body = []() -> Task<int> { throw Counted(co_await number(3)); };
  co_return co_await caught_from(body);
}
Task<int> throw_awaited() {
  auto body = []() -> Task<int> { throw co_await counted(3); };
  co_return co_await caught_from(body);
}
Task<int> throw_aggregate() {
  auto body = []() -> Task<int> { throw Pair{Counted(1), co_await number(2)}; };
  co_return co_await caught_from(body);
}
Task<int> throw_in_conditional() {
  auto body = []() -> Task<int> { co_return co_await number(1) ? throw Counted(3) : 0; };
  co_return co_await caught_from(body);
}
Task<int> throw_after_comma() {
  auto body = []() -> Task<int> { co_return (co_await number(1), throw Counted(3), 0); };
  co_return co_await caught_from(body);
}
Task<int> throw_after_or() {
  auto body = []() -> Task<int> { co_return co_await number(0) || (throw Counted(3), true); };
  co_return co_await caught_from(body);
}
Task<int> throw_beside() {
  auto body = []() -> Task<int> { co_return (flag ? throw Counted(3) : 1) + co_await number(1); };
  co_return co_await caught_from(body);
}
Task<int> new_awaited() {
  const std::unique_ptr<Counted> object(new Counted(co_await counted(3)));
  co_return object->value();
}
Task<int> new_awaited_in_braces() {
  const std::unique_ptr<Counted> object(new Counted{co_await counted(3)});
  co_return object->value();
}
Task<int> new_result() {
  co_return co_await task_of_object_pointer(std::unique_ptr<Counted>(new Counted(made_object())));
}
Task<int> statement_expression() {
  co_return __extension__({ made_object(); }).value() + co_await number(0);
}
Task<int> derived_initializer() {
  const Derived object{Counted(1), co_await number(2)};
  co_return object.value() + object.second;
}

// Conditions, in a coroutine that declares no variable.
Task<int> if_condition() {
  if (co_await number(1)) co_return 3;
  co_return 0;
}
Task<int> while_condition() {
  while (co_await number(1)) co_return 3;
  co_return 0;
}
Task<int> switch_condition() {
  switch (co_await number(1)) {
    case 1:
      co_return 3;
    default:
      co_return 0;
  }
}
Task<int> for_condition() {
  for (; co_await number(1);) co_return 3;
  co_return 0;
}
Task<int> do_condition() {
  do {
    if (flag) co_return 3;
  } while (co_await number(1));
  co_return 0;
}
Task<int> inner_condition() {
  if (flag) {
    if (co_await number(1)) co_return 3;
  }
  co_return 0;
}

// co_yield awaits, too.
Pairs yield_aggregate() {
  Counted object(1);
  co_yield Pair{object, 2};
}
Pairs yield_braced() {
  Counted object(1);
  co_yield {object, 2};
}
template <Pairs (*pairs)()>
Task<int> sum_of() {
  const Pairs generator = pairs();
  generator.frame.resume();
  const int result = sum(*generator.frame.promise().yielded);
  generator.frame.resume();
  generator.frame.destroy();
  co_return result;
}

// Awaiters that are there already.
Task<int> await_result() {
  co_await program_awaiter();
  co_return program_noting.value;
}
Task<int> await_unique() {
  auto noting = std::make_unique<Noting>();
  co_await *noting;
  co_return noting->value;
}
Task<int> await_vector_element() {
  std::vector<Noting> notings(1);
  co_await notings[0];
  co_return notings[0].value;
}
Task<int> await_array_element() {
  Noting notings[1];
  co_await notings[0];
  co_return notings[0].value;
}
Task<int> await_member_of_result() {
  std::vector<NotingMember> objects(1);
  co_await objects[0].noting;
  co_return objects[0].noting.value;
}
Task<int> await_in_parentheses() {
  Noting noting;
  co_await (noting);
  co_return noting.value;
}
Task<int> await_moved() {
  Noting noting;
  co_await std::move(noting);
  co_return noting.value;
}
Task<int> await_conditional() {
  Noting first, second;
  co_await (flag ? first : second);
  co_return first.value;
}
Task<int> await_capture() {
  Noting noting;
  auto body = [&noting]() -> Task<int> { co_return co_await noting; };
  co_await body();
  co_return noting.value;
}
Task<int> await_member_in_lambda() {
  struct Holder : NotingMember {
    auto body() {
      return [this]() -> Task<int> { co_return co_await noting; };
    }
  } holder;
  auto body = holder.body();
  co_await body();
  co_return holder.noting.value;
}
Task<int> await_operator() {
  NotingOperator object;
  co_await object;
  co_return object.noting.value;
}
Task<int> await_transformed() {
  Noting noting;
  [](Noting& passed) -> Passing<Noting&> { co_await passed; }(noting);
  co_return noting.value;
}
Task<int> yield_to_a_reference() {
  Noting noting;
  [](Noting& passed) -> Passing<Noting&> { co_yield passed; }(noting);
  co_return noting.value;
}

// What every compiler has right, though it looks alike.
Task<int> await_variable() {
  Noting noting;
  co_await noting;
  co_return noting.value;
}
Task<int> await_reference() {
  Noting& noting = program_awaiter();
  co_await noting;
  co_return program_noting.value;
}
Task<int> await_pointer() {
  Noting* const noting = &program_noting;
  co_await *noting;
  co_return noting->value;
}
Task<int> await_member() {
  NotingMember object;
  NotingMember* const pointer = &object;
  co_await object.noting;
  object.noting.value *= co_await pointer->noting;
  co_return object.noting.value / 3;
}
Task<int> await_member_of_unique() {
  auto object = std::make_unique<NotingMember>();
  co_await object->noting;
  co_return object->noting.value;
}
Task<int> await_transformed_by_value() {
  Noting noting;
  [](Noting& passed) -> Passing<NotingReference> {
    co_await passed;
    co_yield passed;
  }(noting);
  co_return noting.value;
}
/// Returns 3 if the object has the alignment.
template <std::size_t alignment>
int aligned(const void* object) {
  return reinterpret_cast<std::uintptr_t>(object) % alignment == 0 ? 3 : 0;
}
Task<int> aligned_bytes() {
  char tag = 1;
  alignas(double) std::byte room[sizeof(double)] = {};
  const int one = co_await number(tag);
  co_return aligned<alignof(double)>(room) * one;
}
Task<int> aligned_number() {
  char tag = 1;
  alignas(16) int value = 1;
  const int one = co_await number(tag);
  co_return aligned<16>(&value) * one;
}
Task<int> aligned_before_a_suspension() {
  char tag = 1;
  {
    alignas(16) int value = 1;
    if (aligned<16>(&value) == 0) co_return 0;
  }
  const int one = co_await number(tag);
  co_return 3 * one;
}
Task<int> aligned_by_attribute() {
  char tag = 1;
  __attribute__((aligned(16))) char text[16] = {};
  const int one = co_await number(tag);
  co_return aligned<16>(text) * one;
}
Task<int> aligned_type() {
  struct alignas(16) Room {
    char data[16];
  };
  char tag = 1;
  Room room{};
  const int one = co_await number(tag);
  co_return aligned<16>(&room) * one;
}
Task<int> aligned_member() {
  struct Room {
    char tag = 1;
    alignas(16) char data[16] = {};
  };
  char tag = 1;
  Room room;
  const int one = co_await number(tag);
  co_return aligned<16>(room.data) * one;
}
Task<int> aligned_static() {
  char tag = 1;
  alignas(64) static int value = 1;
  const int one = co_await number(tag);
  co_return aligned<64>(&value) * one;
}
Task<int> plain_initializer() {
  Numbers numbers{co_await number(1), co_await number(2)};
  co_return numbers.first + numbers.second;
}
Task<int> plain_argument() { co_return co_await task_sum_of_numbers({1, co_await number(2)}); }
Task<int> plain_capture() {
  int object = 3;
  co_return co_await call([object] { return object; });
}
Task<int> braces_of_a_constructor() { co_return co_await task_of_object(Counted{3}); }
Task<int> braces_of_a_copy() {
  Pair pair{co_await task_of_pair()};
  co_return sum(pair);
}
Task<int> default_constructor() { co_return co_await task_sum(Pair()); }
Task<int> function_result() { co_return co_await task_sum(made_pair()); }
Task<int> aggregate_in_a_lambda() {
  co_return co_await call([&] { return sum(Pair{Counted(1), 2}); });
}
Task<int> throw_number() {
  auto body = []() -> Task<int> { throw co_await number(3); };
  co_return co_await caught_from(body);
}
Task<int> throw_after_await() {
  auto body = []() -> Task<int> {
    const int value = co_await number(3);
    throw Counted(value);
  };
  co_return co_await caught_from(body);
}
Task<int> throw_below_a_condition() {
  auto body = []() -> Task<int> {
    if (const int value = co_await number(3); value == 3) throw Counted(value);
    co_return 0;
  };
  co_return co_await caught_from(body);
}
Task<int> throw_a_copy() {
  auto body = []() -> Task<int> {
    const Counted object(3);
    co_return (co_await number(1), throw object, 0);
  };
  co_return co_await caught_from(body);
}
Task<int> throw_in_a_lambda() {
  auto body = []() -> Task<int> {
    co_return [](int value) -> int { throw Counted(value); }(co_await number(3));
  };
  co_return co_await caught_from(body);
}
Task<int> exception_pointer() {
  auto body = []() -> Task<int> {
    std::rethrow_exception(std::make_exception_ptr(Counted(co_await number(3))));
    co_return 0;
  };
  co_return co_await caught_from(body);
}
Task<int> new_by_constructor() {
  const std::unique_ptr<Counted> object(new Counted(co_await number(3)));
  co_return object->value();
}
Task<int> make_unique_awaited() {
  const auto object = std::make_unique<Counted>(co_await counted(3));
  co_return object->value();
}
Task<int> derived_argument() { co_return co_await task_of_derived({Counted(1), 2}); }
Task<int> guard_argument() { co_return value_of(Guard{3}) + co_await number(0); }
Task<int> conditional_of_numbers() {
  const int chosen = flag ? co_await task_of_object(Counted(3)) : 0;
  co_return chosen;
}
Task<int> conditional_of_names() {
  Counted first(3), second(1);
  co_return co_await task_of_object(flag ? first : second);
}
Task<int> condition_after_a_variable() {
  int result = 3;
  if (co_await number(1)) co_return result;
  co_return 0;
}
Task<int> condition_before_a_variable() {
  while (co_await number(1)) {
    int result = 3;
    co_return result;
  }
  co_return 0;
}
Task<int> condition_in_a_lambda() {
  auto body = []() -> Task<int> {
    if (co_await number(1)) co_return 3;
    co_return 0;
  };
  co_return co_await body();
}

// An operand that is not taken. Each note is a digit more of `noted`.
int noted = 0;
int note(int digit) {
  noted = noted * 10 + digit;
  return digit;
}
Task<int> note_later(int digit) { co_return note(digit); }
Task<int> and_returned(bool which) {
  auto body = [](bool taken) -> Task<bool> { co_return taken&& co_await note_later(1); };
  const bool result = co_await body(which);
  co_return noted + (result ? 10 : 0);
}
Task<int> or_returned(bool which) {
  auto body = [](bool given) -> Task<bool> { co_return given || co_await note_later(1); };
  const bool result = co_await body(which);
  co_return noted + (result ? 10 : 0);
}
Task<int> conditional_returned(bool which) {
  auto body = [](bool taken) -> Task<int> { co_return taken ? co_await note_later(1) : 7; };
  const int result = co_await body(which);
  co_return noted + result;
}
Task<int> both_returned() {
  auto body = []() -> Task<bool> { co_return co_await number(0) && co_await note_later(1); };
  const bool result = co_await body();
  co_return noted + (result ? 10 : 0);
}
Task<int> and_added(bool which) {
  int value = 0;
  value += which && co_await note_later(1);
  co_return noted + value;
}
Task<int> and_argument(bool which) {
  note(which && co_await note_later(1));
  co_return noted;
}
Task<int> conditional_argument_of_numbers(bool which) {
  const int result = co_await number(which ? co_await note_later(1) : 7);
  co_return noted + result;
}
Task<int> and_converted(bool which) {
  const int value = which && co_await note_later(1);
  co_return noted + value;
}
Task<int> conditional_converted(bool which) {
  const bool value = which ? co_await note_later(1) : 7;
  co_return noted + (value ? 3 : 0);
}
Task<int> conditional_tested(bool which) {
  int value = 0;
  if (which ? co_await note_later(1) : 7) value = 3;
  co_return noted + value;
}
Task<int> and_compared(bool which) {
  const bool value = (which && co_await note_later(1)) == false;
  co_return noted + (value ? 3 : 0);
}
Task<int> and_before_or(bool which) {
  int value = 0;
  if ((which && co_await note_later(1)) || value == 0) value = 3;
  co_return noted + value;
}
Task<int> and_before_and(bool which) {
  int value = 3;
  if (which && co_await note_later(1) && value == 3) value = 0;
  co_return noted + value;
}
Task<int> or_chain(bool which) {
  int value = 0;
  if (which || co_await note_later(1) || co_await note_later(2)) value = 3;
  co_return noted + value;
}
Task<int> and_after_comma(bool which) {
  int value = 0;
  value = 3, which && co_await note_later(1);
  co_return noted + value;
}
Task<int> while_and() {
  int rounds = 0;
  while (++rounds < 3 && co_await note_later(rounds)) {
  }
  co_return noted;
}
Task<int> for_and() {
  for (int rounds = 1; rounds < 1 && co_await note_later(1); ++rounds) note(2);
  co_return noted;
}
Task<int> do_and(bool which) {
  int rounds = 0;
  do {
    ++rounds;
  } while (which && co_await note_later(1));
  co_return noted + rounds;
}
Task<int> and_of_a_variable(bool which) {
  const bool value = which && co_await note_later(1);
  co_return noted + (value ? 3 : 0);
}
Task<int> and_not_of_a_variable(bool which) {
  const bool value = !(which && co_await note_later(1));
  co_return noted + (value ? 3 : 0);
}
Task<int> and_assigned(bool which) {
  bool value = true;
  value = which && co_await note_later(1);
  co_return noted + (value ? 3 : 0);
}
Task<int> and_alone(bool which) {
  (void)(which && co_await note_later(1));
  co_return noted;
}
Task<int> and_in_a_condition(bool which) {
  int value = 0;
  if (which && co_await note_later(1) && co_await note_later(2)) value = 3;
  co_return noted + value;
}
Task<int> and_of_a_loop_variable(bool which) {
  while (const bool value = which && co_await note_later(1)) co_return noted + (value ? 3 : 0);
  co_return noted;
}
Task<int> conditional_of_a_long(bool which) {
  const long value = which ? co_await note_later(1) : 7;
  co_return noted + static_cast<int>(value);
}
Task<int> nested_conditional(bool which) {
  const int value = which ? co_await note_later(1) : noted == 0 ? 7 : co_await note_later(2);
  co_return noted + value;
}

// The left operand of a shift.
Task<int> shift_of_a_call() {
  const int value = note(3) << co_await number(2);
  co_return value;
}
Task<int> shift_of_an_await() {
  const int value = (co_await number(3)) << co_await number(2);
  co_return value;
}
Task<int> shift_of_a_constant() {
  const int value = 3 << co_await number(2);
  co_return value;
}
Task<int> shift_assigned() {
  int value = 3;
  value <<= co_await number(2);
  co_return value;
}

// What stands before an await.
struct Chain {
  int sum = 0;
  Chain& add(int digit) {
    sum += note(digit);
    return *this;
  }
  Chain& operator<<(int digit) { return add(digit); }
};
struct Numbered {
  Numbered(int first, int second) : first(first), second(second) {}
  int first;
  int second;
};
struct Holder {
  std::array<int, 4> values{};
  int& at_first() { return values[0]; }
};
Chain program_chain;
Chain made_chain(int digit) {
  note(digit);
  return Chain();
}
Chain& noted_chain(int digit) {
  note(digit);
  return program_chain;
}
std::array<int, 4> program_numbers{};
int* noted_numbers(int digit) {
  note(digit);
  return program_numbers.data();
}
int (*noted_function(int digit))(int) {
  note(digit);
  return note;
}
Holder noted_holder(int digit) {
  note(digit);
  return Holder();
}
Task<int Chain::*> member_later() {
  note(2);
  co_return &Chain::sum;
}
Task<int> chain_of_awaits() {
  Chain chain;
  chain.add(co_await note_later(1)).add(co_await note_later(2));
  co_return noted;
}
Task<int> chain_of_calls() {
  Chain chain;
  chain.add(1).add(co_await note_later(2));
  co_return noted;
}
Task<int> chain_awaited() {
  const int value = co_await note_later(noted_chain(1).add(co_await note_later(2)).sum);
  co_return noted + 0 * value;
}
Task<int> shift_of_an_object() {
  Chain chain;
  chain << note(1) << co_await note_later(2);
  co_return noted;
}
Task<int> subscript() {
  const int value = noted_numbers(1)[co_await note_later(2)];
  co_return noted + value;
}
Task<int> function_pointer() {
  const int value = noted_function(1)(co_await note_later(2));
  co_return noted + 0 * value;
}
Task<int> member_pointer() {
  const int value = noted_chain(1).*co_await member_later();
  co_return noted + value;
}
Task<int> braces_of_numbers() {
  const Numbers numbers{note(1), co_await note_later(2)};
  co_return noted + 0 * numbers.first;
}
Task<int> braces_designated() {
  const Numbers numbers{.first = note(1), .second = co_await note_later(2)};
  co_return noted + 0 * numbers.first;
}
Task<int> braces_of_an_array() {
  const int numbers[]{note(1), co_await note_later(2), note(3)};
  co_return noted + 0 * numbers[0];
}
Task<int> braces_of_constructor_arguments() {
  const Numbered numbers{note(1), co_await note_later(2)};
  co_return noted + 0 * numbers.first;
}
Task<int> braces_of_increments() {
  int value = 0;
  const Numbers numbers{++value, co_await note_later(value)};
  co_return noted + 0 * numbers.first;
}
Task<int> braces_of_a_new() {
  const std::unique_ptr<Numbers> numbers(new Numbers{note(1), co_await note_later(2)});
  co_return noted + 0 * numbers->first;
}
Task<int> comma_returned() {
  auto body = []() -> Task<int> { co_return note(1), co_await note_later(2); };
  const int value = co_await body();
  co_return noted + 0 * value;
}
Task<int> comma_argument() {
  const int value = note((note(1), co_await note_later(2)));
  co_return noted + 0 * value;
}
Task<int> comma_in_a_loop() {
  int rounds = 0;
  while (note(1), co_await note_later(rounds)) ++rounds;
  co_return noted;
}
Task<int> assigned_by_a_temporary() {
  noted_holder(2).at_first() = co_await note_later(1);
  co_return noted;
}
Task<int> assigned_to_an_awaited_place() {
  program_numbers[co_await note_later(2)] = note(1);
  co_return noted;
}
Task<int> chain_ends_in_a_call() {
  Chain chain;
  chain.add(co_await note_later(1)).add(2);
  co_return noted / 10;
}
Task<int> chain_of_an_object() {
  made_chain(1).add(co_await note_later(2));
  co_return noted / 10;
}
Task<int> call_of_a_pointers_object() {
  const auto chain = std::make_unique<Chain>();
  chain->add(co_await note_later(1));
  co_return noted;
}
Task<int> braces_end_in_a_call() {
  const Numbers numbers{co_await note_later(1), note(2)};
  co_return noted + 0 * numbers.first;
}
Task<int> braces_of_references() {
  const std::pair<int, int> numbers{note(1), co_await note_later(2)};
  co_return noted + 0 * numbers.first;
}
Task<int> comma_of_a_variable() {
  const int value = (note(1), co_await note_later(2));
  co_return noted + 0 * value;
}
Task<int> comma_alone() {
  note(1), co_await note_later(2);
  co_return noted;
}
Task<int> assigned_by_a_call() {
  *noted_numbers(2) = co_await note_later(1);
  co_return noted;
}
Task<int> added_by_a_call() {
  *noted_numbers(2) += co_await note_later(1);
  co_return noted;
}

constexpr auto rows = std::to_array<Row>({
    {"co_await Aggregate{object}", observed<aggregate_operand>, 3},
    {"co_await Aggregate(object)", observed<aggregate_operand_in_parentheses>, 3},
    {"co_await f(Aggregate{object, 2})", observed<aggregate_argument>, 3},
    {"co_await f(Aggregate(object, 2))", observed<aggregate_argument_in_parentheses>, 3},
    {"co_await f({object, 2})", observed<braced_argument>, 3},
    {"co_await f(), with f(Aggregate a = {})", observed<default_argument>, 3},
    {"co_await f(std::array<Object, 2>{a, b})", observed<array_argument>, 3},
    {"f(Aggregate{object, 1}) + co_await x", observed<aggregate_beside>, 3},
    {"co_await f(Aggregate{object, 1}.member)", observed<aggregate_member>, 3},
    {"co_await f(std::unique_ptr(new Aggregate{object, 2}))", observed<new_aggregate>, 3},
    {"Aggregate a{object, co_await x}", observed<aggregate_initializer>, 3},
    {"Aggregate a = Aggregate{object, co_await x}", observed<aggregate_initializer_with_equals>, 3},
    {"Aggregate a = {.first = object, .second = co_await x}", observed<designated_initializer>, 3},
    {"Aggregate a{co_await object, x}", observed<awaited_member>, 3},
    {"f({object, co_await x})", observed<braced_await>, 3},
    {"Aggregate a(object, co_await x)", observed<parenthesized_initializer>, 3},
    {"Object a[]{object, co_await x}", observed<array_initializer>, 3},
    {"co_await f([object] {…})", observed<lambda_argument>, 3},
    {"[object](int) {…}(co_await x)", observed<called_lambda>, 3},
    {"co_await [object]() -> Task {…}()", observed<lambda_awaited>, 3},
    {"[object, y = co_await x] {…}", observed<awaited_capture>, 3},
    {"c ? co_await object : other, c", observed<conditional_first, true>, 3},
    {"c ? co_await object : other, not c", observed<conditional_first, false>, 3},
    {"c ? object : co_await other, c", observed<conditional_second, true>, 3},
    {"c ? object : co_await other, not c", observed<conditional_second, false>, 3},
    {"co_await (c ? f() : g())", observed<conditional_operand>, 3},
    {"co_await f(c ? Object(3) : Object(1))", observed<conditional_argument>, 3},
    {"(c ? Object(2) : Object(1)).value() + co_await x", observed<conditional_beside>, 3},
    {"co_await x ? Object(3) : Object(0)", observed<conditional_condition>, 3},
    {"throw Object(co_await x)", observed<throw_object>, 3},
    {"throw co_await object", observed<throw_awaited>, 3},
    {"throw Aggregate{object, co_await x}", observed<throw_aggregate>, 3},
    {"co_await x ? throw Object(3) : 0", observed<throw_in_conditional>, 3},
    {"(co_await x, throw Object(3))", observed<throw_after_comma>, 3},
    {"co_await x || (throw Object(3), true)", observed<throw_after_or>, 3},
    {"(c ? throw Object(3) : 1) + co_await x", observed<throw_beside>, 3},
    {"new Object(co_await object)", observed<new_awaited>, 3},
    {"new Object{co_await object}", observed<new_awaited_in_braces>, 3},
    {"co_await f(std::unique_ptr(new Object(g())))", observed<new_result>, 3},
    {"({ g(); }).value() + co_await x", observed<statement_expression>, 3},
    {"Derived a{object, co_await x}", observed<derived_initializer>, 3},
    {"if (co_await x) with no variable", observed<if_condition>, 3},
    {"while (co_await x) with no variable", observed<while_condition>, 3},
    {"switch (co_await x) with no variable", observed<switch_condition>, 3},
    {"for (; co_await x;) with no variable", observed<for_condition>, 3},
    {"do … while (co_await x) with no variable", observed<do_condition>, 3},
    {"if (c) { if (co_await x) … } with no variable", observed<inner_condition>, 3},
    {"co_yield Aggregate{object, 2}", observed<sum_of<yield_aggregate>>, 3},
    {"co_yield {object, 2}", observed<sum_of<yield_braced>>, 3},
    {"co_await f(), with Awaiter& f()", observed<await_result>, 3},
    {"co_await *p, of a std::unique_ptr", observed<await_unique>, 3},
    {"co_await v[0], of a std::vector", observed<await_vector_element>, 3},
    {"co_await a[0], of an array", observed<await_array_element>, 3},
    {"co_await v[0].member", observed<await_member_of_result>, 3},
    {"co_await (variable)", observed<await_in_parentheses>, 3},
    {"co_await std::move(variable), of an awaiter", observed<await_moved>, 3},
    {"co_await (c ? a : b), of awaiters", observed<await_conditional>, 3},
    {"co_await capture", observed<await_capture>, 3},
    {"[this] { co_await member; }", observed<await_member_in_lambda>, 3},
    {"co_await x, with Awaiter& operator co_await()", observed<await_operator>, 3},
    {"co_await x, with Awaiter& await_transform(x)", observed<await_transformed>, 3},
    {"co_yield x, with Awaiter& yield_value(x)", observed<yield_to_a_reference>, 3},
    {"alignas(double) std::byte a[8]", observed<aligned_bytes>, 3},
    {"alignas(16) int a", observed<aligned_number>, 3},
    {"{ alignas(16) int a; } co_await x", observed<aligned_before_a_suspension>, 3},
    {"__attribute__((aligned(16))) char a[16]", observed<aligned_by_attribute>, 3},
    {"co_return c && co_await x, not c", observed<and_returned, false>, 0},
    {"co_return c || co_await x, c", observed<or_returned, true>, 10},
    {"co_return c ? co_await x : y, not c", observed<conditional_returned, false>, 7},
    {"co_return co_await x && co_await y, not x", observed<both_returned>, 0},
    {"a += c && co_await x, not c", observed<and_added, false>, 0},
    {"f(c && co_await x), not c", observed<and_argument, false>, 0},
    {"co_await f(c ? co_await x : y), not c", observed<conditional_argument_of_numbers, false>, 7},
    {"int a = c && co_await x, not c", observed<and_converted, false>, 0},
    {"bool a = c ? co_await number : y, not c", observed<conditional_converted, false>, 3},
    {"if (c ? co_await number : y), not c", observed<conditional_tested, false>, 3},
    {"(c && co_await x) == false, not c", observed<and_compared, false>, 3},
    {"if ((c && co_await x) || y), not c", observed<and_before_or, false>, 3},
    {"if (c && co_await x && y), not c", observed<and_before_and, false>, 3},
    {"if (c || co_await x || co_await y), c", observed<or_chain, true>, 3},
    {"a, c && co_await x; not c", observed<and_after_comma, false>, 3},
    {"while (++a < 3 && co_await x)", observed<while_and>, 12},
    {"for (; c && co_await x;), not c", observed<for_and>, 0},
    {"do … while (c && co_await x), not c", observed<do_and, false>, 1},
    {"int a = f() << co_await x", observed<shift_of_a_call>, 12},
    {"int a = (co_await x) << co_await y", observed<shift_of_an_await>, 12},
    {"a.f(co_await x).f(co_await y)", observed<chain_of_awaits>, 1122},
    {"a.f(1).f(co_await x)", observed<chain_of_calls>, 122},
    {"co_await g(f().h(co_await x))", observed<chain_awaited>, 1222},
    {"a << f() << co_await x, of an object", observed<shift_of_an_object>, 1122},
    {"f()[co_await x]", observed<subscript>, 12},
    {"f()(co_await x)", observed<function_pointer>, 122},
    {"f().*co_await x", observed<member_pointer>, 12},
    {"Numbers a{f(), co_await x}", observed<braces_of_numbers>, 12},
    {"Numbers a{.first = f(), .second = co_await x}", observed<braces_designated>, 12},
    {"int a[]{f(), co_await x, g()}", observed<braces_of_an_array>, 123},
    {"HasConstructor a{f(), co_await x}", observed<braces_of_constructor_arguments>, 12},
    {"Numbers a{++b, co_await f(b)}", observed<braces_of_increments>, 1},
    {"new Numbers{f(), co_await x}", observed<braces_of_a_new>, 12},
    {"co_return f(), co_await x", observed<comma_returned>, 12},
    {"g((f(), co_await x))", observed<comma_argument>, 122},
    {"while (f(), co_await x)", observed<comma_in_a_loop>, 10},
    {"f(g()).h() = co_await x, of an object f()", observed<assigned_by_a_temporary>, 12},
    {"a[co_await x] = f()", observed<assigned_to_an_awaited_place>, 12},

    {"Aligned a, with struct alignas(16) Aligned", observed<aligned_type>, 3},
    {"Aligned a, with a member alignas(16)", observed<aligned_member>, 3},
    {"alignas(64) static int a", observed<aligned_static>, 3},
    {"co_await variable", observed<await_variable>, 3},
    {"auto& r = f(); co_await r", observed<await_reference>, 3},
    {"co_await *p, of a pointer", observed<await_pointer>, 3},
    {"co_await a.member, co_await p->member", observed<await_member>, 3},
    {"co_await p->member, of a std::unique_ptr", observed<await_member_of_unique>, 3},
    {"co_await x, with Awaiter await_transform(x)", observed<await_transformed_by_value>, 3},
    {"Numbers a{co_await x, co_await y}", observed<plain_initializer>, 3},
    {"co_await f({1, co_await x})", observed<plain_argument>, 3},
    {"co_await f([number] {…})", observed<plain_capture>, 3},
    {"co_await f(HasConstructor{3})", observed<braces_of_a_constructor>, 3},
    {"Aggregate a{co_await x}, of the same type", observed<braces_of_a_copy>, 3},
    {"co_await f(Aggregate())", observed<default_constructor>, 3},
    {"co_await f(g()), with Aggregate g()", observed<function_result>, 3},
    {"co_await f([&] { … Aggregate{object, 2} … })", observed<aggregate_in_a_lambda>, 3},
    {"throw co_await x, of a number", observed<throw_number>, 3},
    {"auto a = co_await x; throw Object(a)", observed<throw_after_await>, 3},
    {"if (auto a = co_await x; a) throw Object(a)", observed<throw_below_a_condition>, 3},
    {"(co_await x, throw object)", observed<throw_a_copy>, 3},
    {"[](int a) { throw Object(a); }(co_await x)", observed<throw_in_a_lambda>, 3},
    {"std::make_exception_ptr(Object(co_await x))", observed<exception_pointer>, 3},
    {"new Object(co_await number)", observed<new_by_constructor>, 3},
    {"std::make_unique<Object>(co_await object)", observed<make_unique_awaited>, 3},
    {"co_await f({object, 2}), to a Derived", observed<derived_argument>, 3},
    {"f(Guard{3}) + co_await x", observed<guard_argument>, 3},
    {"c ? co_await x : 0", observed<conditional_of_numbers>, 3},
    {"co_await f(c ? a : b)", observed<conditional_of_names>, 3},
    {"int a; if (co_await x)", observed<condition_after_a_variable>, 3},
    {"while (co_await x) { int a; … }", observed<condition_before_a_variable>, 3},
    {"[]() -> Task { if (co_await x) … }", observed<condition_in_a_lambda>, 3},
    {"bool a = c && co_await x, not c", observed<and_of_a_variable, false>, 0},
    {"bool a = !(c && co_await x), not c", observed<and_not_of_a_variable, false>, 3},
    {"a = c && co_await x, not c", observed<and_assigned, false>, 0},
    {"c && co_await x; not c", observed<and_alone, false>, 0},
    {"if (c && co_await x && co_await y), not c", observed<and_in_a_condition, false>, 0},
    {"while (bool a = c && co_await x), not c", observed<and_of_a_loop_variable, false>, 0},
    {"long a = c ? co_await x : y, not c", observed<conditional_of_a_long, false>, 7},
    {"int a = c ? co_await x : d ? y : co_await z", observed<nested_conditional, false>, 7},
    {"int a = 3 << co_await x", observed<shift_of_a_constant>, 12},
    {"a <<= co_await x", observed<shift_assigned>, 12},
    {"a.f(co_await x).f(2)", observed<chain_ends_in_a_call>, 11},
    {"f().g(co_await x), of an object f()", observed<chain_of_an_object>, 12},
    {"p->f(co_await x)", observed<call_of_a_pointers_object>, 11},
    {"Numbers a{co_await x, f()}", observed<braces_end_in_a_call>, 12},
    {"std::pair<int, int> a{f(), co_await x}", observed<braces_of_references>, 12},
    {"int a = (f(), co_await x)", observed<comma_of_a_variable>, 12},
    {"f(), co_await x;", observed<comma_alone>, 12},
    {"*f() = co_await x", observed<assigned_by_a_call>, 12},
    {"*f() += co_await x", observed<added_by_a_call>, 12},
});

}  // namespace

// A coroutine whose body the compiler dropped may end the process, so each form has its own
// process.
int main() {
  for (const Row& row : rows) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) return battery::report(std::span(&row, 1));
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) return 1;
    if (WIFSIGNALED(status)) {
      std::printf("WRONG  %s  (signal %d)\n", row.form.data(), WTERMSIG(status));
    }
  }
}
