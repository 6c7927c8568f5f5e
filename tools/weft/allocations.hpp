// How often this program has asked for memory by operator new, once it was told to count. Any
// thread.
#pragma once

#include <cstdint>

namespace weft::tool {

void count_allocations() noexcept;
[[nodiscard]] std::uint64_t allocations_counted() noexcept;

}  // namespace weft::tool
