// The resources of a process, to be compared before and after: descriptors, threads, frame blocks.
// For fixtures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace weft::test {

/// The state at one moment.
struct ProcessState {
  std::size_t fds = 0;            ///< see open_handles()
  std::size_t threads = 0;        ///< entries of /proc/self/task
  std::int64_t frame_blocks = 0;  ///< live blocks of the frame pool

  [[nodiscard]] static ProcessState now();
  /// Precondition: no runtime lives. Waits for some seconds until the kernel lists no worker any
  /// more, as it does for a moment after the join, and then returns now().
  [[nodiscard]] static ProcessState without_runtimes();
  friend bool operator==(const ProcessState&, const ProcessState&) = default;
};

[[nodiscard]] std::string to_string(const ProcessState& state);

/// Returns the state now. If it is not `expected`, it looks again for some seconds.
[[nodiscard]] ProcessState settled(const ProcessState& expected);

}  // namespace weft::test
