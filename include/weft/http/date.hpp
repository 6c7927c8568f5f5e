// Dates of HTTP fields: Date, Last-Modified, If-Modified-Since, Expires. Part of <weft/http.hpp>.
// Any thread.
//
//   response.headers.set("Last-Modified", weft::http::to_http_date(modified));
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace weft::inline v0_1::http {

/// A point in time as HTTP has it: to the second.
using HttpTime = std::chrono::sys_seconds;

/// Returns "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate; RFC 9110, 5.6.7). Times outside the years
/// 0 to 9999 become the nearest one inside.
[[nodiscard]] std::string to_http_date(HttpTime time);

/// Parses each of the three forms of RFC 9110, 5.6.7: IMF-fixdate, the one of RFC 850 (two digits
/// of a year more than 50 years ahead mean the past) and that of C's asctime. Null: it is none of
/// them, or no such day exists. The day of the week is not compared with the date.
[[nodiscard]] std::optional<HttpTime> parse_http_date(std::string_view text);

}  // namespace weft::inline v0_1::http
