#include "http/boundary.hpp"

#include <random>

namespace weft::inline v0_1::http {

std::string random_hex(unsigned bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device source;
  std::string text;
  text.reserve(std::size_t{bytes} * 2);
  for (unsigned i = 0; i < bytes; ++i) {
    const unsigned byte = source() & 0xffU;
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15U]);
  }
  return text;
}

std::string random_boundary() { return "weft-" + random_hex(16); }

}  // namespace weft::inline v0_1::http
