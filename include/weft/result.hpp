// Result<T> and IoError: how weft reports failures of the operating system or of a peer. Awaiting
// an operation throws IoError; attempt(operation) returns Result<T> and never throws.
//
//   weft::Result<std::size_t> size = co_await weft::attempt(stream.read(buffer));
//   if (!size) log(size.error().message());
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <system_error>

namespace weft::inline v0_1 {

/// A value, or the error code of the failure.
template <class T>
using Result = std::expected<T, std::error_code>;

/// Returns the error code of a positive errno value, in the generic category, so that it compares
/// with std::errc.
[[nodiscard]] inline std::error_code os_error(int errno_value) noexcept {
  return {errno_value, std::generic_category()};
}

/// Returns the failed state of any Result: `return fail(std::errc::timed_out);`.
[[nodiscard]] inline std::unexpected<std::error_code> fail(std::error_code code) noexcept {
  return std::unexpected<std::error_code>(code);
}
[[nodiscard]] inline std::unexpected<std::error_code> fail(std::errc code) noexcept {
  return std::unexpected<std::error_code>(std::make_error_code(code));
}

/// A failed I/O operation. what() names the operation, its object and the reason, on one line
/// whatever they are (control characters as "\x0a"): "connect 127.0.0.1:1: connection refused".
class IoError : public std::system_error {
 public:
  /// `subject` is the address, file or name that the operation acted on; it may be empty.
  IoError(std::error_code code, std::string_view operation, std::string_view subject = {});

  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

}  // namespace weft::inline v0_1
