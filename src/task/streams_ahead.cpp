// What merge() and buffered() throw.
#include <weft/streams_ahead.hpp>

namespace weft::streams {

void throw_none_at_once() {
  throw std::invalid_argument("weft::streams::buffered: none at once would never end");
}

}  // namespace weft::streams
