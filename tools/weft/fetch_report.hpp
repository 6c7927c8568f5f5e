// The outcomes of the requests of `weft fetch`, collected one by one and reported at the end. Not
// thread-safe: one task adds.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "histogram.hpp"

namespace weft::tool {

/// How a request ended; the kinds that a user can act upon.
enum class FetchOutcome : std::uint8_t {
  ok,
  refused,           ///< no process listens there
  reset,             ///< the server broke the connection
  timeout,           ///< not complete within --timeout
  bad_name,          ///< the host's name has no address
  bad_status,        ///< a status other than 2xx
  oversized_header,  ///< the response's head is beyond the client's limits
  bad_response,      ///< not HTTP, or cut off
  other,             ///< any other error of the operating system
};
[[nodiscard]] std::string_view to_string(FetchOutcome outcome) noexcept;

struct FetchResult {
  std::size_t url = 0;  ///< index among the command's URLs
  FetchOutcome outcome = FetchOutcome::ok;
  int status = 0;  ///< 0: there was no response
  std::uint64_t bytes = 0;
  std::chrono::nanoseconds time{0};
  std::string error;  ///< one line for people; empty when ok
};

class FetchReport {
 public:
  /// `keep_each`: keeps every request, for the JSON or a short list.
  FetchReport(std::vector<std::string> urls, bool keep_each);

  void add(FetchResult result);
  [[nodiscard]] std::size_t requests() const noexcept { return requests_; }
  [[nodiscard]] std::size_t failures() const noexcept { return failures_; }

  /// The lines for standard output.
  [[nodiscard]] std::string text(std::chrono::nanoseconds wall) const;
  /// The failures, a line for each kind at each URL, for standard error.
  [[nodiscard]] std::string failure_lines() const;
  [[nodiscard]] std::string json(std::chrono::nanoseconds wall) const;

 private:
  std::vector<std::string> urls_;
  bool keep_each_;
  std::vector<FetchResult> results_;
  std::map<std::pair<std::size_t, std::string>, std::size_t> failure_counts_;  // (URL, error)
  Histogram latency_;  // of the requests that succeeded, in nanoseconds
  std::size_t requests_ = 0;
  std::size_t failures_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace weft::tool
