// The report of a fiber that has used more stack than it has. Installed by FiberScheduler.
#pragma once

namespace weft::inline v0_1::detail {

/// If `address` lies in the guard of the running fiber's stack, writes a line to standard error
/// that names the fiber and the size of its stack. Async-signal-safe.
void report_overflow(const void* address) noexcept;

}  // namespace weft::inline v0_1::detail
