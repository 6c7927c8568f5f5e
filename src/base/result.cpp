#include <weft/result.hpp>

namespace weft::inline v0_1 {

IoError::IoError(std::error_code code, std::string_view operation, std::string_view subject)
    : std::system_error(code), text_(operation) {
  if (!subject.empty()) text_.append(" ").append(subject);
  std::string reason = code.message();
  // Messages of the C library begin with a capital, which is wrong in the middle of a line.
  if (reason.size() > 1 && reason[0] >= 'A' && reason[0] <= 'Z' && reason[1] >= 'a') {
    reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
  }
  text_.append(": ").append(reason);
}

}  // namespace weft::inline v0_1
