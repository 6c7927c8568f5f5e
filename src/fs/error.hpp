// Errors of file operations: codes of results, and the IoErrors that jobs throw. Any thread.
#pragma once

#include <weft/result.hpp>

#include <cstdint>
#include <string_view>

namespace weft::inline v0_1::detail {

/// The error code of a negative result.
[[nodiscard]] inline std::error_code code_of_file(std::int64_t result) noexcept {
  return os_error(static_cast<int>(-result));
}

[[noreturn]] inline void throw_file_error(std::error_code code, const char* operation,
                                          std::string_view path) {
  throw IoError(code, operation, path);
}

/// Returns `result`; throws IoError if it is negative.
inline std::int64_t or_throw(std::int64_t result, const char* operation, std::string_view path) {
  if (result < 0) throw_file_error(code_of_file(result), operation, path);
  return result;
}

}  // namespace weft::inline v0_1::detail
