// What channels of every kind give for a try and for a send: TrySend, TryReceive, SendResult.
#pragma once

#include <cstdint>
#include <expected>

namespace weft {

/// What try_send() did.
enum class TrySend : std::uint8_t {
  sent,    ///< the value has been moved out
  full,    ///< the value is where it was: there is no room, or others wait for it
  closed,  ///< the value is where it was: nobody will ever receive it
};

/// Why try_receive() gave nothing.
enum class TryReceive : std::uint8_t {
  empty,   ///< not now
  closed,  ///< never again
};

/// What a send gives: nothing, or the value back, as nobody will receive it.
template <class T>
using SendResult = std::expected<void, T>;

}  // namespace weft
