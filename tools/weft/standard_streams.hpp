// The standard streams of the program: that they exist, and that what it prints has arrived.
#pragma once

#include <string_view>

namespace weft::tool {

/// Opens /dev/null for each of the descriptors 0 to 2 that is closed, so that no socket gets its
/// number. Called first in main().
void open_standard_streams() noexcept;

/// Writes `text` to standard output. Throws std::runtime_error if the system did not take all of
/// it: "cannot write to standard output: No space left on device". Any thread.
void print(std::string_view text);

/// Writes one line to standard error: "weft COMMAND: text". `text` may hold anything: see
/// printable().
void complain(std::string_view command, std::string_view text) noexcept;

}  // namespace weft::tool
