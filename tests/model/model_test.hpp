// What the model tests share: the two explorations that each program is put through.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <weft/model.hpp>

namespace weft::model {

/// Enumerates all interleavings of `body` with at most `bound` preemptions; there must not be so
/// many that the limit cuts them off.
inline void expect_holds_exhaustively(std::uint32_t bound, std::function<void(Execution&)> body) {
  const Report report =
      explore({.strategy = Strategy::kBounded, .iterations = 1'000'000, .preemption_bound = bound},
              std::move(body));
  EXPECT_FALSE(report.failed) << report.text;
  EXPECT_TRUE(report.failed || report.exhausted) << "stopped after " << report.executions;
  testing::Test::RecordProperty("executions", static_cast<int>(report.executions));
}

/// Tries `iterations` random interleavings.
inline void expect_holds_randomly(std::uint64_t iterations, std::function<void(Execution&)> body) {
  const Report report = explore({.iterations = iterations}, std::move(body));
  EXPECT_FALSE(report.failed) << report.text;
}

}  // namespace weft::model
