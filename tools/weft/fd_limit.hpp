// The limit of open files of this process.
#pragma once

#include <cstddef>

namespace weft::tool {

/// Raises the soft limit of open files to the hard one (children inherit it) and returns the limit
/// in effect.
std::size_t raise_fd_limit() noexcept;

/// Returns how many of that many files can be sockets of a load, beside the program's own files; at
/// least one.
[[nodiscard]] std::size_t sockets_within(std::size_t file_limit) noexcept;

}  // namespace weft::tool
