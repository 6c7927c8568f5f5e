// `weft fetch` of one body that is passed on as it comes: to standard output or a file, and on
// behind a part. Memory does not grow with the body.
#pragma once

#include "commands.hpp"

namespace weft::tool {

/// Returns whether the options ask for one transfer: by one that only a transfer has, or by a file
/// for the output of one URL. Looks at the file system.
[[nodiscard]] bool is_transfer(const FetchOptions& options);

/// Runs it, and returns the exit code of the process. Precondition: is_transfer(), one URL.
int run_transfer(const FetchOptions& options);

}  // namespace weft::tool
