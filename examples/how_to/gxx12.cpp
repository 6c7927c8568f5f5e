// What g++ 12 miscompiles, written so that every compiler has it right.
#include <coroutine>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <weft/weft.hpp>

// [aggregate]
struct Order {
  std::string customer;
  int pieces = 0;
};

weft::Task<int> ship(Order order) { co_return order.pieces; }
weft::Task<int> count_pieces(std::string customer) { co_return static_cast<int>(customer.size()); }

weft::Task<int> order_for(std::string customer) {
  // Wrong: co_return co_await ship({customer, co_await count_pieces(customer)});
  const int pieces = co_await count_pieces(customer);
  Order order{customer, pieces};
  co_return co_await ship(std::move(order));
}
// [/aggregate]

// [lambda]
weft::Task<int> order_in_a_scope(std::string customer) {
  int pieces = 0;
  // Wrong: co_await weft::scope([customer, &pieces](weft::Scope&) -> weft::Task<void> {…});
  auto body = [customer, &pieces](weft::Scope&) -> weft::Task<void> {
    pieces = co_await order_for(customer);
  };
  co_await weft::scope(std::move(body));
  co_return pieces;
}
// [/lambda]

// [conditional]
weft::Task<int> order_or_count(std::string customer, bool is_order) {
  // Wrong: co_return co_await (is_order ? order_for(customer) : count_pieces(customer));
  if (is_order) co_return co_await order_for(customer);
  co_return co_await count_pieces(customer);
}
// [/conditional]

// [condition]
weft::Task<std::string> size_of_order() {
  // Wrong: if (co_await order_for("alice") > 4) co_return "large";
  const int pieces = co_await order_for("alice");
  if (pieces > 4) co_return "large";
  co_return "small";
}

weft::Task<int> read_all(weft::Receiver<std::string> orders) {
  int letters = 0;
  while (auto order = co_await orders.receive()) {  // right: it declares a variable
    letters += static_cast<int>(order->size());
  }
  co_return letters;
}
// [/condition]

// [untaken]
weft::Task<bool> is_large(const std::string* customer) {
  // Wrong: co_return customer != nullptr && co_await order_for(*customer) > 4;
  if (customer == nullptr) co_return false;
  const int pieces = co_await order_for(*customer);
  co_return pieces > 4;
}
// [/untaken]

// [order]
weft::Task<std::string> label(std::string customer) {
  std::string text;
  // Wrong: text.append(customer).append(std::to_string(co_await order_for(customer)));
  const int pieces = co_await order_for(customer);
  text.append(customer).append(std::to_string(pieces));
  co_return text;
}
// [/order]

// [throw]
weft::Task<int> refuse(std::string customer) {
  // Wrong: throw std::runtime_error("too many: " + std::to_string(co_await order_for(customer)));
  const int pieces = co_await order_for(std::move(customer));
  throw std::runtime_error("too many: " + std::to_string(pieces));
}
// [/throw]

/// A coroutine of another library: it begins at once, and nothing waits for its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

// [awaiter]
struct Bell {
  std::coroutine_handle<> waiting;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept { waiting = self; }
  void await_resume() const noexcept {}
};

Detached answer(std::unique_ptr<Bell>& bell) {
  // Wrong: co_await *bell;
  Bell& named = *bell;
  co_await named;
  std::puts("the bell rang");
}
// [/awaiter]

// [alignment]
struct Room {
  alignas(16) std::byte bytes[64];
};

weft::Task<bool> is_room_aligned() {
  // Wrong: alignas(16) std::byte bytes[64];
  Room room;
  co_await weft::yield_now();
  // SAFETY: the number is only looked at.
  co_return reinterpret_cast<std::uintptr_t>(room.bytes) % 16 == 0;
}
// [/alignment]

weft::Task<void> program() {
  const int in_a_scope = co_await order_in_a_scope("bob");
  const int counted = co_await order_or_count("carol", false);
  const std::string size = co_await size_of_order();
  std::printf("%d pieces for bob, %d letters in carol, and a %s order\n", in_a_scope, counted,
              size.c_str());
  const bool is_nothing_large = co_await is_large(nullptr);
  const std::string labelled = co_await label("erin");
  std::printf("%s, and nothing is %s\n", labelled.c_str(), is_nothing_large ? "large" : "small");
  try {
    co_await refuse("dave");
  } catch (const std::runtime_error& error) {
    std::printf("%s\n", error.what());
  }
  auto bell = std::make_unique<Bell>();
  answer(bell);
  bell->waiting.resume();
  auto [sender, receiver] = weft::channel<std::string>(2);
  co_await sender.send("alice");
  co_await sender.send("bob");
  sender.close();
  const int letters = co_await read_all(std::move(receiver));
  std::printf("%d letters in the orders\n", letters);
  const bool is_aligned = co_await is_room_aligned();
  std::puts(is_aligned ? "the room is aligned" : "the room is not aligned");
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
