// serve_pipelined(): serves requests that follow one another on a connection without a pause. The
// hot path of the server.
#pragma once

#include <cstddef>
#include <span>

#include <weft/task.hpp>

#include "http/connection.hpp"

namespace weft::inline v0_1::http {

enum class BurstEnd : unsigned char {
  wait,  ///< for the next request
  close,
  linger,  ///< close, after the peer has read the response
};

/// Serves the request that begins with `input`, and all that follow while the connection is not
/// idle. `more_is_likely`: the input filled its buffer. Throws std::bad_alloc.
/// Cancel: the present request is dropped.
[[nodiscard]] Task<BurstEnd> serve_pipelined(Connection& connection,
                                             std::span<const std::byte> input, bool more_is_likely);

}  // namespace weft::inline v0_1::http
