// `weft fetch`: URLs fetched concurrently over pooled connections, each outcome reported; one
// transfer is in fetch_transfer.cpp.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>
#include <weft/http/client.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>

#include "commands.hpp"
#include "fd_limit.hpp"
#include "fetch_client.hpp"
#include "fetch_failure.hpp"
#include "fetch_report.hpp"
#include "fetch_transfer.hpp"
#include "output_file.hpp"
#include "progress.hpp"
#include "standard_streams.hpp"
#include "stop_signals.hpp"
#include "values.hpp"

namespace weft::tool {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_list = 20;  // requests that people are shown one by one

constexpr std::chrono::seconds default_timeout{30};

http::ClientOptions report_options(const FetchOptions& options, std::size_t at_once) {
  http::ClientOptions client = client_options(options);
  client.timeout = options.timeout.value_or(default_timeout);
  client.connect_timeout = options.connect_timeout.value_or(client.timeout);
  client.max_idle_per_host = client.max_idle = at_once;
  return client;
}

// The requests of one command. Everything runs on one worker: no member needs a lock.
class Fetcher {
 public:
  Fetcher(const FetchOptions& options, std::size_t at_once, FetchReport& report)
      : options_(options),
        total_(options.urls.size() * options.repeat),
        at_once_(at_once),
        report_(report),
        progress_("fetching", total_),
        client_(report_options(options, at_once)) {
    if (!options.output.empty()) paths_ = output_paths(options.output, options.urls);
  }

  // As many tasks as there may be requests at once. Each takes the next request that is left.
  Task<void> run() {
    co_await scope([this](Scope& tasks) -> Task<void> {
      for (std::size_t i = 0; i < at_once_; ++i) tasks.spawn([this] { return work(); }).detach();
      co_return;
    });
  }

 private:
  // The destination of a body: counted, and written to a file once the status is known to be right.
  struct Body {
    std::uint64_t bytes = 0;
    std::string path;  // empty: not written
    std::unique_ptr<OutputFile> file;

    void take(const http::Response& head, std::span<const std::byte> part) {
      bytes += part.size();
      if (path.empty() || !head.status.is_success()) return;
      open();
      file->write(part);
    }
    void open() {
      if (!file) file = std::make_unique<OutputFile>(path);
    }
    void finish() {  // an empty body is a file as well
      if (path.empty()) return;
      open();
      file->commit();
    }
  };

  Task<void> work() {
    while (next_ < total_) {
      const std::size_t number = next_++;
      auto result = co_await fetch(number);
      progress_.step(result.outcome != FetchOutcome::ok);
      report_.add(std::move(result));
    }
  }

  Task<FetchResult> fetch(std::size_t number) {
    FetchResult result;
    result.url = number % options_.urls.size();
    Body body;
    // Repeats fetch the same body: the first of them is kept.
    if (!paths_.empty() && number < paths_.size()) body.path = paths_[number];
    const auto begin = Clock::now();
    try {
      http::ClientRequest request(http::Method::get, options_.urls[result.url]);
      request.headers = options_.headers;
      http::BodySink sink = [&body](const http::Response& head, std::span<const std::byte> part) {
        body.take(head, part);
      };
      auto response = co_await client_.request_to(std::move(request), std::move(sink));
      result.status = response.status.code();
      if (response.status.is_success()) {
        body.finish();
      } else {
        std::tie(result.outcome, result.error) = explain_status(response.status);
      }
    } catch (const std::exception& error) {
      const auto limit = options_.timeout.value_or(default_timeout);
      std::tie(result.outcome, result.error) = explain_failure(error, limit);
    }
    result.time = Clock::now() - begin;
    result.bytes = body.bytes;
    co_return result;
  }

  const FetchOptions& options_;
  std::size_t total_;
  std::size_t at_once_;
  std::size_t next_ = 0;
  FetchReport& report_;
  Progress progress_;
  http::Client client_;
  std::vector<std::string> paths_;
};

// Returns whether a signal came first. Requests under way are then cancelled and awaited.
Task<bool> fetch_until_signalled(Fetcher& fetcher, StopSignals& signals) {
  auto first = co_await select(fetcher.run(), signals.next());
  co_return first.index() == 1;
}

// Returns how many requests at once the limit of open files allows. Reports it if that is fewer
// than requested.
std::size_t requests_at_once(const FetchOptions& options, std::size_t total) {
  const std::size_t wanted = std::min<std::size_t>(options.concurrency, total);
  const std::size_t file_limit = raise_fd_limit();
  const std::size_t files_each = options.output.empty() ? 1 : 2;
  const std::size_t possible = std::max<std::size_t>(sockets_within(file_limit) / files_each, 1);
  if (possible >= wanted) return wanted;
  complain("fetch", "the limit of open files is " + grouped(file_limit) + ": " + grouped(possible) +
                        " requests at once, not " + grouped(wanted));
  return possible;
}

// Writes the report, and returns the exit code that is left of `exit_code`.
int tell(const FetchReport& report, const FetchOptions& options, std::chrono::nanoseconds wall,
         int exit_code) {
  try {
    print(options.json ? report.json(wall) : report.text(wall));
  } catch (const std::runtime_error& error) {
    complain("fetch", error.what());
    exit_code = exit_failed;
  }
  std::fputs(report.failure_lines().c_str(), stderr);
  return exit_code;
}

}  // namespace

int run_fetch(const FetchOptions& options) {
  if (is_transfer(options)) return run_transfer(options);
  StopSignals signals;
  if (!options.output.empty()) make_output_directory(options.output);
  const std::size_t total = options.urls.size() * options.repeat;
  FetchReport report(options.urls, options.json || total <= longest_list);
  // One worker, this thread.
  RuntimeOptions runtime_options;
  runtime_options.current_thread = true;
  Runtime runtime(std::move(runtime_options));
  const auto begin = Clock::now();
  bool interrupted = false;
  {
    Fetcher fetcher(options, requests_at_once(options, total), report);
    interrupted = runtime.block_on(fetch_until_signalled(fetcher, signals));
  }
  const auto wall = Clock::now() - begin;
  const int outcome = interrupted ? exit_interrupted : report.failures() == 0 ? 0 : exit_failed;
  const int exit_code = tell(report, options, wall, outcome);
  if (interrupted) {
    complain("fetch", "interrupted after " + grouped(report.requests()) + " of " + grouped(total) +
                          " requests");
  }
  // The runtime's end may wait for a thread of its own, such as one that looks up a name.
  signals.end_process_with(exit_code);
  return exit_code;
}

}  // namespace weft::tool
