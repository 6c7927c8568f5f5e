#include "runtime/failure_report.hpp"

#include <exception>
#include <iostream>
#include <sstream>
#include <string>

namespace weft::inline v0_1::detail {

namespace {

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace

void report_failure(const UnhandledFailure& failure) noexcept {
  try {
    std::ostringstream text;
    text << "weft: a task failed and nobody awaited it: " << describe(failure.error) << '\n';
    if (failure.backtrace != nullptr) {
      for (const std::source_location& site : failure.backtrace->sites()) {
        text << "  awaited at " << site.file_name() << ':' << site.line() << " in "
             << site.function_name() << '\n';
      }
    }
    std::cerr << text.str();  // in one piece, so that lines of several threads do not mix
  } catch (...) {
    std::cerr << "weft: a task failed and nobody awaited it\n";
  }
}

}  // namespace weft::inline v0_1::detail
