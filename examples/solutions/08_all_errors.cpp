// Exercise 8.2: a scope whose children do not cancel each other. All of them run to their end, and
// all errors are collected.
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [all_errors]
/// Runs one child; puts its error aside instead of passing it on to the scope.
weft::Task<void> supervised(weft::Task<void> child, std::vector<std::exception_ptr>& errors) {
  try {
    co_await std::move(child);
  } catch (...) {
    errors.push_back(std::current_exception());
  }
}

weft::Task<std::vector<std::exception_ptr>> run_all(std::vector<weft::Task<void>> children) {
  std::vector<std::exception_ptr> errors;  // outlives the scope, and so the children
  co_await weft::scope([&](weft::Scope& scope) -> weft::Task<void> {
    for (weft::Task<void>& child : children) {
      scope.spawn(supervised, std::move(child), std::ref(errors));
    }
    co_return;
  });
  co_return errors;
}
// [/all_errors]

// [main]
weft::Task<void> work(std::string name, milliseconds duration, bool succeeds) {
  co_await weft::sleep_for(duration);
  std::printf("  %s: %s\n", name.c_str(), succeeds ? "done" : "fails");
  if (!succeeds) throw std::runtime_error(name);
}

weft::Task<void> run_three() {
  std::vector<weft::Task<void>> children;
  children.push_back(work("first", milliseconds(10), false));
  children.push_back(work("second", milliseconds(20), true));
  children.push_back(work("third", milliseconds(30), false));
  const std::vector<std::exception_ptr> errors = co_await run_all(std::move(children));
  for (const std::exception_ptr& error : errors) {
    try {
      std::rethrow_exception(error);
    } catch (const std::runtime_error& reason) {
      std::printf("error of the %s\n", reason.what());
    }
  }
}
// [/main]

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;  // one thread: the errors need no lock
  weft::Runtime runtime(std::move(options));
  runtime.block_on(run_three());
}
