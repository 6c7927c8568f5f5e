// One try of an operation: makes its system call, once. Called by the readiness driver when the
// operation starts, and again each time its source has become ready. Thread-safety: any thread, one
// at a time for each operation.
#pragma once

#include <weft/extend/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace weft::inline v0_1::detail {

/// The result of a try that would have to wait. Any other result ends the operation.
inline constexpr std::int64_t would_block = std::numeric_limits<std::int64_t>::min();

/// Tries `operation`; returns its result, or would_block. operation.token is 0 at the first try and
/// keeps the progress from one try to the next. `no_socket`: whether the handle is known not to be
/// a socket; updated here. A wrong belief costs only time. The driver makes reads and writes of
/// sockets itself, and calls this for `read` and `write` only where that did not work.
[[nodiscard]] std::int64_t attempt(Operation& operation, bool& no_socket) noexcept;

/// Returns how many bytes a readv or writev requests.
[[nodiscard]] std::size_t size_of_slices(const Operation& operation) noexcept;

/// Returns how many bytes a read, peek or write requests. 0 for the other kinds: their results say
/// nothing about what is left.
[[nodiscard]] inline std::size_t wanted_bytes(const Operation& operation) noexcept {
  const OperationKind kind = operation.kind;
  if (kind == OperationKind::read || kind == OperationKind::peek || kind == OperationKind::write) {
    return operation.io.buffer.size;
  }
  const bool vectored = kind == OperationKind::readv || kind == OperationKind::writev;
  return vectored ? size_of_slices(operation) : 0;
}

}  // namespace weft::inline v0_1::detail
