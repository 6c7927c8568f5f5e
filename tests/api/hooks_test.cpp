// What a program gives a runtime to call may throw anything, at any time: the rest of the program
// goes on.
#include <weft/finally.hpp>
#include <weft/on_complete.hpp>
#include <weft/promise.hpp>
#include <weft/runtime.hpp>
#include <weft/shield.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timer.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/runtime_fixture.hpp"

namespace weft::test::hooks_test {
namespace {

using namespace std::chrono_literals;

/// What hooks throw: something usual, and something that is no std::exception.
enum class Thrown { exception, number };

[[noreturn]] void throw_one(Thrown thrown) {
  if (thrown == Thrown::number) throw 7;
  throw std::runtime_error("of a hook");
}

/// Parameter: workers, 0 for current_thread.
class HooksTest : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HooksTest, ::testing::Values(std::size_t{0}, std::size_t{2}),
                         worker_count_name);

Task<void> until(std::function<bool()> done) {
  while (!done()) co_await sleep_for(1ms);
}

/// Each way in which an exception can reach the failure handler.
Task<void> fail_everywhere(Thrown thrown, const std::atomic<int>& calls) {
  spawn([thrown]() -> Task<void> {
    co_await yield_now();
    throw_one(thrown);
  }).detach();
  co_await until([&calls] { return calls.load() == 1; });
  on_complete(yield_now(), [thrown] { throw_one(thrown); }).detach();
  co_await until([&calls] { return calls.load() == 2; });
  Timer timer([thrown] { throw_one(thrown); });
  timer.arm_after(0ns);
  co_await until([&calls] { return calls.load() == 3; });
  auto shared_work = [thrown]() -> Task<void> {
    co_await yield_now();
    throw_one(thrown);
  };
  static_cast<void>(share(shared_work));
  co_await until([&calls] { return calls.load() == 4; });
  auto body = [thrown]() -> Task<void> {
    co_await yield_now();
    throw_one(thrown);
  };
  auto cleanup = [thrown] { throw_one(thrown); };
  try {
    co_await finally(body, cleanup);
  } catch (...) {  // that of the body; that of the cleanup goes to the handler
  }
  co_await until([&calls] { return calls.load() == 5; });
}

TEST_P(HooksTest, AFailureHandlerMayThrowAnything) {
  for (const Thrown thrown : {Thrown::exception, Thrown::number}) {
    std::atomic<int> calls = 0;
    RuntimeOptions options = options_for(GetParam());
    options.on_failure = [&calls, thrown](const UnhandledFailure& failure) {
      EXPECT_NE(failure.error, nullptr);
      ++calls;
      throw_one(thrown);
    };
    options.on_worker_stop = [thrown](std::size_t) { throw_one(thrown); };
    ::testing::internal::CaptureStderr();
    {
      Runtime runtime(std::move(options));
      runtime.block_on([&calls, thrown] { return fail_everywhere(thrown, calls); });
    }
    const std::string told = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(calls, 5 + static_cast<int>(GetParam()));  // a worker's stop is one, too
    EXPECT_NE(told.find("weft: RuntimeOptions::on_failure has thrown: "), std::string::npos);
    EXPECT_NE(told.find("weft: a task failed and nobody awaited it: "), std::string::npos);
  }
}

TEST(HooksOfWorkers, WhatAStartThrowsIsThrownByTheConstructor) {
  for (const Thrown thrown : {Thrown::exception, Thrown::number}) {
    RuntimeOptions options;
    options.workers = 2;
    options.on_worker_start = [thrown](std::size_t index) {
      if (index == 1) throw_one(thrown);
    };
    if (thrown == Thrown::number) {
      EXPECT_THROW(Runtime(std::move(options)), int);
    } else {
      EXPECT_THROW(Runtime(std::move(options)), std::runtime_error);
    }
  }
}

}  // namespace
}  // namespace weft::test::hooks_test
