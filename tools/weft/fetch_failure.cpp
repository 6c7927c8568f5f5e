#include "fetch_failure.hpp"

#include <system_error>
#include <weft/http/error.hpp>
#include <weft/resolve.hpp>

#include "values.hpp"

namespace weft::tool {

namespace {

FetchOutcome outcome_of(std::error_code code) {
  if (code == std::errc::connection_refused) return FetchOutcome::refused;
  if (code == std::errc::connection_reset || code == std::errc::broken_pipe ||
      code == http::Errc::closed_before_response) {
    return FetchOutcome::reset;
  }
  if (code == std::errc::timed_out) return FetchOutcome::timeout;
  if (code.category() == resolve_category()) return FetchOutcome::bad_name;
  if (code == http::Errc::headers_too_large || code == http::Errc::too_many_headers) {
    return FetchOutcome::oversized_header;
  }
  if (code.category() == http::http_category()) return FetchOutcome::bad_response;
  return FetchOutcome::other;
}

}  // namespace

FetchFailure explain_failure(const std::exception& error, std::chrono::nanoseconds timeout) {
  const auto* system = dynamic_cast<const std::system_error*>(&error);
  if (system == nullptr) return {FetchOutcome::other, error.what()};
  const FetchOutcome outcome = outcome_of(system->code());
  switch (outcome) {
    case FetchOutcome::timeout:
      if (timeout == std::chrono::nanoseconds::max()) return {outcome, system->code().message()};
      return {outcome, system->code().message() + " (" + readable_time(timeout) + " in all)"};
    case FetchOutcome::oversized_header:
    case FetchOutcome::bad_response:
      return {outcome, "bad response: " + system->code().message()};
    default:  // these name the requested address or host
      return {outcome, error.what()};
  }
}

FetchFailure explain_status(http::Status status) {
  std::string text = "status " + std::to_string(status.code());
  if (!status.reason().empty()) text += " " + std::string(status.reason());
  return {FetchOutcome::bad_status, std::move(text)};
}

}  // namespace weft::tool
