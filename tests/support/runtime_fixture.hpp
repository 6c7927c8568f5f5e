// RuntimeTest: the fixture of all API tests. Runs each test on a current_thread runtime (parameter
// 0) and on runtimes of 1, 2 and 8 workers. At the end it asserts that nothing is left: no task,
// pending operation or timer (the reactors check that when they are destroyed), descriptor, thread
// or frame block, and no failure that the test did not expect.
#pragma once

#include <weft/runtime.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/process_state.hpp"

namespace weft::test {

/// Returns the options of a runtime of that many workers, 0 for current_thread.
[[nodiscard]] RuntimeOptions options_for(std::size_t workers);
/// Returns the options of a runtime on the current thread, with virtual time.
[[nodiscard]] RuntimeOptions with_virtual_time();

class RuntimeTest : public ::testing::TestWithParam<std::size_t> {
 public:
  /// A failure that reached the runtime's handler.
  struct Failure {
    std::string what;
    std::vector<std::source_location> sites;
  };

 protected:
  void SetUp() override;
  void TearDown() override;

  /// Made at the first call.
  [[nodiscard]] Runtime& runtime();
  /// Ends the runtime before the end of the test.
  void end_runtime();
  template <class W>
  decltype(auto) run(W work) {
    return runtime().block_on(std::move(work));
  }

  /// Returns the failures that the handler was told up to now.
  [[nodiscard]] std::vector<Failure> failures() const;
  /// The test checks the failures itself. Without this call each one fails the test.
  void allow_failures() { failures_allowed_ = true; }

 private:
  void note(const UnhandledFailure& failure);

  ProcessState before_;
  std::unique_ptr<Runtime> runtime_;
  mutable std::mutex mutex_;
  std::vector<Failure> failures_;  // guarded by mutex_
  bool failures_allowed_ = false;
};

/// A name for each worker count: "current_thread", "workers_2".
[[nodiscard]] std::string worker_count_name(const ::testing::TestParamInfo<std::size_t>& info);

}  // namespace weft::test

/// Runs the tests of `fixture`, a RuntimeTest, on all worker counts.
#define WEFT_ON_ALL_RUNTIMES(fixture)                                                    \
  INSTANTIATE_TEST_SUITE_P(                                                              \
      Runtimes, fixture,                                                                 \
      ::testing::Values(std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{8}), \
      ::weft::test::worker_count_name)
