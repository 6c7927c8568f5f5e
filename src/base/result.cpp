#include <weft/result.hpp>

#include <string>

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

class IoCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.io"; }
  std::string message(int code) const override {
    switch (static_cast<IoErrc>(code)) {
      case IoErrc::unexpected_end:
        return "unexpected end of stream";
      case IoErrc::line_too_long:
        return "the line is too long";
      case IoErrc::limit_exceeded:
        return "there is more than the limit allows";
      case IoErrc::nothing_written:
        return "the writer takes no bytes";
      case IoErrc::not_a_pipe:
        return "it is not that end of a pipe or FIFO";
      case IoErrc::no_reader:
        return "no process has it open for reading";
      case IoErrc::timed_out:
        return "time limit exceeded";
    }
    return "unknown error " + std::to_string(code);
  }
  std::error_condition default_error_condition(int code) const noexcept override {
    switch (static_cast<IoErrc>(code)) {
      case IoErrc::no_reader:
        return std::make_error_condition(std::errc::no_such_device_or_address);
      case IoErrc::timed_out:
        return std::make_error_condition(std::errc::timed_out);
      default:
        return {code, *this};
    }
  }
};

}  // namespace

const std::error_category& io_category() noexcept {
  static const IoCategory category;
  return category;
}

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
