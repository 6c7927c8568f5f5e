// What weft asks the system about threads and processors. Any thread.
#pragma once

#include <string_view>

namespace weft {

/// Names the calling thread, as debuggers and /proc show it; cut to the 15 bytes the system keeps.
void name_current_thread(std::string_view name) noexcept;

/// How many processors the calling thread may run on (its affinity counts); at least 1.
[[nodiscard]] unsigned cpu_count() noexcept;

}  // namespace weft
