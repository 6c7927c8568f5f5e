// The result of `weft demo`, as a table and as JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "histogram.hpp"
#include "process_usage.hpp"

namespace weft::tool {

/// One way of doing the demo's work, client and server.
struct DemoRun {
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  std::uint64_t connections = 0;  ///< open at once
  std::chrono::nanoseconds wall{0};
  ProcessUsage client;
  ProcessUsage server;
};

struct DemoReport {
  std::uint64_t count = 0;
  std::chrono::milliseconds delay{0};
  DemoRun weft;
  Histogram latency;               ///< of weft's requests, in nanoseconds
  std::optional<DemoRun> threads;  ///< by one OS thread per request; none when interrupted
  std::string note;                ///< the limits that applied, if any; whole sentences
};

[[nodiscard]] std::string to_text(const DemoReport& report);
[[nodiscard]] std::string to_json(const DemoReport& report);

}  // namespace weft::tool
