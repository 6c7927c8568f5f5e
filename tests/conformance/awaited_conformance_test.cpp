// Each operation that a program awaits × each way to end: completes at once, after waiting, is
// cancelled before, during and when it could go on, loses its far end, gets an injected error.
// After each way the next operation delivers what this one has not.
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <weft/outcome.hpp>
#include <weft/runtime.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>
#include <weft/when_all.hpp>

#include "conformance/awaited_case.hpp"
#include "os/fault.hpp"
#include "support/open_handles.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::awaited_conformance_test {
namespace {

class EveryAwaited : public ::testing::TestWithParam<AwaitedCaseFactory> {
 protected:
  void SetUp() override { handles_ = open_handles(); }
  void TearDown() override { EXPECT_EQ(open_handles(), handles_); }

  /// Runs `work(case)`, a coroutine, on a runtime of this thread.
  template <class W>
  void run(W work) {
    Runtime runtime(test::options_for(0));
    const std::unique_ptr<AwaitedCase> one = GetParam().make();
    runtime.block_on([&]() -> Task<void> {
      co_await one->prepare();
      co_await work(*one);
    });
  }

 private:
  std::size_t handles_ = 0;
};

/// The value, or the reason of the error.
Task<std::string> text_of(Task<std::string> operation) {
  auto result = co_await attempt(std::move(operation));
  co_return result ? *result : result.error().code().message();
}

/// Expects that the next operation delivers what an operation that was cancelled has not.
Task<void> expect_nothing_lost(AwaitedCase& one) {
  const std::string value = co_await one.operate();
  EXPECT_EQ(value, one.expected());
}

TEST_P(EveryAwaited, CompletesAtOnce) {
  run([](AwaitedCase& one) -> Task<void> {
    one.make_ready();
    const std::string value = co_await one.operate();
    EXPECT_EQ(value, one.expected());
  });
}

TEST_P(EveryAwaited, CompletesAfterWaiting) {
  run([](AwaitedCase& one) -> Task<void> {
    auto meanwhile = [&one]() -> Task<void> {
      one.make_ready();
      co_return;
    };
    auto both = co_await when_all(one.operate(), meanwhile());
    EXPECT_EQ(std::get<0>(both), one.expected());
  });
}

TEST_P(EveryAwaited, CancelledBeforeItBegins) {
  run([](AwaitedCase& one) -> Task<void> {
    one.make_ready();
    auto operate = [&one]() -> Task<std::string> {
      co_await yield_now();
      std::string value = co_await one.operate();
      co_return value;
    };
    JoinHandle<std::string> running = spawn(operate);
    running.cancel();
    const Outcome<std::string> outcome = co_await std::move(running).outcome();
    EXPECT_TRUE(outcome.cancelled());
    co_await expect_nothing_lost(one);
  });
}

TEST_P(EveryAwaited, CancelledWhileItWaits) {
  run([](AwaitedCase& one) -> Task<void> {
    auto meanwhile = []() -> Task<void> { co_return; };
    const auto first = co_await select(one.operate(), meanwhile());
    EXPECT_FALSE(first.has<0>());
    one.make_ready();
    co_await expect_nothing_lost(one);
  });
}

TEST_P(EveryAwaited, CancelledWhenItCouldGoOn) {
  run([](AwaitedCase& one) -> Task<void> {
    auto meanwhile = [&one]() -> Task<void> {
      one.make_ready();
      co_return;
    };
    auto first = co_await select(one.operate(), meanwhile());
    if (first.has<0>()) {
      const std::string value = first.take<0>();
      EXPECT_EQ(value, one.expected());
    } else {
      co_await expect_nothing_lost(one);
    }
  });
}

TEST_P(EveryAwaited, EndsWhenThePeerIsLost) {
  run([](AwaitedCase& one) -> Task<void> {
    if (!one.lost()) co_return;
    auto meanwhile = [&one]() -> Task<void> {
      one.lose_peer();
      co_return;
    };
    auto both = co_await when_all(text_of(one.operate()), meanwhile());
    EXPECT_EQ(std::get<0>(both), one.lost());
    const std::string again = co_await text_of(one.operate());
    EXPECT_EQ(again, one.lost());
  });
}

TEST_P(EveryAwaited, AnInjectedErrorIsThrownAndLosesNothing) {
  run([](AwaitedCase& one) -> Task<void> {
    if (!one.call()) co_return;  // it makes no system calls
    one.make_ready();
    {
      detail::ScopedFaults faults;
      faults.add({.call = *one.call(), .errno_value = EIO});
      const std::string error = co_await text_of(one.operate());
      EXPECT_EQ(error, std::make_error_code(std::errc::io_error).message());
      EXPECT_EQ(faults.struck(), 1U);
    }
    co_await expect_nothing_lost(one);
  });
}

std::string name_of(const ::testing::TestParamInfo<AwaitedCaseFactory>& one) {
  return one.param.name;
}
INSTANTIATE_TEST_SUITE_P(Streams, EveryAwaited, ::testing::ValuesIn(byte_stream_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Waits, EveryAwaited, ::testing::ValuesIn(wait_cases()), name_of);

}  // namespace
}  // namespace weft::testing::awaited_conformance_test
