// The text between the parts of a multipart body: random, so that no body has it by accident or on
// purpose. Any thread.
#pragma once

#include <string>

namespace weft::inline v0_1::http {

/// Returns 32 random hexadecimal digits behind "weft-". Throws std::exception where the system has
/// no random numbers.
[[nodiscard]] std::string random_boundary();
/// Returns `bytes` random bytes as hexadecimal digits.
[[nodiscard]] std::string random_hex(unsigned bytes);

}  // namespace weft::inline v0_1::http
