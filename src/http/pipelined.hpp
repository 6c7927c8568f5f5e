// serve_pipelined(): serves requests that follow one another on a connection without a pause. The
// hot path of the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <weft/task.hpp>

#include "http/connection.hpp"

namespace weft::inline v0_1::http {

enum class BurstEnd : std::uint8_t {
  wait,        ///< for the next request
  wait_on,     ///< the same, and no request came: the wait before goes on
  close,       ///< the peer or the session has ended the connection
  linger,      ///< the last response was written
  leave_http,  ///< what is Connection::given() goes on with it
};

enum class Serve : std::uint8_t {
  all,
  more_is_likely,  ///< as all; the input filled its buffer
  last,            ///< the connection ends after the present request
};

/// Serves the request that begins with `input`, and all that follow while the connection is not
/// idle. Throws std::bad_alloc. Cancel: the present request is dropped.
template <class S>
[[nodiscard]] Task<BurstEnd> serve_pipelined(Connection& connection,
                                             std::span<const std::byte> input, Serve how);

/// Writes the response to a request whose rest has not come in time.
template <class S>
[[nodiscard]] Task<void> refuse_late(Connection& connection);

extern template Task<BurstEnd> serve_pipelined<StreamSocket>(Connection&,
                                                             std::span<const std::byte>, Serve);
extern template Task<BurstEnd> serve_pipelined<TransportStream>(Connection&,
                                                                std::span<const std::byte>, Serve);
extern template Task<void> refuse_late<StreamSocket>(Connection&);
extern template Task<void> refuse_late<TransportStream>(Connection&);

}  // namespace weft::inline v0_1::http
