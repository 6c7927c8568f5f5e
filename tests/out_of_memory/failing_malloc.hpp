// A malloc() that fails when it is told to, for the tests in this folder: of the whole program, the
// C library's own calls and operator new included.
#pragma once

#include <cstdint>

namespace weft::test {

enum class Fails : std::uint8_t { once, from_there_on };

/// The allocation after `successes` others, on any thread, fails; the following ones, too, or not.
void fail_allocation_after(std::int64_t successes, Fails how = Fails::once) noexcept;
/// From now on none fails. Whether one has failed.
bool end_failures() noexcept;

}  // namespace weft::test
