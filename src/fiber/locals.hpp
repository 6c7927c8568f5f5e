// Fiber-local objects: one list a fiber, searched by key, as fibers have few of them. Used by
// FiberCore.
#pragma once

#include <weft/fiber_local.hpp>

namespace weft::inline v0_1::detail {

/// Destroys the objects, the newest first, including those that their destructors make.
void destroy_fiber_locals(FiberLocalNode*& first) noexcept;

}  // namespace weft::inline v0_1::detail
