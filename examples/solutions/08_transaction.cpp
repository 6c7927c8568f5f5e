// Exercise 8.3: a transaction that is to be committed after a value, and rolled back after an
// exception or a cancel. A guard that looks for exceptions, and weft::finally.
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [change]
enum class Ends { with_a_value, by_an_exception, by_a_cancel };

weft::Task<void> change(Ends ends) {
  if (ends == Ends::by_an_exception) throw std::runtime_error("refused");
  if (ends == Ends::by_a_cancel) co_await weft::sleep_for(std::chrono::hours(1));
}
// [/change]

// [guard]
/// The usual guard: it commits unless an exception is on its way.
class Guard {
 public:
  Guard() = default;
  ~Guard() {
    const bool failed = std::uncaught_exceptions() > before_;
    std::printf("  the guard:    %s\n", failed ? "rolls back" : "commits");
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  int before_ = std::uncaught_exceptions();
};

weft::Task<void> guarded(Ends ends) {
  const Guard guard;
  co_await change(ends);
}
// [/guard]

// [finally]
weft::Task<void> finished(Ends ends) {
  const auto end = [](const weft::Outcome<void>& outcome) {
    std::printf("  the finally:  %s\n", outcome.has_value() ? "commits" : "rolls back");
  };
  co_await weft::finally(change(ends), end);
}
// [/finally]

// [run]
/// Gives it 10 ms, and ignores how it ends.
weft::Task<void> run(weft::Task<void> task) {
  try {
    co_await weft::timeout(std::move(task), milliseconds(10));
  } catch (const std::exception& error) {
    static_cast<void>(error);
  }
}

weft::Task<void> run_all() {
  std::puts("a value:");
  co_await run(guarded(Ends::with_a_value));
  co_await run(finished(Ends::with_a_value));
  std::puts("an exception:");
  co_await run(guarded(Ends::by_an_exception));
  co_await run(finished(Ends::by_an_exception));
  std::puts("a cancel:");
  co_await run(guarded(Ends::by_a_cancel));
  co_await run(finished(Ends::by_a_cancel));
}
// [/run]

int main() { weft::block_on(run_all()); }
