// The results of sends and tries, for channels of every kind: TrySend, TryReceive, SendResult.
#pragma once

#include <cstdint>
#include <expected>

namespace weft::inline v0_1 {

/// The result of try_send().
enum class TrySend : std::uint8_t {
  sent,    ///< the value was moved into the channel
  full,    ///< the value was not moved: there is no room, or other senders wait for it
  closed,  ///< the value was not moved: no receiver will ever take it
};

/// Why try_receive() returned no value.
enum class TryReceive : std::uint8_t {
  empty,   ///< there is no value now
  closed,  ///< there will be no value any more
};

/// The result of a send: nothing, or the value, if no receiver will take it.
template <class T>
using SendResult = std::expected<void, T>;

}  // namespace weft::inline v0_1
