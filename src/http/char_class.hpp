// The bytes permitted in each part of HTTP/1.1: one table, used by the guards and the serializers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <weft/http/headers.hpp>

namespace weft::inline v0_1::http {

enum CharClass : std::uint8_t {
  kToken = 1,       ///< field names, methods (RFC 9110 tchar)
  kTarget = 2,      ///< request targets: visible ASCII without '#'
  kHost = 4,        ///< Host: RFC 3986 host and port, without ','
  kUnreserved = 8,  ///< never percent-encoded
  kFieldText = 16,  ///< field values and reason phrases: tab, space, visible, 0x80-0xff
  kHexDigit = 32,
  kName = 64,  ///< of kHost, what a name consists of: neither '%' nor ":[]"
};

namespace char_table {
constexpr std::array<std::uint8_t, 256> build() {
  std::array<std::uint8_t, 256> table{};
  auto mark = [&table](std::string_view bytes, int bits) {
    for (char c : bytes) {
      auto& slot = table[static_cast<unsigned char>(c)];
      slot = static_cast<std::uint8_t>(slot | bits);
    }
  };
  mark("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
       kToken | kHost | kName | kUnreserved);
  mark("!#$%&'*+-.^_`|~", kToken);
  mark("-._~", kUnreserved | kHost | kName);
  mark("!$&'()*+;=", kHost | kName);
  mark("%:[]", kHost);
  mark("0123456789abcdefABCDEF", kHexDigit);
  for (unsigned c = 0x20; c < 0x100; ++c) {
    if (c != 0x7f) table[c] = static_cast<std::uint8_t>(table[c] | kFieldText);
    if (c > 0x20 && c < 0x7f && c != '#') table[c] = static_cast<std::uint8_t>(table[c] | kTarget);
  }
  mark("\t", kFieldText);
  return table;
}
inline constexpr std::array<std::uint8_t, 256> kTable = build();
}  // namespace char_table

[[nodiscard]] constexpr bool is(CharClass wanted, char c) noexcept {
  return (char_table::kTable[static_cast<unsigned char>(c)] & wanted) != 0;
}

[[nodiscard]] constexpr bool all(CharClass wanted, std::string_view text) noexcept {
  for (char c : text) {
    if (!is(wanted, c)) return false;
  }
  return true;
}

[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// The value of a hexadecimal digit. Precondition: `c` is in class kHexDigit.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  return c <= '9' ? c - '0' : to_lower(c) - 'a' + 10;
}

/// `text` without the spaces and tabs at both ends (OWS).
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Whether the list `text`, as of a Connection field, has that token; in any case.
[[nodiscard]] inline bool has_token(std::string_view text, std::string_view token) noexcept {
  for (;;) {
    const std::size_t comma = text.find(',');
    if (same_name(trim(text.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace weft::inline v0_1::http
