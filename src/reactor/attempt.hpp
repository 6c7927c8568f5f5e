// One try of an operation: its system call, made now. Called by the readiness driver, at the start
// and again each time the source has become ready. Any thread; the operation is used by one.
#pragma once

#include <weft/operation.hpp>

#include <cstdint>
#include <limits>

namespace weft {

/// Nothing could be done without waiting; any other result ends the operation.
inline constexpr std::int64_t would_block = std::numeric_limits<std::int64_t>::min();

/// Tries `operation`. operation.token is 0 at the first try and remembers from one to the next how
/// far it is. `no_socket`: whether its handle is known to be none; learnt here. A wrong belief
/// costs time only.
[[nodiscard]] std::int64_t attempt(Operation& operation, bool& no_socket) noexcept;

/// How many bytes a read or write asks for. 0 for the other kinds, whose results tell nothing about
/// what is left.
[[nodiscard]] std::size_t wanted_bytes(const Operation& operation) noexcept;

}  // namespace weft
