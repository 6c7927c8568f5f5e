// The result of `weft models`, as a table and as JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace weft::tool {

/// One model's work and its usage, in the client.
struct ModelRun {
  std::string model;
  std::uint64_t count = 0;
  std::uint64_t connections = 0;  ///< open at once
  std::uint64_t echoes = 0;       ///< correct ones
  std::uint64_t failures = 0;
  std::string first_failure;
  std::chrono::nanoseconds wall{0};
  std::chrono::nanoseconds cpu{0};
  std::uint64_t memory_bytes = 0;  ///< added by the waiters, at most
  std::uint64_t peak_memory_bytes = 0;
  std::uint64_t switches = 0;
  double allocations = 0;  ///< per waiter
  std::uint64_t lines = 0;
};

struct ModelsReport {
  std::uint64_t count = 0;
  std::chrono::milliseconds delay{0};
  std::vector<ModelRun> runs;
  std::string note;  ///< the limits that applied, if any; whole sentences
};

[[nodiscard]] std::string to_text(const ModelsReport& report);
[[nodiscard]] std::string to_json(const ModelsReport& report);

}  // namespace weft::tool
