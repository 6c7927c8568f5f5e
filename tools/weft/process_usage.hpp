// The resource usage of a process so far, read from /proc: this process or a running child.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace weft::tool {

struct ProcessUsage {
  std::chrono::nanoseconds cpu{0};       ///< user and system, all threads, ended ones too
  std::uint64_t memory_bytes = 0;        ///< resident set now
  std::uint64_t peak_memory_bytes = 0;   ///< its highest
  std::uint64_t threads = 0;             ///< living now
  std::uint64_t voluntary_switches = 0;  ///< of the living threads; of this process: of all
  std::uint64_t involuntary_switches = 0;
};

/// Reads the usage. Values that cannot be read (the process has ended) stay 0.
[[nodiscard]] ProcessUsage usage_of(pid_t process);
[[nodiscard]] ProcessUsage usage_of_self();

}  // namespace weft::tool
