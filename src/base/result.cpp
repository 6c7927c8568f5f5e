#include <weft/result.hpp>

namespace weft::inline v0_1 {

namespace {

/// Appends `text` with each control character as "\x0a", so that it stays on one line, and whole.
void append_line(std::string& line, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      line += c;
    } else {
      line.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 0xf]);
    }
  }
}

}  // namespace

IoError::IoError(std::error_code code, std::string_view operation, std::string_view subject)
    : std::system_error(code) {
  append_line(text_, operation);
  if (!subject.empty()) append_line(text_.append(" "), subject);
  std::string reason = code.message();
  // Messages of the C library begin with a capital, which is wrong in the middle of a line.
  if (reason.size() > 1 && reason[0] >= 'A' && reason[0] <= 'Z' && reason[1] >= 'a') {
    reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
  }
  append_line(text_.append(": "), reason);
}

}  // namespace weft::inline v0_1
