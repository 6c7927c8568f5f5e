#include "models_report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "table.hpp"
#include "values.hpp"

namespace weft::tool {

namespace {

using Json = nlohmann::ordered_json;

double milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e6;
}

std::uint64_t per_waiter(std::uint64_t amount, const ModelRun& run) {
  return amount / std::max<std::uint64_t>(run.count, 1);
}

std::string one_decimal(double number) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.1f", number);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::vector<std::string> row(const ModelRun& run) {
  return {run.model,
          grouped(run.count),
          grouped(run.echoes),
          readable_time(run.wall),
          readable_time(run.cpu),
          readable_size(per_waiter(run.memory_bytes, run)),
          readable_size(run.peak_memory_bytes),
          grouped(run.switches),
          one_decimal(run.allocations),
          grouped(run.lines)};
}

Json run_json(const ModelRun& run) {
  return {{"model", run.model},
          {"count", run.count},
          {"connections", run.connections},
          {"echoes", run.echoes},
          {"failures", run.failures},
          {"wall_ms", milliseconds(run.wall)},
          {"cpu_ms", milliseconds(run.cpu)},
          {"memory_per_waiter_bytes", per_waiter(run.memory_bytes, run)},
          {"peak_memory_bytes", run.peak_memory_bytes},
          {"switches", run.switches},
          {"allocations_per_waiter", run.allocations},
          {"lines", run.lines}};
}

}  // namespace

std::string to_text(const ModelsReport& report) {
  Table table({"model", "waiters", "echoes", "wall", "CPU", "memory/waiter", "peak memory",
               "context switches", "allocations/waiter", "lines"});
  std::uint64_t agree = 0;
  for (const ModelRun& run : report.runs) {
    table.add_row(row(run));
    agree += run.echoes == run.count ? 1 : 0;
  }
  return std::to_string(agree) + " of " + std::to_string(report.runs.size()) +
         " models agree on every echo, each delayed by " +
         grouped(static_cast<std::uint64_t>(report.delay.count())) + " ms at the server\n\n" +
         table.text() + (report.note.empty() ? "" : "\n" + report.note);
}

std::string to_json(const ModelsReport& report) {
  Json runs = Json::array();
  for (const ModelRun& run : report.runs) runs.push_back(run_json(run));
  const Json json = {{"count", report.count},
                     {"delay_ms", report.delay.count()},
                     {"models", runs},
                     {"note", report.note}};
  return json.dump(1) + "\n";
}

}  // namespace weft::tool
