// Counts this program's allocations by operator new, from the moment that the count is switched on.
// Any thread.
#pragma once

#include <cstdint>

namespace weft::tool {

void count_allocations() noexcept;
[[nodiscard]] std::uint64_t allocations_counted() noexcept;

}  // namespace weft::tool
