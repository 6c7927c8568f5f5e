// Forms of co_await as a user of weft might write them. weft-lint must find exactly the lines that
// end in `finds:` and a rule, one finding for each; never compiled (lint_test.py). Each row of the
// table in docs/decisions/002-gxx12-coroutine-rules.md is here, and what looks like one and is not.
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

struct Order {
  std::string customer = "none";
  int pieces = 0;
};

struct Point {
  double x = 0;
  double y = 0;
};

/// An aggregate by its base alone.
struct NamedOrder : Order {
  int number = 0;
};

/// No member of it has to be destroyed.
struct Counter {
  int* target;
  ~Counter() { ++*target; }
};

class Session {
 public:
  Session(std::string name, int number = 0) : name_(std::move(name)), number_(number) {}
  int number() const { return number_; }

 private:
  std::string name_;
  int number_;
};

/// An awaiter that is an aggregate.
struct Signal {
  std::shared_ptr<int> state;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return *state; }
};

weft::Task<int> number() { co_return 1; }
weft::Task<std::string> name() { co_return "name"; }
weft::Task<Order> next_order() { co_return Order(); }
weft::Task<int> ship(Order order) { co_return order.pieces; }
weft::Task<int> ship_later(Order order = {}) { co_return order.pieces; }
weft::Task<int> ship_all(std::array<Order, 2> orders) { co_return orders[0].pieces; }
weft::Task<int> ship_many(std::vector<Order> orders) { co_return orders[0].pieces; }
weft::Task<int> draw(Point point = {}) { co_return static_cast<int>(point.x); }
weft::Task<int> greet(std::string text) { co_return static_cast<int>(text.size()); }
weft::Task<int> greet_all(std::vector<std::string> texts) {
  co_return static_cast<int>(texts.size());
}
weft::Task<int> enter(Session session = Session("default")) { co_return session.number(); }
int pieces(const Order& order) { return order.pieces; }
Order empty_order() { return {}; }
int count(const Counter& counter) { return *counter.target; }
weft::Task<int> ship_named(NamedOrder order) { co_return order.number; }
weft::Task<int> greet_owned(std::unique_ptr<std::string> text) {
  co_return static_cast<int>(text->size());
}
int at_least(int least, int value = 1) { return value < least ? throw std::string("low") : value; }
int or_throw(int value = std::string("a").empty() ? throw std::string("empty") : 1) {
  return value;
}
template <class F>
weft::Task<int> call(F function) {
  co_return function();
}

weft::Task<int> temporaries(std::shared_ptr<int> state) {
  int sum = co_await Signal{state};                       // finds: aggregate
  sum += co_await Signal(state);                          // finds: aggregate
  sum += co_await ship(Order{"one", 2});                  // finds: aggregate
  sum += co_await ship(Order("one", 2));                  // finds: aggregate
  sum += co_await ship({"one", 2});                       // finds: aggregate
  sum += co_await ship({});                               // finds: aggregate
  sum += co_await ship({.pieces = 2});                    // finds: aggregate
  sum += co_await ship_later();                           // finds: default-argument
  const std::array<Order, 1> named{Order("a")};           // no co_await
  sum += co_await ship_all({Order{}, named[0]});          // finds: aggregate
  sum += pieces(Order{"one", 2}) + co_await number();     // finds: aggregate
  auto moved = std::make_unique<Order>(Order{"one", 2});  // no co_await
  sum += co_await ship(std::move(*moved));
  sum += co_await greet(Order{"one", 2}.customer);  // finds: aggregate
  co_return sum;
}

weft::Task<int> initializers(std::string customer) {
  Order braces{customer, co_await number()};                                   // finds: aggregate
  Order equals = {customer, co_await number()};                                // finds: aggregate
  Order repeated = Order{customer, co_await number()};                         // finds: aggregate
  Order designated{.customer = customer, .pieces = co_await number()};         // finds: aggregate
  Order first{co_await name(), 2};                                             // finds: aggregate
  Order round(customer, co_await number());                                    // finds: aggregate
  std::string list[]{customer, co_await name()};                               // finds: aggregate
  const int sum = pieces({customer, co_await number()});                       // finds: aggregate
  braces = {customer, co_await number()};                                      // finds: aggregate
  auto made = std::unique_ptr<Order>(new Order{customer, co_await number()});  // finds: aggregate
  co_return sum + braces.pieces + equals.pieces + repeated.pieces + designated.pieces +
      first.pieces + round.pieces + made->pieces + static_cast<int>(list[0].size());
}

weft::Task<int> lambdas(std::string text, std::unique_ptr<int> owned, std::shared_ptr<int> shared) {
  int sum = co_await call([text] { return text.empty() ? 1 : 2; });           // finds: lambda
  sum += co_await call([=] { return *shared; });                              // finds: lambda
  sum += co_await call([owned = std::move(owned)] { return *owned; });        // finds: lambda
  sum += [text](int more) { return more; }(co_await number());                // finds: lambda
  auto later = [text, more = co_await number()] { return more; };             // finds: lambda
  sum += co_await weft::spawn([text]() -> weft::Task<int> { co_return 1; });  // finds: lambda
  co_return sum + later();
}

weft::Task<int> conditionals(bool flag, std::string text) {
  const std::string first = flag ? co_await name() : text;                  // finds: conditional
  const std::string second = flag ? text : co_await name();                 // finds: conditional
  int sum = co_await (flag ? number() : greet(text));                       // finds: conditional
  sum += co_await greet(flag ? std::move(text) : "nothing");                // finds: conditional
  sum += co_await number() + pieces(flag ? empty_order() : empty_order());  // finds: conditional
  co_return sum + static_cast<int>(first.size() + second.size());
}

weft::Task<int> throw_described() {
  throw weft::IoError(std::error_code(), "ask", co_await name());  // finds: throw
}
weft::Task<int> throw_joined() {
  throw std::runtime_error("code " + std::to_string(co_await number()));  // finds: throw
}
weft::Task<int> throw_received() {
  throw co_await name();  // finds: throw
}
weft::Task<int> throw_aggregate(std::string customer) {
  throw Order{customer, co_await number()};  // finds: aggregate
}
weft::Task<int> throws_within(bool flag, std::string text) {
  int sum = flag ? throw std::runtime_error(co_await name()) : 3;  // finds: throw
  sum += co_await number() == 1 ? throw Session(text) : 3;         // finds: throw
  sum += (flag ? throw Session(text) : 3) + co_await number();     // finds: throw
  (void)(co_await number() == 1 || (throw Session(text), true));   // finds: throw
  co_await weft::yield_now(), throw Session(text);                 // finds: throw
  sum += co_await draw(flag ? Point() : throw Session(text));      // finds: throw
  sum += or_throw() + co_await number();                           // finds: default-argument
  throw Session(text + "in a statement of its own", sum);
}
weft::AsyncGenerator<int> throws_beside_a_yield(bool flag, std::string text) {
  co_yield flag ? 1 : throw Session(text);  // finds: throw
  if (flag) throw Session(text);
}
template <class E>
weft::Task<int> throws_a_template(int value) {
  if (value == 1) throw E(co_await name());  // finds: throw
  co_return value;
}
template <class E>
weft::Task<int> throws_a_number(int value) {
  if (value == 1) throw E(co_await number());
  co_return value;
}
weft::Task<int> both_throw() {
  const int first = co_await throws_a_template<std::runtime_error>(1);
  co_return first + co_await throws_a_number<int>(1);
}

weft::Task<int> allocations(std::string text) {
  auto first = std::unique_ptr<std::string>(new std::string(co_await name()));   // finds: new
  auto second = std::unique_ptr<std::string>(new std::string{co_await name()});  // finds: new
  auto third = std::unique_ptr<Order>(new Order(co_await next_order()));         // finds: new
  auto fourth = std::unique_ptr<Order>(new Order{co_await next_order()});        // finds: new
  int sum = co_await greet_owned(
      std::unique_ptr<std::string>(new std::string(text + "b")));        // finds: new
  sum += pieces(__extension__({ empty_order(); })) + co_await number();  // finds: statement
  NamedOrder named{Order(), co_await number()};                          // finds: aggregate
  co_return sum + named.number + first->size() + second->size() + third->pieces + fourth->pieces;
}

weft::Task<bool> is_known(const std::string* text, bool flag) {
  if (flag) co_return text&& co_await greet(*text) > 1;  // finds: untaken
  co_return flag || co_await number();                   // finds: untaken
}
weft::Task<int> factorial(int value) {
  co_return value <= 1 ? 1 : value* co_await factorial(value - 1);  // finds: untaken
}
weft::Task<int> untaken_operands(bool flag, int count) {
  int sum = flag && co_await number();                                 // finds: untaken
  sum += flag ? co_await number() : 0;                                 // finds: untaken
  sum += flag && co_await number() ? 1 : 0;                            // finds: untaken
  sum += at_least(flag ? co_await number() : 7);                       // finds: untaken
  sum = co_await greet(std::string(3, flag ? co_await number() : 7));  // finds: untaken
  const bool is_tested = flag ? co_await number() : sum;               // finds: untaken
  if (flag ? co_await number() : sum) ++sum;                           // finds: untaken
  if ((flag && co_await number()) || sum == 1) ++sum;                  // finds: untaken
  if (flag || co_await number() || co_await number()) ++sum;           // finds: untaken
  if (flag && co_await number() && is_tested) ++sum;                   // finds: untaken
  while (++count < 3 && co_await number()) ++sum;                      // finds: untaken
  for (; count < 9 && co_await number(); ++count) ++sum;               // finds: untaken
  do {
    ++sum;
  } while (++count < 20 && co_await number());  // finds: untaken
  sum = 3, flag && co_await number();  // finds: untaken
  const int wrapped = __extension__({
    bool b = flag && co_await number();  // finds: untaken
    b;
  });
  co_return sum + wrapped;
}
template <class T>
weft::Task<bool> untaken_in_a_template_never_used(T value) {
  co_return value&& co_await number();  // finds: untaken
}
weft::Task<void> operands_as_if(bool flag, int count) {
  const bool both = flag && co_await number();
  const bool neither = !(flag || co_await number());
  const long either = flag ? co_await number() : 7;
  int value = 0;
  value = flag ? co_await number() : 7;
  if (flag && co_await number() == 1 && co_await number() == 2) ++value;
  if (!(flag && co_await number())) ++value;
  while (const bool is_more = flag && co_await number()) value += is_more;
  for (; count < 3; value = flag ? co_await number() : 7) ++count;
  flag ? co_await weft::yield_now() : void();
  (void)(flag && co_await number());
  if (co_await number() == 1 && flag && !both && !neither && either == 1) ++value;
  auto body = [flag](int more) { return flag && more == 1; };
  if (body(co_await number())) ++value;
  co_return (void)(flag && co_await number());
}

weft::Task<int> shifts(int value) {
  const int first = value << co_await number();           // finds: shift
  int second = (co_await number()) >> co_await number();  // finds: shift
  second <<= co_await number();
  co_return first + second + (1 << co_await number()) + ((co_await number()) << 2);
}

/// Its calls change it.
struct Sum {
  int sum = 0;
  std::vector<int> values;
  Sum& add(int value) {
    sum += value;
    return *this;
  }
  Sum plus(int value) const { return Sum{sum + value, {}}; }
  const Sum& same() const { return *this; }
  Sum& operator<<(int value) { return add(value); }
  int operator()(int value) { return value; }
};
struct Numbered {
  Numbered(int first, int second) : sum(first + second) {}
  int sum;
};
struct Numbers {
  int first = 0;
  int second = 0;
};
int next_number();
int* numbers_of(int value);
Sum& line_of(int value);
weft::Task<int> orders_of_evaluation(Sum line, std::map<int, int> known, Sum* other) {
  line.add(co_await number()).add(co_await number());                // finds: order
  line.add(1).add(co_await number());                                // finds: order
  other->add(1).add(co_await number());                              // finds: order
  line << next_number() << co_await number();                        // finds: order
  int sum = numbers_of(1)[co_await number()];                        // finds: order
  sum += line_of(1)(co_await number());                              // finds: order
  const Numbers braces{next_number(), co_await number()};            // finds: order
  const Numbers named{.first = ++sum, .second = co_await number()};  // finds: order
  const int array[]{1, next_number(), co_await number()};            // finds: order
  const Numbered made{next_number(), co_await number()};             // finds: order
  sum += at_least((next_number(), co_await number()));               // finds: order
  while (next_number(), co_await number()) ++sum;                    // finds: order
  known[next_number()] = co_await number();                          // finds: order
  line.values[co_await number()] = next_number();                    // finds: order
  co_return sum + braces.first + named.first + array[0] + made.sum;
}
weft::Task<int> orders_as_written(Sum line, std::unique_ptr<Sum> owned, std::string text) {
  line.add(co_await number()).add(next_number());
  owned->add(co_await number());
  (*owned).add(co_await number());
  std::move(line).add(co_await number());
  line.same().plus(co_await number());
  line.plus(1).plus(co_await number());
  line.values.back() = co_await number();
  line.values[next_number()] = co_await number();
  *numbers_of(1) += co_await number();
  text.append(co_await name()).append(text);
  const Numbers braces{co_await number(), next_number()};
  const Numbers variables{braces.first, co_await number()};
  const std::pair<int, int> pair{next_number(), co_await number()};
  const int last = (next_number(), co_await number());
  next_number(), co_await number();
  co_return at_least(next_number(), co_await number()) + pair.first + last + variables.first;
}

weft::Task<int> if_alone() {
  if (co_await number()) co_return 1;  // finds: condition
  co_return 0;
}
weft::Task<int> while_alone(int limit) {
  while (co_await number() < limit) co_await weft::yield_now();  // finds: condition
  co_return 0;
}
weft::Task<int> switch_alone() {
  switch (co_await number()) {  // finds: condition
    case 1:
      co_return 1;
    default:
      co_return 0;
  }
}
weft::Task<int> for_alone() {
  for (; co_await number();) co_return 1;  // finds: condition
  co_return 0;
}
weft::Task<int> do_alone(int& count) {
  do {  // finds: condition
    ++count;
  } while (co_await number() == 0);
  co_return count;
}
template <class T>
weft::Task<T> if_in_a_template_never_used(T value) {
  if (co_await number()) co_return value;  // finds: condition
  co_return T();
}

weft::AsyncGenerator<Order> orders(std::string customer) {
  co_yield Order{customer, 2};  // finds: aggregate
  co_yield {customer, 2};       // finds: aggregate
  co_yield empty_order();
  Order named{customer, 3};
  co_yield std::move(named);
}

weft::Task<int> what_gxx12_refuses(std::string text) {
  int declared_here(int);                               // finds: function
  int sum = co_await greet_all({text, "two"});          // finds: list
  sum += co_await ship_many({empty_order()});           // finds: list
  const std::vector<int> listed{co_await number(), 2};  // finds: list
  sum += std::max({co_await number(), listed[0]});      // finds: list
  sum += std::max({1, 2}) + co_await number();          // finds: list
  const std::vector<int> calm{1, 2};
  for (int each : {co_await number(), calm[0]}) sum += each;
  if (text + "b" == "ab" && co_await number() == 1) sum += 1;  // finds: short-circuit
  co_return sum;
}

template <class T>
weft::Task<int> in_a_template(T value) {
  co_return co_await call([value] { return sizeof(value) > 1 ? 1 : 2; });  // finds: lambda
}
template <class T>
weft::Task<int> in_a_template_of_numbers(T value) {
  co_return co_await call([value] { return sizeof(value) > 1 ? 1 : 2; });
}
weft::Task<int> both_templates() {
  const int first = co_await in_a_template(std::string());
  co_return first + co_await in_a_template_of_numbers(7);
}

/// A coroutine type of another library, with an awaiter that keeps its state in itself.
struct Plain {
  struct promise_type {
    Plain get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {}
  };
};
struct Event {
  bool is_set = false;
  bool await_ready() const noexcept { return is_set; }
  void await_suspend(std::coroutine_handle<>) noexcept { is_set = true; }
  void await_resume() const noexcept {}
};
struct Stateless {
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const noexcept {}
};
struct Notified {
  Event event;
  std::unique_ptr<Event> owned;
  Event& operator co_await() noexcept { return event; }
  Plain members() {
    co_await event;
    co_await this->event;
    co_await *owned;                                    // finds: copy
    auto body = [this]() -> Plain { co_await event; };  // finds: copy
    body();
  }
};
/// Its promise gives back what is awaited.
struct Forwarding {
  struct promise_type : Plain::promise_type {
    Forwarding get_return_object() const noexcept { return {}; }
    template <class A>
    A&& await_transform(A&& awaitable) const noexcept {
      return static_cast<A&&>(awaitable);
    }
    Event& yield_value(Event& event) const noexcept { return event; }
  };
};
Event& event_of_program() {
  static Event event;
  return event;
}
Stateless& stateless_of_program() {
  static Stateless stateless;
  return stateless;
}
Plain awaiters_in_their_place(std::vector<Event> events, std::unique_ptr<Event> owned, Event* raw,
                              std::unique_ptr<Notified> notified, Event given, bool flag) {
  Event array[2];
  co_await event_of_program();          // finds: copy
  co_await *owned;                      // finds: copy
  co_await *owned.get();                // finds: copy
  co_await events[0];                   // finds: copy
  co_await array[0];                    // finds: copy
  co_await *array;                      // finds: copy
  co_await (given);                     // finds: copy
  co_await std::move(given);            // finds: copy
  co_await static_cast<Event&>(given);  // finds: copy
  co_await (flag ? given : *raw);       // finds: copy
  co_await *notified;                   // finds: copy
  co_await (*notified).event;           // finds: copy
  co_await *notified->owned;            // finds: copy
  Event** outer = &raw;
  co_await **outer;                                                // finds: copy
  auto body = [&given]() -> Plain { co_await given; };             // finds: copy
  auto owner = [given]() mutable -> Plain { co_await given; };     // finds: copy
  auto renamed = [&other = given]() -> Plain { co_await other; };  // finds: copy
  body(), owner(), renamed();
}
Plain harmless_awaiters(std::vector<Event> events, std::unique_ptr<Event> owned, Event* raw,
                        std::unique_ptr<Notified> notified, Event given) {
  Event& named = event_of_program();
  co_await named;
  co_await (named);
  co_await given;
  co_await *raw;
  co_await Event();
  co_await notified->event;
  co_await stateless_of_program();
  for (Event& each : events) co_await each;
  auto& [event, pointer] = *notified;
  co_await event;
  auto body = [&given]() -> Plain {
    Event& inner = given;
    co_await inner;
  };
  body();
  auto passed = [](Event& inner) -> Plain { co_await inner; };
  passed(*owned);
}
Forwarding forwarded(Event given) {
  co_await given;  // finds: copy
  co_yield given;  // finds: copy
  co_await Event();
}
/// weft's promise gives a reference to it by value.
weft::Task<int> awaiters_in_a_task(std::unique_ptr<Event> owned, Event given) {
  co_await *owned;
  co_await event_of_program();
  auto body = [&given]() -> weft::Task<int> {
    co_await given;
    co_return 1;
  };
  co_return co_await body();
}

/// Over-aligned types: g++ 12 aligns what the frame's own alignment allows.
struct alignas(64) Line {
  char data[64];
};
struct alignas(128) TwoLines {
  char data[128];
};
struct HoldsTwoLines {
  char tag = 0;
  alignas(256) int value = 128;
};
weft::Task<int> aligned_variables(TwoLines given) {  // finds: frame-alignment
  alignas(double) std::byte room[sizeof(double)];    // finds: alignment
  alignas(64) int number_of_its_own = 1;             // finds: alignment
  [[gnu::aligned(32)]] char text[32] = {};           // finds: alignment
  TwoLines lines{};                                  // finds: frame-alignment
  HoldsTwoLines holder;                              // finds: frame-alignment
  int sum = co_await number();
  for (alignas(16) int i = 0; i < 2; ++i) sum += co_await number();  // finds: alignment
  {
    alignas(16) int not_across_a_suspension = sum;  // finds: alignment
    sum += not_across_a_suspension;
  }
  auto body = [](int more) -> weft::Task<int> {
    alignas(16) int in_a_lambda = more;  // finds: alignment
    co_return in_a_lambda;
  };
  sum += co_await body(number_of_its_own);
  co_return sum + static_cast<int>(room[0]) + text[0] + lines.data[0] + holder.value +
      given.data[0];
}
weft::Task<int> harmless_alignments(Line given) {
  alignas(64) static int of_the_program = 1;
  alignas(64) thread_local int of_the_thread = 1;
  struct Room {
    alignas(16) std::byte bytes[16];
    int number = 128;
  } room{};
  Line line{};
  auto lines = std::make_unique<TwoLines>();
  TwoLines& named = *lines;
  const int sum = co_await number();
  auto plain = [](int value) {
    alignas(64) int own = value;
    return own;
  };
  co_return plain(sum) + of_the_program + of_the_thread + room.number + line.data[0] +
      named.data[0] + given.data[0];
}
int no_coroutine(int value) {
  alignas(64) int own = value;
  return own;
}

/// What g++ 12 has right, though it resembles a row of the table.
weft::Task<int> harmless(bool flag, std::string text, Order given, int* target) {
  int sum = co_await draw({1, 2});
  sum += co_await draw();
  Point point{1, static_cast<double>(co_await number())};
  std::array<int, 2> numbers{co_await number(), co_await number()};
  sum += co_await enter(Session{text, 2});
  sum += co_await enter({text, 2});
  sum += co_await enter();
  sum += co_await greet({});
  sum += co_await greet(std::string{text});
  sum += co_await ship(Order(given));
  sum += co_await ship(Order());
  sum += co_await ship(empty_order());
  Order copy{co_await next_order()};
  auto [customer, count] = co_await next_order();
  sum += co_await call([&text] { return text.empty() ? 1 : 2; });
  sum += co_await call([target, sum] { return *target + sum; });
  sum += co_await call([&] { return pieces(Order{text, 2}); });
  sum += co_await greet(flag ? text : customer);
  if (co_await number() == 1) sum += copy.pieces;
  while (co_await number() == 2) ++sum;
  auto named = [text] { return text.empty() ? 1 : 2; };
  sum += co_await call(std::move(named));
  auto task = ship({text, 2});
  sum += co_await std::move(task);
  auto handle = weft::spawn([text, given]() -> weft::Task<int> {
    const Order inner{text, given.pieces};
    co_return co_await ship(inner);
  });
  sum += co_await std::move(handle);
  co_return sum + static_cast<int>(point.x) + numbers[0] + count;
}
weft::Task<int> harmless_throws(bool flag, std::string text) {
  if (const int value = co_await number(); value == 1) throw Session(text, value);
  if (flag) throw co_await number();
  int sum = flag ? throw 1 : co_await number();
  sum += [](int value) { return value == 1 ? throw Session("inner") : value; }(co_await number());
  sum += at_least(co_await number());
  sum += (noexcept(throw Session(text)) ? 1 : 0) + co_await number();
  const auto error = std::make_exception_ptr(Session(co_await name()));
  auto body = [text]() -> weft::Task<int> { throw Session(text); };
  sum += co_await body();
  const Session named(co_await name());
  throw named;
}
weft::Task<int> harmless_allocations(std::string text, int& target) {
  int sum = co_await greet_owned(std::make_unique<std::string>(text + "b"));
  sum += co_await greet_owned(std::unique_ptr<std::string>(new std::string(text)));
  sum += co_await greet_owned(std::unique_ptr<std::string>(new std::string(3, 'x')));
  auto made = std::make_unique<std::string>(co_await name());
  auto number_alone = std::unique_ptr<int>(new int(co_await number()));
  sum += co_await ship_named({Order(), 2});
  sum += count(Counter{&target}) + co_await number();
  co_return sum + *number_alone + static_cast<int>(made->size());
}
weft::Task<int> condition_in_a_lambda() {
  auto body = []() -> weft::Task<int> {
    if (co_await number()) co_return 1;
    co_return 0;
  };
  co_return co_await body();
}

weft::Task<int> allowed(std::string text) {
  int sum = co_await ship({text, 2});  // weft-lint-allow: a test of the comment
  // weft-lint-allow: the same, above the line
  sum += co_await ship({text, 2});
  co_return sum;
}
weft::Task<int> allowed_without_a_reason(std::string text) {
  co_return co_await ship({text, 2});  // weft-lint-allow  finds: aggregate
}

}  // namespace
