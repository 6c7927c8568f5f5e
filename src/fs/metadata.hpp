// What statx(2) gives, as a FileMetadata. Any thread.
#pragma once

#include <weft/file_metadata.hpp>

#include <sys/stat.h>

namespace weft::inline v0_1::detail {

inline constexpr unsigned metadata_mask = STATX_BASIC_STATS | STATX_BTIME;

[[nodiscard]] FileType type_from(unsigned mode) noexcept;
[[nodiscard]] FileMetadata metadata_from(const struct ::statx& found) noexcept;
/// The permissions of `from` for the file that takes its contents or its place. If that has another
/// owner or group they come without the set-user-ID and set-group-ID bits: programs would run as
/// another user than before.
[[nodiscard]] mode_t permissions_for(const struct ::statx& from, const struct ::statx& to) noexcept;

}  // namespace weft::inline v0_1::detail
