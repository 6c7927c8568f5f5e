// Cancels a task, and has it clean up: by destructors, by a cleanup that waits, by a part that
// no cancel breaks off.
#include <chrono>
#include <cstdio>
#include <functional>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

/// Stands for a transaction on a server: to end it takes a message.
class Transaction {
 public:
  weft::Task<void> roll_back() {
    co_await weft::sleep_for(5ms);
    std::puts("  rolled back");
  }
  weft::Task<void> commit() {
    std::puts("  commit begins");
    co_await weft::sleep_for(20ms);
    std::puts("  committed");
  }
};

// [destructor]
/// What needs no wait belongs into a destructor: a cancel runs it.
class Presence {
 public:
  Presence() = default;
  ~Presence() { std::puts("  the destructor runs"); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
};
// [/destructor]

// [finally]
weft::Task<void> fill(Transaction&) {
  const Presence presence;
  co_await weft::sleep_for(1h);
}

/// The cleanup runs after a value, an exception and a cancel, and no cancel reaches it.
weft::Task<void> transfer(Transaction& transaction) {
  auto clean_up = [&](const weft::Outcome<void>& outcome) -> weft::Task<void> {
    if (!outcome.has_value()) co_await weft::timeout(transaction.roll_back(), 1s);
  };
  co_await weft::finally(fill(transaction), clean_up);
}
// [/finally]

// [shield]
/// Once begun, a commit is not broken off. A limit inside keeps it from taking for ever.
weft::Task<void> finish(Transaction& transaction) {
  co_await weft::shield(weft::timeout(transaction.commit(), 1s));
}
// [/shield]

// [cancel]
weft::Task<void> cancel_after(weft::JoinHandle<void> task, weft::Duration pause) {
  co_await weft::sleep_for(pause);
  task.cancel();  // asks, and returns at once
  const weft::Outcome<void> outcome = co_await std::move(task).outcome();
  std::printf("  it ended as %s\n", outcome.cancelled() ? "cancelled" : "done");
}
// [/cancel]

weft::Task<void> program() {
  Transaction transaction;
  std::puts("cancelled while it fills:");
  co_await cancel_after(weft::spawn(transfer, std::ref(transaction)), 10ms);
  std::puts("cancelled while it commits:");
  co_await cancel_after(weft::spawn(finish, std::ref(transaction)), 10ms);
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
