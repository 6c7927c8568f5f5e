#include "latency.hpp"

#include <array>
#include <chrono>

#include "values.hpp"

namespace weft::tool {

namespace {

struct Shown {
  double percent;
  const char* text;
  const char* key;
};
constexpr std::array shown{Shown{50, "p50 ", "p50"}, Shown{90, "p90 ", "p90"},
                           Shown{99, "p99 ", "p99"}, Shown{99.9, "p99.9 ", "p99_9"},
                           Shown{100, "max ", "max"}};

}  // namespace

std::string latency_text(const Histogram& latency) {
  std::string text;
  for (const Shown& one : shown) {
    const auto value = static_cast<std::int64_t>(latency.percentile(one.percent));
    text +=
        (text.empty() ? "" : "  ") + (one.text + readable_time(std::chrono::nanoseconds(value)));
  }
  return text;
}

nlohmann::ordered_json latency_json(const Histogram& latency) {
  nlohmann::ordered_json json;
  for (const Shown& one : shown) {
    json[one.key] = static_cast<double>(latency.percentile(one.percent)) / 1e6;
  }
  json["mean"] = latency.mean() / 1e6;
  return json;
}

}  // namespace weft::tool
