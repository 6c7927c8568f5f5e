// The client side of the demo: requests many delayed texts at once, on a runtime of one worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "histogram.hpp"
#include "stop_signals.hpp"

namespace weft::tool {

/// One load and its results. Used by the main thread, once.
class DemoLoad {
 public:
  /// Requests `count` different texts from the server at `address`, each delayed by `delay`,
  /// `at_once` of them at a time, each on a connection of its own, and checks every answer. Shows
  /// progress. Blocks until all have ended, or until a signal: then the requests under way are
  /// cancelled and awaited.
  void run(const std::string& address, unsigned count, std::chrono::milliseconds delay,
           std::size_t at_once, StopSignals& signals);

  [[nodiscard]] std::size_t requests() const noexcept { return requests_; }
  [[nodiscard]] std::size_t failures() const noexcept { return failures_; }
  [[nodiscard]] std::size_t most_at_once() const noexcept { return most_at_once_; }
  [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }
  [[nodiscard]] std::chrono::nanoseconds wall() const noexcept { return wall_; }
  [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }
  [[nodiscard]] const std::string& first_failure() const noexcept { return first_failure_; }

 private:
  friend class DemoFetcher;

  std::size_t requests_ = 0;
  std::size_t failures_ = 0;
  std::size_t most_at_once_ = 0;
  bool interrupted_ = false;
  std::chrono::nanoseconds wall_{0};
  Histogram latency_;
  std::string first_failure_;
};

}  // namespace weft::tool
