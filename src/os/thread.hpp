// What weft asks the system about threads and processors. Any thread.
#pragma once

#include <weft/result.hpp>

#include <cstddef>
#include <string_view>

namespace weft::inline v0_1::detail {

/// Names the calling thread for debuggers and /proc; cut to the 15 bytes that the system keeps.
void name_current_thread(std::string_view name) noexcept;

/// The number of processors on which the calling thread may run (by its affinity); at least 1.
[[nodiscard]] unsigned cpu_count() noexcept;

/// Restricts the calling thread to one of the processors on which it may run: the one with index
/// `number` modulo their count. Returns the system's number of that processor.
[[nodiscard]] Result<unsigned> pin_current_thread(std::size_t number) noexcept;

}  // namespace weft::inline v0_1::detail
