// The drivers that the conformance suite runs, and its check for leaked handles in each test.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "conformance/driver_fixture.hpp"

namespace weft::testing {

[[nodiscard]] std::vector<DriverFactory> drivers_to_test();

/// Counts handles from before the driver is made until after it is gone.
class Accounting {
 public:
  explicit Accounting(const DriverFactory& driver_factory)
      : factory(driver_factory), handles_before_(open_handles()), runner(driver_factory.make()) {}
  void expect_clean() {
    runner.destroy();
    EXPECT_EQ(open_handles(), handles_before_) << "handles leaked";
  }

  const DriverFactory& factory;

 private:
  std::size_t handles_before_;  // counted before the next member is made

 public:
  DriverRunner runner;
};

}  // namespace weft::testing
