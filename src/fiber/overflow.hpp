// What is said when a fiber has used more stack than it has.
#pragma once

namespace weft::detail {

/// If `address` lies in the guard of the running fiber's stack, writes a line to standard error
/// that names the fiber and its stack's size. Async-signal-safe.
void report_overflow(const void* address) noexcept;

}  // namespace weft::detail
