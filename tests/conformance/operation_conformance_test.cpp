// The contract of drivers (src/reactor/driver.hpp), for each driver and kind of operation, through
// each way to end. Tests are named after the contract's numbers: C03 is for 3.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>

#include "conformance/drivers.hpp"
#include "conformance/scenarios.hpp"

namespace weft::testing::operation_conformance_test {
namespace {

using Case = std::tuple<DriverFactory, ScenarioFactory>;

class EveryOperation : public ::testing::TestWithParam<Case>, public Accounting {
 protected:
  EveryOperation()
      : Accounting(std::get<0>(GetParam())), scenario(std::get<1>(GetParam()).make()) {}
  ~EveryOperation() override {
    scenario.reset();
    expect_clean();
  }

  /// An effect of the kernel must not be lost: the operation succeeded, or the next one does.
  void expect_nothing_lost(const TestOperation& operation) {
    if (operation.result != -ECANCELED) {
      scenario->check(operation);
      return;
    }
    const auto next = scenario->make_operation();
    runner.run(*next);
    scenario->check(*next);
  }

  std::unique_ptr<Scenario> scenario;
};

TEST_P(EveryOperation, C02_FinishesWhenReadyFromTheStart) {
  scenario->make_ready();
  const auto operation = scenario->make_operation();
  runner.run(*operation);
  scenario->check(*operation);
}

TEST_P(EveryOperation, C03_FinishesOnceAfterWaiting) {
  const auto operation = scenario->make_operation();
  ASSERT_TRUE(runner.start(*operation));
  runner.settle();
  scenario->make_ready();
  runner.wait_for({operation.get()});
  scenario->check(*operation);
  runner.settle();
  EXPECT_EQ(operation->ended, 1);
}

TEST_P(EveryOperation, C05_CancelledBeforeTheFirstWait) {
  const auto operation = scenario->make_operation();
  ASSERT_TRUE(runner.start(*operation));
  runner.cancel(*operation);
  runner.wait_for({operation.get()});
  EXPECT_EQ(operation->result, -ECANCELED);
  scenario->make_ready();
  expect_nothing_lost(*operation);
}

TEST_P(EveryOperation, C05_CancelledWhileItWaits) {
  const auto operation = scenario->make_operation();
  ASSERT_TRUE(runner.start(*operation));
  runner.settle();
  runner.cancel(*operation);
  runner.wait_for({operation.get()});
  EXPECT_EQ(operation->result, -ECANCELED);
  scenario->make_ready();
  expect_nothing_lost(*operation);
}

TEST_P(EveryOperation, C05_CancelledWhenItCouldAlreadyGoOn) {
  const auto operation = scenario->make_operation();
  ASSERT_TRUE(runner.start(*operation));
  runner.settle();
  scenario->make_ready();
  runner.cancel(*operation);
  runner.wait_for({operation.get()});
  expect_nothing_lost(*operation);
  EXPECT_EQ(operation->ended, 1);
}

TEST_P(EveryOperation, C05_CancellingOneLeavesTheOneBehindItWaiting) {
  const auto first = scenario->make_operation();
  const auto second = scenario->make_operation();
  ASSERT_TRUE(runner.start(*first));
  ASSERT_TRUE(runner.start(*second));
  runner.cancel(*first);
  runner.wait_for({first.get()});
  runner.settle();
  EXPECT_EQ(second->ended, 0);
  scenario->make_ready();
  runner.wait_for({second.get()});
  scenario->check(*second);
}

TEST_P(EveryOperation, C10_EndsWhenThePeerIsLost) {
  const auto operation = scenario->make_operation();
  ASSERT_TRUE(runner.start(*operation));
  if (!scenario->lose_peer()) {
    runner.cancel(*operation);
    runner.wait_for({operation.get()});
    GTEST_SKIP() << "there is no peer to lose";
  }
  runner.wait_for({operation.get()});
  EXPECT_TRUE(scenario->is_loss(operation->result)) << operation->result;
}

TEST_P(EveryOperation, C10_EndsWhenThePeerWasLostBefore) {
  if (!scenario->lose_peer()) GTEST_SKIP() << "there is no peer to lose";
  const auto operation = scenario->make_operation();
  runner.run(*operation);
  EXPECT_TRUE(scenario->is_loss(operation->result)) << operation->result;
}

TEST_P(EveryOperation, C06_InterruptedCallsAreMadeAgain) {
  if (!factory.calls_through_seam) GTEST_SKIP() << "it makes no system calls for each operation";
  if (!scenario->repeats()) GTEST_SKIP() << "it must not be made again";
  detail::ScopedFaults faults;
  faults.add({.call = scenario->call(), .errno_value = EINTR, .times = 3});
  const auto operation = scenario->make_operation();
  ASSERT_TRUE(runner.start(*operation));
  if (scenario->tries_at_start()) {
    EXPECT_EQ(faults.struck(), 3U);
  }
  scenario->make_ready();
  runner.wait_for({operation.get()});
  EXPECT_EQ(faults.struck(), 3U);
  scenario->check(*operation);
}

TEST_P(EveryOperation, C02_InjectedErrorsAreResults) {
  if (!factory.calls_through_seam) GTEST_SKIP() << "it makes no system calls for each operation";
  for (const int error : {EBADF, ECONNABORTED, ECONNRESET, EFAULT, EINVAL, EIO, EMFILE, ENETDOWN,
                          ENFILE, ENOBUFS, ENOMEM, ENOTCONN, EPERM, EPIPE, EPROTO, ETIMEDOUT}) {
    detail::ScopedFaults faults;
    faults.add({.call = scenario->call(), .errno_value = error});
    const auto operation = scenario->make_operation();
    if (scenario->tries_at_start()) {
      EXPECT_FALSE(runner.start(*operation));
    } else {
      scenario->make_ready();
      runner.run(*operation);
    }
    EXPECT_EQ(operation->result, -error);
  }
  const auto last = scenario->make_operation();
  ASSERT_TRUE(runner.start(*last));
  scenario->make_ready();
  runner.wait_for({last.get()});
  scenario->check(*last);
}

TEST_P(EveryOperation, C03_InjectedErrorsAfterWaitingAreResults) {
  if (!factory.calls_through_seam) GTEST_SKIP() << "it makes no system calls for each operation";
  const auto operation = scenario->make_operation();
  ASSERT_TRUE(runner.start(*operation));
  detail::ScopedFaults faults;
  faults.add({.call = scenario->call(), .errno_value = EIO});
  scenario->make_ready();
  runner.wait_for({operation.get()});
  EXPECT_EQ(operation->result, -EIO);
  operation->result = -ECANCELED;
  expect_nothing_lost(*operation);
}

TEST_P(EveryOperation, C12_NoMemoryToWaitEndsThatOperationOnly) {
  if (!factory.calls_through_seam || !scenario->tries_at_start()) {
    GTEST_SKIP() << "it registers nothing by system call";
  }
  const auto refused = scenario->make_operation();
  {
    detail::ScopedFaults faults;
    faults.add({.call = detail::Call::epoll_ctl, .errno_value = ENOMEM});
    EXPECT_FALSE(runner.start(*refused));
    EXPECT_EQ(refused->result, -ENOMEM);
  }
  const auto next = scenario->make_operation();
  ASSERT_TRUE(runner.start(*next));
  scenario->make_ready();
  runner.wait_for({next.get()});
  scenario->check(*next);
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  return std::get<0>(info.param).name + "_" + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Drivers, EveryOperation,
                         ::testing::Combine(::testing::ValuesIn(drivers_to_test()),
                                            ::testing::ValuesIn(all_scenarios())),
                         case_name);

}  // namespace
}  // namespace weft::testing::operation_conformance_test
