// Whether this process is in the background of a terminal, which then belongs to another program.
// Async-signal-safe. Called by readers of terminals and by the restoration of their modes.
#pragma once

#include <unistd.h>
#include <weft/native_handle.hpp>

namespace weft::inline v0_1::detail {

/// False also if the terminal does not control this process.
[[nodiscard]] inline bool is_in_background(NativeHandle terminal) noexcept {
  const pid_t foreground = ::tcgetpgrp(terminal);
  return foreground > 0 && foreground != ::getpgrp();
}

}  // namespace weft::inline v0_1::detail
