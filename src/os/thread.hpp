// What weft asks the system about threads and processors. Any thread.
#pragma once

#include <weft/result.hpp>

#include <cstddef>
#include <string_view>

namespace weft::detail {

/// Names the calling thread, as debuggers and /proc show it; cut to the 15 bytes the system keeps.
void name_current_thread(std::string_view name) noexcept;

/// How many processors the calling thread may run on (its affinity counts); at least 1.
[[nodiscard]] unsigned cpu_count() noexcept;

/// Lets the calling thread run on one processor alone, of those it may run on: the one with that
/// number among them, counted round. Gives the system's number of it.
[[nodiscard]] Result<unsigned> pin_current_thread(std::size_t number) noexcept;

}  // namespace weft::detail
