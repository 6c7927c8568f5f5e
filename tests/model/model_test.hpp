// Shared by the model tests: the explorations that each program goes through.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <random>
#include <weft/model.hpp>

namespace weft::model {

// Not with sanitizers: they are slower by far, and explore the same. CMake sets the flag. They also
// enumerate fewer preemptions, unless WEFT_MODEL_LONG is in the environment.
#ifdef WEFT_MODEL_SANITIZED
inline constexpr bool with_weak_memory = false;
#else
inline constexpr bool with_weak_memory = true;
#endif

/// Returns whether more was asked for, as `./check --long` does.
inline bool is_long() { return std::getenv("WEFT_MODEL_LONG") != nullptr; }
/// Returns whether less was asked for, as `./check` does without an argument.
inline bool is_short() { return std::getenv("WEFT_MODEL_SHORT") != nullptr; }

inline void expect_exhausted(const Options& options, const std::function<void(Execution&)>& body) {
  const Report report = explore(options, body);
  EXPECT_FALSE(report.failed) << report.text;
  EXPECT_TRUE(report.failed || report.exhausted) << "stopped after " << report.executions;
  testing::Test::RecordProperty("executions", static_cast<int>(report.executions));
}

/// Enumerates all interleavings of `body` with at most `preemptions`, in which at most `stale`
/// loads return an old value. Fails if the limit cuts the enumeration off.
inline void expect_holds_weakly(std::uint32_t preemptions, std::uint32_t stale,
                                const std::function<void(Execution&)>& body) {
  expect_exhausted({.strategy = Strategy::kBounded,
                    .iterations = 3'000'000,
                    .preemption_bound = preemptions,
                    .memory = Memory::kWeak,
                    .stale_bound = stale},
                   body);
}

/// Enumerates all interleavings of `body` with at most `bound` preemptions; then those of at most
/// `weak_bound` in which one load returns an old value.
inline void expect_holds_exhaustively(std::uint32_t bound,
                                      const std::function<void(Execution&)>& body,
                                      std::uint32_t weak_bound = 2) {
  if (!with_weak_memory && !is_long()) bound = std::min<std::uint32_t>(bound, 2);
  expect_exhausted(
      {.strategy = Strategy::kBounded, .iterations = 1'000'000, .preemption_bound = bound}, body);
  if (with_weak_memory) expect_holds_weakly(std::min(bound, weak_bound), 1, body);
}

/// The same for a program with so many interleavings that it took most of the time of all model
/// tests: an old value with one preemption, and with sanitizers, or if WEFT_MODEL_SHORT is in the
/// environment, one preemption altogether. If WEFT_MODEL_LONG is, all of it.
inline void expect_large_holds_exhaustively(std::uint32_t bound,
                                            const std::function<void(Execution&)>& body) {
  const bool less = !with_weak_memory || is_short();
  if (less && !is_long()) bound = std::min<std::uint32_t>(bound, 1);
  expect_holds_exhaustively(bound, body, is_long() ? 2 : 1);
}

/// Tries `iterations` random interleavings; then half as many by priorities, with weak memory. With
/// WEFT_MODEL_LONG in the environment it tries four times as many, and different ones each time;
/// with WEFT_MODEL_SHORT a fifth.
inline void expect_holds_randomly(std::uint64_t iterations,
                                  const std::function<void(Execution&)>& body) {
  Options options{.iterations = iterations};
  if (is_long()) {
    options.seed = std::uint64_t{std::random_device()()} << 16;
    options.iterations *= 4;
  } else if (is_short()) {
    options.iterations /= 5;
  }
  const Report random = explore(options, body);
  EXPECT_FALSE(random.failed) << random.text;
  if (!with_weak_memory) return;
  options.strategy = Strategy::kPct;
  options.iterations /= 2;
  options.memory = Memory::kWeak;
  options.spurious_failures = true;
  const Report weak = explore(options, body);
  EXPECT_FALSE(weak.failed) << weak.text;
}

}  // namespace weft::model
