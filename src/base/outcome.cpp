// CancelledJoin: the error of a join whose task was cancelled. Thrown by Outcome; recognized where
// a task ends.
#include <weft/outcome.hpp>

namespace weft::inline v0_1::detail {

CancelledJoin::CancelledJoin(std::string_view operation)
    : IoError(std::make_error_code(std::errc::operation_canceled), operation) {}

bool is_cancelled_join(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const CancelledJoin&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace weft::inline v0_1::detail
