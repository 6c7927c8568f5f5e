// What goes wrong with tasks that nothing owns: one outlives its data, an error is lost, and a
// cancel that is an exception is taken for one.
#include <coroutine>
#include <cstdio>
#include <exception>
#include <set>
#include <stdexcept>
#include <utility>

#include "own_task.hpp"

// [detached]
/// A coroutine that starts at once and belongs to nothing. Its frame goes when it ends.
class Detached {
 public:
  class promise_type {
   public:
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}  // where should it go?
  };
};
// [/detached]

// [gate]
/// Stands for an answer that comes later. It may fail, and the wait may be cancelled.
class Gate {
 public:
  Gate() = default;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  void await_resume() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  void open() { std::exchange(waiting_, nullptr).resume(); }
  /// The wait ends with this exception.
  template <class Error>
  void end_with(Error error) {
    error_ = std::make_exception_ptr(error);
    open();
  }

 private:
  std::coroutine_handle<> waiting_;
  std::exception_ptr error_;
};
// [/gate]

// [order]
/// Keeps a list of those that are alive; asked by address only.
class Order {
 public:
  Order() { alive.insert(this); }
  ~Order() { alive.erase(this); }
  Order(const Order&) = delete;
  Order& operator=(const Order&) = delete;
  static bool is_alive(const Order& order) { return alive.contains(&order); }

 private:
  static inline std::set<const Order*> alive;
};
// [/order]

// [outlives]
Detached pack(const Order& order, Gate& stock) {
  co_await stock;
  std::printf("packs an order that is %s\n", Order::is_alive(order) ? "there" : "gone");
}

void take_order(Gate& stock) {
  const Order order;
  pack(order, stock);
  std::puts("the order is taken");
}  // `order` goes, and pack() still waits
// [/outlives]

// [lost]
Detached charge(Gate& bank) {
  co_await bank;
  std::puts("the customer has paid");
}

void sell(Gate& bank) {
  charge(bank);
  std::puts("the goods are sent");
}
// [/lost]

// [swallowed]
class Cancelled {};

OwnTask<int> ask_until_answered(Gate& server) {
  for (int attempt = 1; attempt <= 3; ++attempt) {
    try {
      std::printf("attempt %d\n", attempt);
      co_await server;
      co_return attempt;
    } catch (...) {  // it may fail in many ways
      std::puts("  failed; once more");
    }
  }
  co_return 0;
}
// [/swallowed]

int main() {
  // [main]
  std::puts("-- outlives its data");
  Gate stock;
  take_order(stock);
  stock.open();

  std::puts("-- an error is lost");
  Gate bank;
  sell(bank);
  bank.end_with(std::runtime_error("no money"));
  std::puts("all is well");

  std::puts("-- a cancel is swallowed");
  Gate server;
  const OwnTask<int> asking = ask_until_answered(server);
  asking.start();
  server.end_with(std::runtime_error("busy"));
  server.end_with(Cancelled());  // cancels it
  std::printf("it was cancelled, and has ended: %s\n", asking.done() ? "yes" : "no");
  // [/main]
}
