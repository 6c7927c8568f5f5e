#include "base/check.hpp"

#include <weft/detail/misuse.hpp>

#include <cstdio>
#include <cstdlib>

namespace weft::inline v0_1::detail {

void check_failed(const char* condition, const char* message, const char* file, int line) noexcept {
  // One call, so that the output of several threads does not mix.
  std::fprintf(stderr, "%s:%d: check failed: %s: %s\n", file, line, condition, message);
  std::fflush(stderr);
  std::abort();
}

void misused(const char* object, const char* message) noexcept {
  check_failed(object, message, __FILE__, __LINE__);
}

}  // namespace weft::inline v0_1::detail
