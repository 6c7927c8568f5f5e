// A burst: the requests that follow one another on a connection without a pause. The hot path of
// the server.
#pragma once

#include <cstddef>
#include <span>

#include <weft/task.hpp>

#include "http/connection.hpp"

namespace weft::http {

enum class BurstEnd : unsigned char {
  wait,  ///< for the next request
  close,
  linger,  ///< close, but let the peer read our answer first
};

/// Serves what `input` begins, and all that follows while the connection is not idle.
/// `more_is_likely`: the input filled its buffer. Throws std::bad_alloc. Cancel: a request under
/// way is given up.
[[nodiscard]] Task<BurstEnd> serve_pipelined(Connection& connection,
                                             std::span<const std::byte> input, bool more_is_likely);

}  // namespace weft::http
