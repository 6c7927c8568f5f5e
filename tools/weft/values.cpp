#include "values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace weft::tool {

namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};

constexpr std::array units{Unit{"ns", 1.0}, Unit{"us", 1e3}, Unit{"ms", 1e6},
                           Unit{"s", 1e9},  Unit{"m", 60e9}, Unit{"h", 3600e9}};
constexpr double longest_ns = 24 * 3600e9;
constexpr std::size_t longest_file_name = 200;

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

std::string with_unit(double value, const char* unit, int decimals) {
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.*f %s", decimals, value, unit);
  return {text.data(), static_cast<std::size_t>(std::max(size, 0))};
}

/// The size of the UTF-8 sequence at the begin of `text`; 0 if there is none, or if it is a control
/// character (of the C1 set, too: U+0080 to U+009F).
std::size_t size_of_printable(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  std::uint32_t code = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> lowest{0, 0, 0xa0, 0x800, 0x10000};
  return code >= lowest[size] && code <= 0x10ffff ? size : 0;
}

}  // namespace

Parsed<unsigned> parse_number(std::string_view text, unsigned lowest, unsigned highest) {
  unsigned value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && stop == end && value >= lowest && value <= highest) return value;
  return std::unexpected("must be " + std::to_string(lowest) + ".." + std::to_string(highest) +
                         ", not '" + std::string(text) + "'");
}

Parsed<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  const std::string_view suffix(stop, static_cast<std::size_t>(end - stop));
  const auto unit = std::ranges::find(units, suffix, &Unit::name);
  if (error == std::errc{} && unit != units.end()) {
    const double nanoseconds = number * unit->nanoseconds;
    if (nanoseconds >= 1 && nanoseconds <= longest_ns) {
      return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
    }
  }
  return std::unexpected("must be a duration such as 500ms, 2s or 1m (at most 24h), not '" +
                         std::string(text) + "'");
}

std::string file_name_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != url.npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("?#"));
  const auto slash = url.rfind('/');
  std::string name(slash == url.npos ? std::string_view{} : url.substr(slash + 1));
  std::ranges::replace_if(name, [](char c) { return !is_name_byte(c); }, '_');
  name.resize(std::min(name.size(), longest_file_name));
  if (name.starts_with('.')) name.front() = '_';
  return name.empty() ? "index" : name;
}

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const std::size_t size = size_of_printable(text);
    if (size > 0) {
      out.append(text.substr(0, size));
    } else {
      const auto byte = static_cast<unsigned char>(text.front());
      out.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 0xf]);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3; place -= 3) text.insert(place - 3, 1, ',');
  return text;
}

std::string readable_time(std::chrono::nanoseconds time) {
  const auto ns = static_cast<double>(time.count());
  if (ns < 1e6) return with_unit(ns / 1e3, "us", 0);
  if (ns < 1e9) return with_unit(ns / 1e6, "ms", 2);
  return with_unit(ns / 1e9, "s", 2);
}

std::string readable_size(std::uint64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (bytes < 1024) return std::to_string(bytes) + " B";
  if (size < 1024.0 * 1024) return with_unit(size / 1024, "KiB", 1);
  if (size < 1024.0 * 1024 * 1024) return with_unit(size / (1024.0 * 1024), "MiB", 1);
  return with_unit(size / (1024.0 * 1024 * 1024), "GiB", 2);
}

}  // namespace weft::tool
