// The demo's comparison: both sides of its work by one OS thread a request, each side a process.
#pragma once

#include <chrono>
#include <optional>

#include "demo_report.hpp"
#include "stop_signals.hpp"

namespace weft::tool {

/// Starts the thread-a-request server and client, waits for them, and returns what they used;
/// nothing when `interrupt_fd` became readable meanwhile. Blocks. Throws std::runtime_error when
/// one of them does not work.
[[nodiscard]] std::optional<DemoRun> run_thread_comparison(unsigned count,
                                                           std::chrono::milliseconds delay,
                                                           const StopSignals& signals);

}  // namespace weft::tool
