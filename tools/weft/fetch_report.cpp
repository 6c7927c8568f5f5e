#include "fetch_report.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "latency.hpp"
#include "values.hpp"

namespace weft::tool {

namespace {

double milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e6;
}

std::string padded(std::string text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

}  // namespace

std::string_view to_string(FetchOutcome outcome) noexcept {
  static constexpr std::array<std::string_view, 9> names{
      "ok",         "refused",          "reset",        "timeout", "bad_name",
      "bad_status", "oversized_header", "bad_response", "other"};
  return names[static_cast<std::size_t>(outcome)];
}

FetchReport::FetchReport(std::vector<std::string> urls, bool keep_each)
    : urls_(std::move(urls)), keep_each_(keep_each) {}

void FetchReport::add(FetchResult result) {
  ++requests_;
  bytes_ += result.bytes;
  if (result.outcome == FetchOutcome::ok) {
    latency_.record(static_cast<std::uint64_t>(result.time.count()));
  } else {
    ++failures_;
    ++failure_counts_[{result.url, result.error}];
  }
  if (keep_each_) results_.push_back(std::move(result));
}

std::string FetchReport::text(std::chrono::nanoseconds wall) const {
  std::string out;
  for (const FetchResult& result : results_) {
    out += (result.status == 0 ? "---" : std::to_string(result.status)) + " " +
           padded(grouped(result.bytes) + " B", 14) + " " + padded(readable_time(result.time), 10) +
           "  " + printable(urls_[result.url]) + "\n";
  }
  const double seconds = std::max(static_cast<double>(wall.count()) / 1e9, 1e-9);
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(requests_) / seconds);
  out += grouped(requests_) + " requests, " + grouped(failures_) + " failures, " +
         readable_size(bytes_) + " in " + readable_time(wall) + " (" + grouped(rate) +
         " requests/s)\n";
  if (latency_.count() > 0) out += "latency: " + latency_text(latency_) + "\n";
  return out;
}

std::string FetchReport::failure_lines() const {
  std::string out;
  for (const auto& [what, count] : failure_counts_) {
    out += "weft fetch: " + printable(urls_[what.first]) + ": " + printable(what.second);
    if (count > 1) out += " (" + grouped(count) + " times)";
    out += '\n';
  }
  return out;
}

std::string FetchReport::json(std::chrono::nanoseconds wall) const {
  nlohmann::ordered_json report = {
      {"requests", requests_},
      {"failures", failures_},
      {"bytes", bytes_},
      {"wall_ms", milliseconds(wall)},
  };
  report["latency_ms"] = latency_json(latency_);
  report["results"] = nlohmann::ordered_json::array();
  for (const FetchResult& result : results_) {
    nlohmann::ordered_json one = {{"url", urls_[result.url]},
                                  {"outcome", to_string(result.outcome)},
                                  {"status", result.status},
                                  {"bytes", result.bytes},
                                  {"time_ms", milliseconds(result.time)}};
    if (!result.error.empty()) one["error"] = result.error;
    report["results"].push_back(std::move(one));
  }
  // URLs and errors may hold bytes that are not UTF-8: they are replaced and do not throw. All that
  // is not ASCII is escaped, as are control characters.
  return report.dump(1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace weft::tool
