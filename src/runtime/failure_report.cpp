#include "runtime/failure_report.hpp"

#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace weft::inline v0_1::detail {

namespace {

constexpr const char* failed = "a task failed and nobody awaited it";
constexpr const char* thrown = "RuntimeOptions::on_failure has thrown";

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

void report_failure_of_handler(const Log& log, const std::exception_ptr& error) noexcept {
  try {
    log.write(LogLevel::error, "task",
              std::string(thrown) + ": " + describe(error) +
                  "; it was called for the failure in the next line");
  } catch (...) {
    log.write(LogLevel::error, "task", thrown);
  }
}

}  // namespace

void report_failure(const Log& log, const UnhandledFailure& failure) noexcept {
  try {
    std::vector<std::string> sites;
    if (failure.backtrace != nullptr) {
      for (const std::source_location& site : failure.backtrace->sites()) {
        sites.push_back(std::string(site.file_name()) + ':' + std::to_string(site.line()) + " in " +
                        site.function_name());
      }
    }
    std::vector<LogField> fields;
    for (const std::string& site : sites) fields.push_back({"awaited at", site});
    log.write(LogLevel::error, "task", std::string(failed) + ": " + describe(failure.error),
              fields);
  } catch (...) {
    log.write(LogLevel::error, "task", failed);
  }
}

FailureHandler guarded(FailureHandler handler, Log log) {
  if (!handler) {
    return [log = std::move(log)](const UnhandledFailure& failure) noexcept {
      report_failure(log, failure);
    };
  }
  return [handler = std::move(handler),
          log = std::move(log)](const UnhandledFailure& failure) noexcept {
    try {
      handler(failure);
    } catch (...) {
      report_failure_of_handler(log, std::current_exception());
      report_failure(log, failure);
    }
  };
}

}  // namespace weft::inline v0_1::detail
