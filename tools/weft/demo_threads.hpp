// The demo's comparison: both sides of its work by one OS thread per request, each side a process.
#pragma once

#include <chrono>
#include <optional>

#include "demo_report.hpp"
#include "stop_signals.hpp"

namespace weft::tool {

/// Starts the thread-per-request server and client, waits for them, and returns their usage;
/// nothing if `interrupt_fd` became readable meanwhile. Blocks. Throws std::runtime_error if one of
/// them does not work.
[[nodiscard]] std::optional<DemoRun> run_thread_comparison(unsigned count,
                                                           std::chrono::milliseconds delay,
                                                           const StopSignals& signals);

}  // namespace weft::tool
