// What a process holds, to be compared before and after: descriptors, threads, frame blocks. For
// fixtures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace weft::test {

/// A picture of what the process holds now.
struct ProcessState {
  std::size_t fds = 0;            ///< see open_handles()
  std::size_t threads = 0;        ///< entries of /proc/self/task
  std::int64_t frame_blocks = 0;  ///< live blocks of the frame pool

  [[nodiscard]] static ProcessState now();
  /// now(), where no runtime lives: waits for some seconds until the kernel lists no worker any
  /// more, as it does for a moment after it was joined.
  [[nodiscard]] static ProcessState without_runtimes();
  friend bool operator==(const ProcessState&, const ProcessState&) = default;
};

[[nodiscard]] std::string to_string(const ProcessState& state);

/// The state now; if it is not `expected`, looks again for some seconds.
[[nodiscard]] ProcessState settled(const ProcessState& expected);

}  // namespace weft::test
