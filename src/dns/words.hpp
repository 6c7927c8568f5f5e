// Splitting the lines of configuration files into words.
#pragma once

#include <string_view>
#include <vector>

namespace weft::inline v0_1::dns {

inline constexpr std::string_view blanks = " \t\r\v\f";

/// Calls `visit` with each line of `text`.
template <class V>
void for_each_line(std::string_view text, V visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    visit(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
}

[[nodiscard]] inline std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const std::size_t end = line.find_first_of(blanks);
    words.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return words;
    line.remove_prefix(end);
  }
}

/// What stands before `comment`.
[[nodiscard]] inline std::string_view without_comment(std::string_view line, char comment) {
  return line.substr(0, line.find(comment));
}

}  // namespace weft::inline v0_1::dns
