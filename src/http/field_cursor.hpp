// Reads the value of a field from left to right: tokens, quoted strings, delimiters (RFC 9110,
// 5.6). Used by the parsers of media types, ranges, entity tags, cookies and forms. A value; it
// borrows the text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/char_class.hpp"

namespace weft::inline v0_1::http {

class FieldCursor {
 public:
  explicit FieldCursor(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  [[nodiscard]] char next() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
  /// Skips spaces and tabs.
  void skip_space() noexcept {
    while (next() == ' ' || next() == '\t') rest_.remove_prefix(1);
  }
  /// Takes `c` if it comes next.
  bool take(char c) noexcept {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Takes the bytes of that class that come next; empty if there are none.
  std::string_view take_all(CharClass kind) noexcept {
    std::size_t size = 0;
    while (size < rest_.size() && is(kind, rest_[size])) ++size;
    return take_first(size);
  }
  std::string_view take_token() noexcept { return take_all(kToken); }
  /// Takes what comes before the next `end`, or all.
  std::string_view take_until(char end) noexcept {
    const std::size_t found = rest_.find(end);
    return take_first(found == std::string_view::npos ? rest_.size() : found);
  }
  std::string_view take_first(std::size_t size) noexcept {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  /// Takes a quoted string, and returns what it says; null, with the cursor anywhere, if it is
  /// malformed.
  std::optional<std::string> take_quoted() {
    if (!take('"')) return std::nullopt;
    std::string said;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return said;
      if (c == '\\') {
        if (rest_.empty()) return std::nullopt;
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      if (!is(kFieldText, c)) return std::nullopt;
      said.push_back(c);
    }
    return std::nullopt;
  }
  /// Takes a token or a quoted string; null if neither comes next.
  std::optional<std::string> take_word() {
    if (next() == '"') return take_quoted();
    const std::string_view token = take_token();
    if (token.empty()) return std::nullopt;
    return std::string(token);
  }

 private:
  std::string_view rest_;
};

[[nodiscard]] inline std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = to_lower(c);
  return result;
}

}  // namespace weft::inline v0_1::http
