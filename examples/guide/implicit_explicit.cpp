// A reactor that is passed, and one that is the thread's current one; and three ways in which the
// second goes wrong.
#include <cstdio>
#include <exception>
#include <memory>

#include "current_loop.hpp"

using std::chrono::milliseconds;

// [library]
/// Explicit: all callers have the loop to pass.
void log_later(Loop& loop, const char* text) {
  loop.call_after(milliseconds(1),
                  [&loop, text] { std::printf("  %s, on %s\n", text, loop.name().c_str()); });
}

/// Implicit: no caller needs to know that a loop is used at all.
void log_later(const char* text) { log_later(Loop::current(), text); }
// [/library]

// [uses]
void as_it_should_be() {
  Loop loop("a loop");
  log_later(loop, "passed");
  loop.call_after(milliseconds(0), [] { log_later("found"); });
  loop.run();
}

void where_it_may_not_be(const char* text) {
  try {
    log_later(text);
  } catch (const std::exception& error) {
    std::printf("  %s: %s\n", text, error.what());
  }
}

void from_another_thread() {
  Loop loop("a loop");
  loop.call_after(milliseconds(0),
                  [] { std::jthread(where_it_may_not_be, "from a thread").join(); });
  loop.run();
}

/// A library on the way has a loop of its own, for a moment.
template <class L>
void with_a_loop_inside() {
  L outer("the outer loop");
  outer.call_after(milliseconds(0), [] {
    L inner("the inner loop");
    inner.call_after(milliseconds(0), [] { log_later("inside"); });
    inner.run();
    where_it_may_not_be("after it");  // the outer loop runs
  });
  outer.run();
}
// [/uses]

int main() {
  // [main]
  std::puts("as it should be:");
  as_it_should_be();
  std::puts("before a loop runs:");
  where_it_may_not_be("too early");
  std::puts("on another thread, while it runs:");
  from_another_thread();
  std::puts("a loop inside a loop:");
  with_a_loop_inside<Loop>();
  std::puts("the same, repaired:");
  with_a_loop_inside<RestoringLoop>();
  // [/main]
}
