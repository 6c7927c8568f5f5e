#include "serving.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <weft/net.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>

#include "commands.hpp"
#include "fd_limit.hpp"
#include "standard_streams.hpp"
#include "stop_signals.hpp"

namespace weft::tool {

namespace {

constexpr std::chrono::seconds drain_limit{30};

void tell_of_draining(std::size_t connections) {
  if (connections == 0 || ::isatty(STDERR_FILENO) == 0) return;
  std::fprintf(stderr, "\ndraining %zu connections; another Ctrl-C ends them at once\n",
               connections);
}

// Serves until the first signal, then drains; a second signal ends the draining. Returns the first
// signal's number.
Task<int> serve_until_signalled(SocketListener& listener, http::Server& server,
                                const ServeAt& serve, StopSignals& signals) {
  int first = 0;
  co_await scope([&](Scope& children) -> Task<void> {
    auto serving = children.spawn([&] { return serve(listener); });
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

http::ServerOptions server_options() {
  http::ServerOptions options;
  options.drain_timeout = drain_limit;
  options.server_name.clear();
  return options;
}

int serve_until_stopped(const Endpoint& listen, unsigned workers, http::Server& server) {
  return serve_until_stopped(listen, workers, server, [&server](SocketListener& listener) {
    return server.serve(listener);
  });
}

int serve_until_stopped(const Endpoint& listen, unsigned workers, http::Server& server,
                        const ServeAt& serve) {
  raise_fd_limit();
  StopSignals signals;
  SocketListener listener = SocketListener::bind(listen);
  const Endpoint endpoint = listener.local_endpoint();
  Runtime runtime(runtime_options(workers));
  print("listening on " + endpoint.to_string() + "\n");
  const int signal = runtime.block_on(serve_until_signalled(listener, server, serve, signals));
  remove_socket_file(endpoint);
  const int exit_code = signal == SIGINT ? exit_interrupted : 0;
  signals.end_process_with(exit_code);
  return exit_code;
}

}  // namespace weft::tool
