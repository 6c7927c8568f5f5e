// Priority: which task runs first, of those that wait for a worker. See <weft/resume_on.hpp>.
#pragma once

#include <cstdint>

namespace weft {

/// High priority does not starve the others. A worker that has run 61 tasks goes on with a normal
/// one, if any waits. At least one in 488 of its runs has low priority, if any such task waits,
/// unless such tasks have just had more time than all others since.
enum class Priority : std::uint8_t { high, normal, low };

}  // namespace weft
