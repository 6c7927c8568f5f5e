// Fiber-local objects: a list a fiber, looked through by key; fibers have few of them.
#pragma once

#include <weft/fiber_local.hpp>

namespace weft::detail {

/// Destroys them, the newest first, and those too that their destructors make.
void destroy_fiber_locals(FiberLocalNode*& first) noexcept;

}  // namespace weft::detail
