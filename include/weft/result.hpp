// Result<T>, IoResult<T>, IoError and IoErrc: how weft reports failures of the operating system or
// of a peer. Awaiting an operation throws IoError; attempt(operation) returns it as an IoResult<T>.
// Functions that do not wait return Result<T>, whose error is the code alone.
//
//   weft::IoResult<std::size_t> size = co_await weft::attempt(stream.read(buffer));
//   if (!size) log(size.error().what());      // "read 127.0.0.1:1: connection reset by peer"
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

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

/// Errors that have no errno value, or need a text of their own.
enum class IoErrc {
  unexpected_end = 1,  ///< the stream ended before the requested bytes, or a delimiter, were read
  line_too_long,       ///< a line, or what precedes a delimiter, is longer than its limit
  limit_exceeded,      ///< the stream has more bytes than the limit of read_to_end()
  nothing_written,     ///< a writer has taken none of the bytes, and given no error
  not_a_pipe,          ///< the handle or the file is neither a pipe nor a FIFO, or the other end
  no_reader,           ///< no process reads the FIFO (equals errc::no_such_device_or_address)
  timed_out,           ///< a time limit of this program is exceeded (equals errc::timed_out)
};
[[nodiscard]] const std::error_category& io_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(IoErrc code) noexcept {
  return {static_cast<int>(code), io_category()};
}

/// A failed I/O operation. what() names the operation, its object and the reason, on one line
/// whatever they are (control characters as "\x0a"): "connect 127.0.0.1:1: connection refused".
class IoError : public std::system_error {
 public:
  /// `subject` is the address, file or name that the operation acted on; it may be empty.
  IoError(std::error_code code, std::string_view operation, std::string_view subject = {});

  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  /// Returns the reason alone: the code's message.
  [[nodiscard]] std::string message() const { return code().message(); }
  /// An error is as good as its code: to compare it with std::errc, to return it by fail(), and to
  /// turn an IoResult<T> into a Result<T>.
  operator std::error_code() const noexcept { return code(); }

 private:
  std::string text_;
};

/// A value, or the error of an operation: see attempt() in <weft/task.hpp>.
template <class T>
using IoResult = std::expected<T, IoError>;

}  // namespace weft::inline v0_1

template <>
struct std::is_error_code_enum<weft::IoErrc> : std::true_type {};
