// What statx(2) gives, as a FileMetadata. Any thread.
#pragma once

#include <weft/file_metadata.hpp>

#include <sys/stat.h>

namespace weft::inline v0_1::detail {

inline constexpr unsigned metadata_mask = STATX_BASIC_STATS | STATX_BTIME;

[[nodiscard]] FileType type_from(unsigned mode) noexcept;
[[nodiscard]] FileMetadata metadata_from(const struct ::statx& found) noexcept;

}  // namespace weft::inline v0_1::detail
