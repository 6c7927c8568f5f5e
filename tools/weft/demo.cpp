// `weft demo`: the delay server as a second process, many delayed texts fetched from it at once,
// every echo checked, and the same work by one OS thread per request beside it.
#include <algorithm>
#include <csignal>
#include <exception>
#include <string>
#include <utility>

#include "child_process.hpp"
#include "commands.hpp"
#include "demo_load.hpp"
#include "demo_report.hpp"
#include "demo_threads.hpp"
#include "fd_limit.hpp"
#include "standard_streams.hpp"
#include "stop_signals.hpp"
#include "thread_peer.hpp"
#include "values.hpp"

namespace weft::tool {

namespace {

constexpr std::chrono::seconds start_limit{10};

DemoReport measure_weft(const DemoOptions& options, std::size_t file_limit, StopSignals& signals,
                        ChildProcess& server, DemoLoad& load) {
  DemoReport report;
  report.count = options.count;
  report.delay = options.delay;
  const std::string address = server.read_listening_address(start_limit);
  const std::size_t at_once = std::min<std::size_t>(options.count, sockets_within(file_limit));
  if (at_once < options.count) {
    report.note = "The limit of open files is " + grouped(file_limit) + ": " + grouped(at_once) +
                  " requests were under way at once, the others queued.\n";
  }
  load.run(address, options.count, options.delay, at_once, signals);
  report.weft.requests = load.requests();
  report.weft.failures = load.failures();
  report.weft.connections = load.most_at_once();
  report.weft.wall = load.wall();
  report.weft.client = usage_of_self();
  report.weft.server = usage_of(server.pid());
  report.latency = load.latency();
  if (report.weft.connections < at_once && !load.interrupted()) {
    report.note += "The first answers came before the last request was sent.\n";
  }
  if (!load.first_failure().empty()) report.note += "First failure: " + load.first_failure() + "\n";
  return report;
}

// The comparison is optional: if the system allows too few threads, the report says so and omits
// it.
void add_thread_comparison(DemoReport& report, std::size_t file_limit, const StopSignals& signals) {
  const std::uint64_t possible = std::min<std::uint64_t>(sockets_within(file_limit), report.count);
  const auto count = static_cast<unsigned>(std::min<std::uint64_t>(thread_peer_cap, possible));
  try {
    report.threads = run_thread_comparison(count, report.delay, signals);
  } catch (const std::exception& error) {
    report.note += "No comparison by threads: " + std::string(error.what()) + "\n";
    return;
  }
  if (count < report.count) {
    report.note += "The comparison, one OS thread a request on each side, is capped at " +
                   grouped(count) + " requests.\n";
  }
}

bool all_right(const DemoReport& report) {
  return report.weft.failures == 0 && report.weft.requests == report.count;
}

}  // namespace

int run_demo(const DemoOptions& options) {
  StopSignals signals;
  const std::size_t file_limit = raise_fd_limit();
  ChildProcess server({"delay", "--listen", "127.0.0.1:0", "--workers", "1", "--die-with-parent"});
  DemoLoad load;
  DemoReport report = measure_weft(options, file_limit, signals, server, load);
  // After an interrupt the server's requests have lost their client: no client waits for the
  // delays.
  server.stop(load.interrupted());
  if (!load.interrupted()) add_thread_comparison(report, file_limit, signals);
  const std::string text = options.json ? to_json(report) : to_text(report);
  print(text);
  if (load.interrupted() || signals.pending()) return exit_interrupted;
  return all_right(report) ? 0 : exit_failed;
}

}  // namespace weft::tool
