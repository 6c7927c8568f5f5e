// Shared by the tests of foreign libraries: runtimes, the values that the servers' starter passes
// in the environment, and the text of an error.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <weft/weft.hpp>

#include "../api/net_support.hpp"

namespace foreign_test {

/// A variable of the environment that the starter of the servers has set.
inline std::string setting(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

using weft::testing::name_of_workers;
using weft::testing::open_handles;

/// Parameter: workers; 0 is a current_thread runtime.
class Foreign : public ::testing::TestWithParam<std::size_t> {
 protected:
  static weft::RuntimeOptions options() {
    weft::RuntimeOptions options;
    options.workers = GetParam();
    options.current_thread = GetParam() == 0;
    return options;
  }
  /// Runs `body(Scope&)` on a runtime of its own. It must leave as many handles as there were.
  template <class Body>
  static void run_in_scope(Body body) {
    const std::size_t before = open_handles();
    {
      weft::Runtime runtime(options());
      runtime.block_on(weft::scope(std::move(body)));
    }
    EXPECT_EQ(open_handles(), before) << "leaked or lost handles";
  }
};

/// what() of the exception that awaiting `awaitable` throws; "no error" if it does not.
template <class A>
weft::Task<std::string> error_text(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (const std::exception& error) {
    co_return error.what();
  }
  co_return "no error";
}

/// Expects that a task was cancelled, or got an error that says so. A driver is cancelled along
/// with the tasks that wait for it, so they may get its error before their own cancel.
inline void expect_given_up(const weft::Outcome<void>& ended) {
  if (ended.cancelled()) return;
  ASSERT_TRUE(ended.failed());
  try {
    std::rethrow_exception(ended.error());
  } catch (const std::exception& error) {
    const std::string text = error.what();
    EXPECT_TRUE(text.ends_with("operation canceled") || text.ends_with("given up")) << text;
  }
}

/// Runs `body(Scope&)`, which goes on until it is cancelled, for `time`; then all of it must end.
template <class Body>
void expect_all_ends_if_cancelled(weft::RuntimeOptions options, std::chrono::milliseconds time,
                                  Body body) {
  weft::Runtime runtime(std::move(options));
  auto program = runtime.spawn(weft::scope(std::move(body)));
  runtime.block_on(weft::sleep_for(time));
  program.cancel();
  const weft::Outcome<void> ended = runtime.block_on(std::move(program).outcome());
  expect_given_up(ended);
}

}  // namespace foreign_test

#define FOREIGN_ON_ALL_RUNTIMES(fixture)                                               \
  INSTANTIATE_TEST_SUITE_P(Runtimes, fixture, ::testing::Values(std::size_t{0}, 1, 4), \
                           ::foreign_test::name_of_workers)
