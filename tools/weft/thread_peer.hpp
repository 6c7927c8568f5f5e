// What the demo compares weft with: both sides of the same work by one OS thread a request, with
// blocking sockets, small stacks and the least code that does it. Ended by the default action of a
// signal.
#pragma once

#include <cstddef>

namespace weft::tool {

/// The most threads the comparison starts a side, whatever the demo's count.
inline constexpr std::size_t thread_peer_cap = 1000;

}  // namespace weft::tool
