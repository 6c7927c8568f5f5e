#include "runtime/failure_report.hpp"

#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

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

void report_failure_of_handler(const std::exception_ptr& error) noexcept {
  try {
    std::ostringstream text;
    text << "weft: RuntimeOptions::on_failure has thrown: " << describe(error)
         << "; it was called for the failure in the next line\n";
    std::cerr << text.str();
  } catch (...) {
    std::cerr << "weft: RuntimeOptions::on_failure has thrown\n";
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

FailureHandler guarded(FailureHandler handler) {
  if (!handler) return FailureHandler(&report_failure);
  return [handler = std::move(handler)](const UnhandledFailure& failure) noexcept {
    try {
      handler(failure);
    } catch (...) {
      report_failure_of_handler(std::current_exception());
      report_failure(failure);
    }
  };
}

}  // namespace weft::inline v0_1::detail
