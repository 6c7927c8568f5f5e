// `weft models`: the same work in five ways of writing it, each in a process of its own against a
// delay server of its own, and the usage of each.
#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "child_process.hpp"
#include "commands.hpp"
#include "fd_limit.hpp"
#include "model_lines.hpp"
#include "model_work.hpp"
#include "models_report.hpp"
#include "standard_streams.hpp"
#include "stop_signals.hpp"
#include "values.hpp"

namespace weft::tool {

namespace {

constexpr std::chrono::seconds start_limit{10};
constexpr std::chrono::seconds work_limit{180};
/// The most threads of the thread model, whatever the count.
constexpr unsigned most_threads = 4000;
/// The waiters of the allocation count. Every allocation then goes to operator new, which is slow.
constexpr unsigned counted_waiters = 200;

/// Runs one model once. Throws std::runtime_error if it gave no result.
nlohmann::json run_client(const ModelClientOptions& options, const StopSignals& signals) {
  ChildProcess server({"delay", "--listen", "127.0.0.1:0", "--workers", "1", "--die-with-parent"});
  std::vector<std::string> arguments = {"model-client",
                                        "--model",
                                        options.model,
                                        "--server",
                                        server.read_listening_address(start_limit),
                                        "--count",
                                        std::to_string(options.count),
                                        "--delay",
                                        std::to_string(options.delay.count())};
  if (options.count_allocations) arguments.emplace_back("--count-allocations");
  ChildProcess client(arguments);
  const std::string line = client.read_line(options.delay + work_limit, signals.fd());
  server.stop(true);  // at once: no request is under way that a client waits for
  auto result = nlohmann::json::parse(line, nullptr, false);
  if (!result.is_object() && !signals.pending()) {
    throw std::runtime_error("the model '" + options.model + "' gave no result");
  }
  return result;
}

double allocations_a_waiter(ModelClientOptions options, const StopSignals& signals) {
  options.count = counted_waiters;
  options.delay = std::chrono::milliseconds(10);
  options.count_allocations = true;
  const auto result = run_client(options, signals);
  if (!result.is_object()) return 0;
  return result.at("allocations").get<double>() / counted_waiters;
}

ModelRun run_model(const std::string& model, const ModelsOptions& options,
                   const StopSignals& signals) {
  ModelClientOptions client;
  client.model = model;
  client.delay = options.delay;
  client.count = model == "threads" ? std::min(options.count, most_threads) : options.count;
  ModelRun run;
  run.model = model;
  run.count = client.count;
  run.lines = lines_of_model.at(model);
  run.allocations = allocations_a_waiter(client, signals);
  if (signals.pending()) return run;
  const auto result = run_client(client, signals);
  if (!result.is_object()) return run;
  run.connections = result.at("connections").get<std::uint64_t>();
  run.echoes = result.at("echoes").get<std::uint64_t>();
  run.failures = result.at("failures").get<std::uint64_t>();
  run.first_failure = result.at("first_failure").get<std::string>();
  run.wall = std::chrono::nanoseconds(result.at("wall_ns").get<std::int64_t>());
  run.cpu = std::chrono::nanoseconds(result.at("cpu_ns").get<std::int64_t>());
  run.memory_bytes = result.at("memory_bytes").get<std::uint64_t>();
  run.peak_memory_bytes = result.at("peak_memory_bytes").get<std::uint64_t>();
  run.switches = result.at("switches").get<std::uint64_t>();
  return run;
}

std::string note_of(const ModelsReport& report) {
  std::string note;
  for (const ModelRun& run : report.runs) {
    if (run.count < report.count) {
      note += "Threads are capped at " + grouped(run.count) + ".\n";
    }
    if (!run.first_failure.empty()) {
      note += "First failure of " + run.model + ": " + run.first_failure + "\n";
    }
  }
  const std::uint64_t connections = report.runs.empty() ? 0 : report.runs.back().connections;
  if (connections < report.runs.back().count) {
    note += "The limit of open files allows " + grouped(connections) +
            " connections at once: the other waiters wait for one by a semaphore.\n";
  }
  return note;
}

bool all_agree(const ModelsReport& report) {
  return std::all_of(report.runs.begin(), report.runs.end(), [](const ModelRun& run) {
    return run.echoes == run.count && run.failures == 0;
  });
}

}  // namespace

int run_models(const ModelsOptions& options) {
  StopSignals signals;
  raise_fd_limit();
  ModelsReport report;
  report.count = options.count;
  report.delay = options.delay;
  for (const std::string& model : options.only.empty() ? model_names() : options.only) {
    report.runs.push_back(run_model(model, options, signals));
    if (signals.pending()) return exit_interrupted;
  }
  report.note = note_of(report);
  const std::string text = options.json ? to_json(report) : to_text(report);
  print(text);
  return all_agree(report) ? 0 : exit_failed;
}

}  // namespace weft::tool
