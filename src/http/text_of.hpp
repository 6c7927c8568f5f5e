// Bytes as text, without a copy.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace weft::inline v0_1::http {

[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  // SAFETY: char may alias any object.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace weft::inline v0_1::http
