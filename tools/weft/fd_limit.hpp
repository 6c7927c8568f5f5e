// How many files this process may have open at once.
#pragma once

#include <cstddef>

namespace weft::tool {

/// Raises the soft limit of open files to the hard one (children inherit it) and returns what now
/// holds.
std::size_t raise_fd_limit() noexcept;

/// How many of that many files can be sockets of a load, beside what the program needs for itself;
/// at least one.
[[nodiscard]] std::size_t sockets_within(std::size_t file_limit) noexcept;

}  // namespace weft::tool
