// One try of an operation: its system call, made now. Called by the readiness driver, at the start
// and again each time the source has become ready. Any thread; the operation is used by one.
#pragma once

#include <weft/extend/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace weft::detail {

/// Nothing could be done without waiting; any other result ends the operation.
inline constexpr std::int64_t would_block = std::numeric_limits<std::int64_t>::min();

/// Tries `operation`. operation.token is 0 at the first try and remembers from one to the next how
/// far it is. `no_socket`: whether its handle is known to be none; learnt here. A wrong belief
/// costs time only.
/// The driver reads and writes sockets by itself, and comes here with `read` and `write` only where
/// that was no use.
[[nodiscard]] std::int64_t attempt(Operation& operation, bool& no_socket) noexcept;

/// What a readv or writev asks for.
[[nodiscard]] std::size_t size_of_slices(const Operation& operation) noexcept;

/// How many bytes a read or write asks for. 0 for the other kinds, whose results tell nothing about
/// what is left.
[[nodiscard]] inline std::size_t wanted_bytes(const Operation& operation) noexcept {
  const OperationKind kind = operation.kind;
  if (kind == OperationKind::read || kind == OperationKind::write) return operation.buffer.size;
  const bool vectored = kind == OperationKind::readv || kind == OperationKind::writev;
  return vectored ? size_of_slices(operation) : 0;
}

}  // namespace weft::detail
