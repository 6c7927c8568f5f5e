// The i-th allocation fails, for each i: the operation that needed it fails, by std::bad_alloc or
// an error that says so. No crash, no hang, and nothing is left.
#include <weft/runtime.hpp>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "os/fault.hpp"
#include "out_of_memory/failing_malloc.hpp"
#include "out_of_memory/scenarios.hpp"
#include "support/process_state.hpp"

namespace weft::test::out_of_memory_test {
namespace {

constexpr std::int64_t most_allocations = 20'000;

// For the report of a crash or a hang, which is written by a signal's handler.
std::array<char, 200> at{};

void report_where(int signal) {
  (void)::write(STDERR_FILENO, at.data(), std::char_traits<char>::length(at.data()));
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void note(const char* scenario, std::int64_t allocation, Fails how) {
  std::snprintf(at.data(), at.size(), "in %s, when allocation %lld%s fails\n", scenario,
                static_cast<long long>(allocation),
                how == Fails::once ? "" : " and each further one");
  ::alarm(30);
}

enum class End : std::uint8_t { done, no_memory, other };

bool means_no_memory(const std::error_code& code) {
  return code == std::errc::not_enough_memory ||
         code == std::errc::resource_unavailable_try_again;  // a thread
}

struct Ended {
  End how = End::done;
  std::string text;
};

Ended ended_by_exception() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {End::no_memory, "bad_alloc"};
  } catch (const std::system_error& error) {
    return {means_no_memory(error.code()) ? End::no_memory : End::other, error.what()};
  } catch (const std::exception& error) {
    return {End::other, error.what()};
  } catch (...) {
    return {End::other, "no std::exception"};
  }
}

struct Steps {
  const char* name;
  bool any_error;
  std::function<void()> begin;
  std::function<void()> once;
  std::function<void()> end;
};

/// Returns whether an allocation has failed.
bool run_failing(const Steps& steps, std::int64_t allocation, Fails how) {
  steps.begin();
  Ended ended;
  note(steps.name, allocation, how);
  fail_allocation_after(allocation, how);
  try {
    steps.once();
  } catch (...) {
    ended = ended_by_exception();
  }
  const bool failed = end_failures();
  steps.end();
  ::alarm(0);
  if (ended.how == End::done) return failed;
  EXPECT_TRUE(failed) << ended.text << ", although no allocation has failed";
  if (!steps.any_error) {
    EXPECT_EQ(ended.how, End::no_memory) << at.data() << ended.text;
  }
  return failed;
}

/// Runs the steps again and again, until they need no allocation that has not failed yet.
void fail_each(const Steps& steps) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGALRM}) ::signal(signal, &report_where);
  constexpr std::int64_t none = -1;
  for (int warm = 0; warm < 3; ++warm) EXPECT_FALSE(run_failing(steps, none, Fails::once));
  const ProcessState before = ProcessState::without_runtimes();
  for (const Fails how : {Fails::once, Fails::from_there_on}) {
    std::int64_t allocation = 0;
    while (allocation < most_allocations && run_failing(steps, allocation, how)) ++allocation;
    EXPECT_LT(allocation, most_allocations);
  }
  const ProcessState after = settled(before);
  EXPECT_TRUE(after == before) << to_string(before) << " → " << to_string(after);
  EXPECT_FALSE(run_failing(steps, none, Fails::once));
}

class OutOfMemoryAtStart : public ::testing::TestWithParam<StartScenario> {};
INSTANTIATE_TEST_SUITE_P(Scenarios, OutOfMemoryAtStart,
                         ::testing::ValuesIn(start_scenarios().begin(), start_scenarios().end()),
                         [](const auto& which) { return std::string(which.param.name); });

TEST_P(OutOfMemoryAtStart, FailsTheStartAlone) {
  fail_each({.name = GetParam().name,
             .any_error = false,
             .begin = [] {},
             .once = GetParam().run,
             .end = [] {}});
}

/// Parameters: scenario, workers.
class OutOfMemoryInTasks : public ::testing::TestWithParam<std::tuple<TaskScenario, std::size_t>> {
};
INSTANTIATE_TEST_SUITE_P(Scenarios, OutOfMemoryInTasks,
                         ::testing::Combine(::testing::ValuesIn(task_scenarios().begin(),
                                                                task_scenarios().end()),
                                            ::testing::Values(std::size_t{0}, std::size_t{2})),
                         [](const auto& which) {
                           return std::string(std::get<0>(which.param).name) +
                                  (std::get<1>(which.param) == 0 ? "OnCurrentThread"
                                                                 : "OnTwoWorkers");
                         });

TEST_P(OutOfMemoryInTasks, FailsTheOperationAlone) {
  const auto [scenario, worker_count] = GetParam();
  std::optional<Runtime> runtime;
  fail_each({.name = scenario.name,
             .any_error = scenario.any_error,
             .begin =
                 [&, workers = worker_count] {
                   RuntimeOptions options;
                   options.workers = workers;
                   options.current_thread = workers == 0;
                   options.on_failure = [](const UnhandledFailure&) {};
                   runtime.emplace(std::move(options));
                 },
             .once = [&, run = scenario.run] { runtime->block_on(run); },
             .end = [&] { runtime.reset(); }});
}

/// The i-th thread cannot be started.
TEST(NoThread, FailsTheStartAlone) {
  for (std::uint64_t started = 0; started < 6; ++started) {
    detail::ScopedFaults faults;
    faults.add({.call = detail::Call::start_thread, .errno_value = EAGAIN, .skip = started});
    RuntimeOptions options;
    options.workers = 4;
    try {
      Runtime runtime(std::move(options));
      EXPECT_EQ(started, 5U) << "four workers and a watchdog";
    } catch (const IoError& error) {
      EXPECT_LT(started, 5U);
      EXPECT_EQ(error.code(), std::errc::resource_unavailable_try_again);
      EXPECT_TRUE(std::string(error.what()).starts_with("weft::Runtime: ")) << error.what();
    }
  }
}

}  // namespace
}  // namespace weft::test::out_of_memory_test
