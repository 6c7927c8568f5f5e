// Maps the exception of a request to the user's error text.
#pragma once

#include <chrono>
#include <exception>
#include <string>
#include <utility>
#include <weft/http/message.hpp>

#include "fetch_report.hpp"

namespace weft::tool {

using FetchFailure = std::pair<FetchOutcome, std::string>;

/// Returns the kind of a failed request and a text about it, without the URL. `timeout`: its limit
/// in all; nanoseconds::max(): none.
[[nodiscard]] FetchFailure explain_failure(const std::exception& error,
                                           std::chrono::nanoseconds timeout);
/// The same for a response whose status is not 2xx: "status 404 Not Found".
[[nodiscard]] FetchFailure explain_status(http::Status status);

}  // namespace weft::tool
