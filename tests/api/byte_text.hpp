// text_of(): bytes as text, for what tests compare and print.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace weft::test {

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace weft::test
