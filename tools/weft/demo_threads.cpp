#include "demo_threads.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "child_process.hpp"

namespace weft::tool {

namespace {

constexpr std::chrono::seconds start_limit{10};
constexpr std::chrono::seconds work_limit{60};

nlohmann::json read_result(ChildProcess& child, std::chrono::milliseconds limit, int interrupt_fd) {
  return nlohmann::json::parse(child.read_line(limit, interrupt_fd), nullptr, false);
}

ProcessUsage usage_from(const nlohmann::json& result) {
  ProcessUsage usage;
  usage.cpu = std::chrono::nanoseconds(result.at("cpu_ns").get<std::int64_t>());
  usage.peak_memory_bytes = result.at("peak_memory_bytes").get<std::uint64_t>();
  usage.threads = result.at("threads").get<std::uint64_t>();
  usage.voluntary_switches = result.at("voluntary_switches").get<std::uint64_t>();
  usage.involuntary_switches = result.at("involuntary_switches").get<std::uint64_t>();
  return usage;
}

}  // namespace

std::optional<DemoRun> run_thread_comparison(unsigned count, std::chrono::milliseconds delay,
                                             const StopSignals& signals) {
  const std::string number = std::to_string(count);
  ChildProcess server({"thread-serve", "--count", number});
  const std::string address = server.read_listening_address(start_limit);
  ChildProcess client({"thread-fetch", "--server", address, "--count", number, "--delay",
                       std::to_string(delay.count())});
  const auto fetched = read_result(client, delay + work_limit, signals.fd());
  const auto served = read_result(server, start_limit, signals.fd());
  if (signals.pending()) return std::nullopt;
  if (!fetched.is_object() || !served.is_object()) {
    throw std::runtime_error("the comparison by threads did not end: too few threads allowed?");
  }
  DemoRun run;
  run.requests = fetched.at("requests").get<std::uint64_t>();
  run.failures = fetched.at("failures").get<std::uint64_t>();
  run.connections = run.requests;
  run.wall = std::chrono::nanoseconds(fetched.at("wall_ns").get<std::int64_t>());
  run.client = usage_from(fetched);
  run.server = usage_from(served);
  return run;
}

}  // namespace weft::tool
