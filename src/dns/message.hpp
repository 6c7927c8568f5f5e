// Reads the answers of name servers (RFC 1035, 4). What a server sends is not trusted: nothing is
// read beyond the message, compressed names end, and records of other names than the one that was
// asked for, and those to which it leads, are ignored. A pure function.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dns/answer.hpp"

namespace weft::inline v0_1::dns {

/// Returns what `message` says about the records of `type` of `name` (absolute, in lower case,
/// without a dot at its end), by way of its aliases (CNAME). The time to live is the shortest of
/// those involved, of a negative answer that of RFC 2308, 5. Errors: Errc. Throws std::bad_alloc.
[[nodiscard]] Answer read_message(std::span<const std::uint8_t> message, std::string_view name,
                                  RecordType type);

}  // namespace weft::inline v0_1::dns
