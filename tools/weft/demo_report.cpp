#include "demo_report.hpp"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "latency.hpp"
#include "table.hpp"
#include "values.hpp"

namespace weft::tool {

namespace {

using Json = nlohmann::ordered_json;

double milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e6;
}

// The columns of one run. Values common to both sides are in the client's row.
void append_run(std::vector<std::vector<std::string>>& rows, const DemoRun& run) {
  const std::vector<std::pair<std::string, std::string>> cells = {
      {grouped(run.requests), ""},
      {grouped(run.failures), ""},
      {grouped(run.connections), ""},
      {readable_time(run.wall), ""},
      {readable_time(run.client.cpu), readable_time(run.server.cpu)},
      {readable_size(run.client.peak_memory_bytes), readable_size(run.server.peak_memory_bytes)},
      {grouped(run.client.threads), grouped(run.server.threads)},
      {grouped(run.client.voluntary_switches), grouped(run.server.voluntary_switches)},
      {grouped(run.client.involuntary_switches), grouped(run.server.involuntary_switches)},
  };
  for (std::size_t i = 0; i < cells.size(); ++i) {
    rows[i].push_back(cells[i].first);
    rows[i].push_back(cells[i].second);
  }
}

Json side_json(const ProcessUsage& usage) {
  return {{"cpu_ms", milliseconds(usage.cpu)},
          {"peak_memory_bytes", usage.peak_memory_bytes},
          {"threads", usage.threads},
          {"voluntary_switches", usage.voluntary_switches},
          {"involuntary_switches", usage.involuntary_switches}};
}

Json run_json(const DemoRun& run) {
  return {{"requests", run.requests},        {"failures", run.failures},
          {"connections", run.connections},  {"wall_ms", milliseconds(run.wall)},
          {"client", side_json(run.client)}, {"server", side_json(run.server)}};
}

}  // namespace

std::string to_text(const DemoReport& report) {
  std::vector<std::string> head = {"", "weft client", "weft server"};
  std::vector<std::vector<std::string>> rows = {{"requests"},
                                                {"failures"},
                                                {"connections at once"},
                                                {"wall"},
                                                {"CPU"},
                                                {"peak memory"},
                                                {"threads"},
                                                {"context switches: voluntary"},
                                                {"context switches: forced"}};
  append_run(rows, report.weft);
  if (report.threads) {
    head.insert(head.end(), {"thread client", "thread server"});
    append_run(rows, *report.threads);
  }
  Table table(std::move(head));
  for (auto& row : rows) table.add_row(std::move(row));
  const std::uint64_t right = report.weft.requests - report.weft.failures;
  return grouped(right) + " of " + grouped(report.count) + " echoes right, each delayed by " +
         grouped(static_cast<std::uint64_t>(report.delay.count())) + " ms at the server\n\n" +
         table.text() + "\nlatency: " + latency_text(report.latency) + "\n" + report.note;
}

std::string to_json(const DemoReport& report) {
  Json json = {{"count", report.count}, {"delay_ms", report.delay.count()}};
  json["weft"] = run_json(report.weft);
  json["weft"]["latency_ms"] = latency_json(report.latency);
  json["threads"] = report.threads ? run_json(*report.threads) : Json();
  json["note"] = report.note;
  return json.dump(1) + "\n";
}

}  // namespace weft::tool
