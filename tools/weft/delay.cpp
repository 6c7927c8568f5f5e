// `weft delay`: GET /{milliseconds}/{text} waits, then answers with the text.
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <weft/http/server.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include "commands.hpp"
#include "delay_path.hpp"
#include "fd_limit.hpp"
#include "standard_streams.hpp"
#include "stop_signals.hpp"

namespace weft::tool {

namespace {

constexpr std::chrono::seconds drain_limit{30};

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

http::ServerOptions server_options() {
  http::ServerOptions options;
  options.drain_timeout = drain_limit;
  options.server_name.clear();
  return options;
}

void tell_of_draining(std::size_t connections) {
  if (connections == 0 || ::isatty(STDERR_FILENO) == 0) return;
  std::fprintf(stderr, "\ndraining %zu connections; another Ctrl-C ends them at once\n",
               connections);
}

// Serves until the first signal, then drains; a second signal ends the draining. Returns the first
// signal's number.
Task<int> serve_until_signalled(SocketListener& listener, http::Server& server,
                                StopSignals& signals) {
  int first = 0;
  co_await scope([&](Scope& children) -> Task<void> {
    auto serving = children.spawn([&] { return server.serve(listener); });
    first = co_await signals.next();
    server.drain();
    tell_of_draining(server.connections());
    auto ended = co_await select(std::move(serving), signals.next());
    if (ended.index() == 1) children.cancel_children();
  });
  co_return first;
}

RuntimeOptions runtime_options(unsigned workers) {
  RuntimeOptions options;
  options.workers = workers;
  options.current_thread = workers == 1;  // one worker: the main thread itself
  return options;
}

void remove_socket_file(const Endpoint& endpoint) {
  std::error_code ignored;  // it may have been replaced or removed meanwhile
  const std::string path(endpoint.path());
  if (!path.empty() && path.front() != '@') std::filesystem::remove(path, ignored);
}

}  // namespace

int run_delay(const DelayOptions& options) {
  if (options.die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (options.log) std::signal(SIGPIPE, SIG_IGN);  // an error of print() instead
  raise_fd_limit();
  StopSignals signals;
  SocketListener listener = SocketListener::bind(options.listen);
  const Endpoint endpoint = listener.local_endpoint();
  RequestLog log;
  auto handler = [&log, logs = options.log](http::Request& request) {
    if (logs) log.add(request);
    return answer(request);
  };
  http::Server server(server_options(), handler);
  Runtime runtime(runtime_options(options.workers));
  print("listening on " + endpoint.to_string() + "\n");
  const int signal = runtime.block_on(serve_until_signalled(listener, server, signals));
  remove_socket_file(endpoint);
  const int exit_code = signal == SIGINT ? exit_interrupted : 0;
  signals.end_process_with(exit_code);
  return exit_code;
}

}  // namespace weft::tool
