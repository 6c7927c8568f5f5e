// Cancels a task, and has it clean up: by destructors, by a cleanup that waits, by a part that
// no cancel breaks off.
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
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

// [guard]
/// Right in a plain function, wrong in a coroutine: a cancel destroys the frame and throws nothing.
class Guard {
 public:
  Guard() = default;
  ~Guard() {
    const bool thrown = std::uncaught_exceptions() > exceptions_;
    std::printf("  the guard says: %s\n", thrown ? "roll back" : "commit");
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  const int exceptions_ = std::uncaught_exceptions();
};

enum class End { value, exception, cancel };

weft::Task<void> work(End end) {
  const Guard guard;
  if (end == End::exception) throw std::runtime_error("no more paper");
  if (end == End::cancel) co_await weft::sleep_for(1h);
}
// [/guard]

// [outcome]
weft::Task<void> guarded(End end) {
  auto see = [](const weft::Outcome<void>& outcome) {
    std::printf("  finally() says: %s\n", outcome.has_value() ? "commit" : "roll back");
  };
  co_await weft::finally(work(end), see);
}
// [/outcome]

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

weft::Task<void> end_each_way() {
  for (const End end : {End::value, End::exception, End::cancel}) {
    constexpr std::array names{"a value", "an exception", "a cancel"};
    std::printf("%s:\n", names[static_cast<std::size_t>(end)]);
    auto task = weft::spawn(guarded, end);
    co_await weft::sleep_for(10ms);
    task.cancel();
    static_cast<void>(co_await std::move(task).outcome());
  }
}

weft::Task<void> program() {
  Transaction transaction;
  std::puts("cancelled while it fills:");
  co_await cancel_after(weft::spawn(transfer, std::ref(transaction)), 10ms);
  std::puts("cancelled while it commits:");
  co_await cancel_after(weft::spawn(finish, std::ref(transaction)), 10ms);
  co_await end_each_way();
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
