// The exceptions of merge() and buffered().
#include <weft/streams_ahead.hpp>

namespace weft::inline v0_1::streams::detail {

void throw_none_at_once() {
  throw std::invalid_argument("weft::streams::buffered: none at once would never end");
}

void throw_too_many_at_once() {
  throw std::invalid_argument("weft::streams::buffered: so many cannot run at once");
}

}  // namespace weft::inline v0_1::streams::detail
