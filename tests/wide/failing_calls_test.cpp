// The i-th call of a function of the C library fails, with each errno that the system may give, in
// each scenario of tests/out_of_memory: the operation that needed it fails with that error, or has
// another way. No crash, no hang, and nothing is left. Thread creation is one of the functions.
#include <weft/runtime.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "out_of_memory/scenarios.hpp"
#include "support/helpers.hpp"
#include "support/process_state.hpp"
#include "wide/failing_calls.hpp"
#include "wide/wide.hpp"

namespace weft::test::failing_calls_test {
namespace {

struct Steps {
  std::string name;
  bool any_error = false;
  std::function<void()> begin;
  std::function<void()> once;
  std::function<void()> end;
};

bool is_the_error(const std::error_code& code, int error) {
  return code.default_error_condition() == std::system_category().default_error_condition(error);
}

/// Runs the steps once; what is thrown must be the error.
void run(const Steps& steps, const Failing& failing) {
  const std::string what = steps.name + ": " + to_string(failing);
  Case::begin(what);
  steps.begin();
  begin_failures(failing);
  std::string wrong;
  bool threw = true;
  try {
    steps.once();
    threw = false;
  } catch (const std::bad_alloc&) {
    if (failing.error != ENOMEM) wrong = "bad_alloc";
  } catch (const std::system_error& error) {
    if (!steps.any_error && !is_the_error(error.code(), failing.error)) wrong = error.what();
    const bool is_named = std::string(error.what()).find(": ") != std::string::npos;
    if (dynamic_cast<const IoError*>(&error) != nullptr && !is_named) wrong = error.what();
  } catch (const std::exception& error) {
    if (!steps.any_error) wrong = error.what();
  }
  steps.end();
  const bool failed = end_failures() > 0;
  Case::end();
  EXPECT_EQ(wrong, "") << what;
  if (threw) {
    EXPECT_TRUE(failed) << what << ": an error without a cause";
    EXPECT_FALSE(is_harmless(failing) && failing.call != LibcCall::accept4) << what;
  }
}

std::int64_t count_calls(const Steps& steps, LibcCall call) {
  run(steps, {.call = call, .error = 0, .times = 0});
  return calls_made();
}

/// Which of `count` calls are to fail.
std::vector<std::int64_t> positions(std::int64_t count) {
  const std::int64_t most = wide_or<std::int64_t>(40, 2);
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = 0; i < count && i < most; ++i) chosen.push_back(i);
  if (count > most) chosen.push_back(count - 1);
  return chosen;
}

void fail_each(const Steps& steps, LibcCall call) {
  const std::int64_t count = count_calls(steps, call);
  if (count == 0) return;
  for (int warm = 0; warm < 2; ++warm) (void)count_calls(steps, call);
  const ProcessState before = ProcessState::without_runtimes();
  for (const int error : errors_to_try(call, seed_of_cases())) {
    for (const std::int64_t position : positions(count)) {
      for (const std::int64_t times : {1, 1000}) {
        // A call is repeated for as long as it is interrupted, and a server accepts again.
        if (times != 1 && is_harmless({.call = call, .error = error})) continue;
        run(steps, {.call = call, .error = error, .successes = position, .times = times});
        if (::testing::Test::HasFailure()) return;
      }
    }
  }
  const ProcessState after = settled(before);
  EXPECT_TRUE(after == before) << steps.name << ": " << name_of(call) << ": " << to_string(before)
                               << " → " << to_string(after);
}

constexpr auto all_calls = static_cast<std::size_t>(LibcCall::count_);

class FailingCallsAtStart : public ::testing::TestWithParam<StartScenario> {};
INSTANTIATE_TEST_SUITE_P(Scenarios, FailingCallsAtStart,
                         ::testing::ValuesIn(start_scenarios().begin(), start_scenarios().end()),
                         [](const auto& which) { return std::string(which.param.name); });

TEST_P(FailingCallsAtStart, FailTheStartAlone) {
  Steps steps;
  steps.name = GetParam().name;
  steps.begin = steps.end = [] {};
  steps.once = GetParam().run;
  for (std::size_t i = 0; i < all_calls; ++i) fail_each(steps, static_cast<LibcCall>(i));
}

/// Parameters: scenario, workers.
class FailingCallsInTasks : public ::testing::TestWithParam<std::tuple<TaskScenario, std::size_t>> {
};
INSTANTIATE_TEST_SUITE_P(Scenarios, FailingCallsInTasks,
                         ::testing::Combine(::testing::ValuesIn(task_scenarios().begin(),
                                                                task_scenarios().end()),
                                            ::testing::Values(std::size_t{0}, std::size_t{2})),
                         [](const auto& which) {
                           return std::string(std::get<0>(which.param).name) +
                                  (std::get<1>(which.param) == 0 ? "OnCurrentThread"
                                                                 : "OnTwoWorkers");
                         });

TEST_P(FailingCallsInTasks, FailTheOperationAlone) {
  const auto [scenario, worker_count] = GetParam();
  std::optional<Runtime> runtime;
  Steps steps;
  steps.name = scenario.name;
  // One side sees that the other has failed.
  steps.any_error = scenario.any_error;
  steps.begin = [&, workers = worker_count] {
    RuntimeOptions options;
    options.workers = workers;
    options.current_thread = workers == 0;
    options.on_failure = [](const UnhandledFailure&) {};
    runtime.emplace(std::move(options));
  };
  steps.once = [&, run = scenario.run] { runtime->block_on(run); };
  steps.end = [&] { runtime.reset(); };
  for (std::size_t i = 0; i < all_calls; ++i) fail_each(steps, static_cast<LibcCall>(i));
}

}  // namespace
}  // namespace weft::test::failing_calls_test
