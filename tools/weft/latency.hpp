// The percentiles of every report, as text and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "histogram.hpp"

namespace weft::tool {

/// "p50 1.20 ms  p90 …  p99 …  p99.9 …  max …" of a histogram of nanoseconds.
[[nodiscard]] std::string latency_text(const Histogram& latency);
/// {"p50": …, "p90": …, "p99": …, "p99_9": …, "max": …, "mean": …}, in milliseconds.
[[nodiscard]] nlohmann::ordered_json latency_json(const Histogram& latency);

}  // namespace weft::tool
