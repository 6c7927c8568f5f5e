// `weft delay`: GET /{milliseconds}/{text} waits, then answers with the text.
#include <sys/prctl.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <weft/http/server.hpp>
#include <weft/sleep.hpp>

#include "commands.hpp"
#include "delay_path.hpp"
#include "serving.hpp"
#include "standard_streams.hpp"

namespace weft::tool {

namespace {

http::Response refuse(http::Status status, std::string_view reason) {
  return http::Response::text(std::string(reason) + "\n", status);
}

Task<http::Response> answer(http::Request& request) {
  if (request.method != http::Method::get && request.method != http::Method::head) {
    auto response = refuse(405, "only GET and HEAD");
    response.headers.add("Allow", "GET, HEAD");
    co_return response;
  }
  auto asked = parse_delay_path(request.path());
  if (!asked) co_return refuse(400, asked.error());
  if (asked->delay.count() > 0) co_await sleep_for(asked->delay);
  co_return http::Response::text(std::move(asked->text));
}

// Prints a line for each request as it comes: seconds since the start, client, method and target.
// A request may be logged by any worker.
class RequestLog {
 public:
  void add(const http::Request& request) noexcept try {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start_;
    std::array<char, 32> time;
    std::snprintf(time.data(), time.size(), "%9.3f s  ", since.count());
    std::string line(time.data());
    line += request.peer->to_string() + "  " + std::string(to_string(request.method)) + " " +
            request.target + "\n";
    print(line);
  } catch (const std::exception& error) {  // the requests are answered all the same
    if (!failed_.exchange(true)) complain("delay", error.what());
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::atomic<bool> failed_{false};
};

}  // namespace

int run_delay(const DelayOptions& options) {
  if (options.die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (options.log) std::signal(SIGPIPE, SIG_IGN);  // an error of print() instead
  RequestLog log;
  auto handler = [&log, logs = options.log](http::Request& request) {
    if (logs) log.add(request);
    return answer(request);
  };
  http::Server server(server_options(), handler);
  return serve_until_stopped(options.listen, options.workers, server);
}

}  // namespace weft::tool
