// remove_tree(): the job of remove_all(). On a thread that may block.
#pragma once

#include <cstdint>
#include <filesystem>

#include "fs/lane_call.hpp"

namespace weft::inline v0_1::detail {

/// Removes what is at `path`, and all below it. Returns how many names. Throws IoError, Abandoned
/// between two names, and std::bad_alloc.
std::uint64_t remove_tree(const std::filesystem::path& path, const char* operation,
                          const StopFlag& stop);

}  // namespace weft::inline v0_1::detail
