#include "base/log.hpp"

#include <iostream>

namespace weft::inline v0_1 {

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
    case LogLevel::fatal:
      break;
  }
  return "fatal";
}

std::string to_string(const LogRecord& record) {
  std::string text = "weft: ";
  text += record.message;
  for (const LogField& field : record.fields) {
    text += "\n  ";
    text += field.name;
    text += ' ';
    text += field.value;
  }
  return text;
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

void Log::write(LogLevel level, std::string_view part, std::string_view message,
                std::span<const LogField> fields) const noexcept {
  LogRecord record;
  record.level = level;
  record.runtime = runtime_;
  record.part = part;
  record.message = message;
  record.fields = fields;
  try {
    if (handler_) return handler_(record);
  } catch (...) {  // standard error, then
  }
  try {
    std::cerr << to_string(record) + '\n';  // in one piece, so that threads do not mix
  } catch (...) {
    std::cerr << "weft: " << message << '\n';
  }
}

}  // namespace weft::inline v0_1::detail
