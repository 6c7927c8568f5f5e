// The demo's comparison: both sides of the same work by one OS thread per request, with blocking
// sockets, small stacks and the least code that does it. Ended by the default action of a signal.
#pragma once

#include <cstddef>

namespace weft::tool {

/// The most threads that the comparison starts per side, for any count of the demo.
inline constexpr std::size_t thread_peer_cap = 1000;

}  // namespace weft::tool
